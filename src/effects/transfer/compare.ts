import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PerformContext } from '../../core/action.ts';
import { type Entry, manifestHeader, nameOf, parseEntry } from '../../core/mtree.ts';
import { placeOf, placeText } from '../../core/place.ts';
import type { BlobStore } from '../../core/ports.ts';
import type { AttributeProof, CopyDescription, TreeComparison } from '../../core/probe.ts';
import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { manifestChanged } from './changed-copy.ts';
import { vanished } from './complaints.ts';
import type { TransferDeps } from './deps.ts';
import { differenceReport } from './difference-report.ts';
import { diskTrouble } from './disk-trouble.ts';
import { hashFile } from './file-hash.ts';
import type { Keeper, TreeListing } from './keeper.ts';
import { linesIn } from './lines.ts';
import { atIntervals } from './progress.ts';
import { notComplete } from './restore.ts';

/** Walks a restored tree, hashes every file, and compares all of it with the manifest that was taken at the source. */
export async function compareTree(
  { blobs, clock }: Pick<TransferDeps, 'blobs' | 'clock'>,
  keeper: Keeper,
  question: { readonly copy: string; readonly tree: string },
  context?: PerformContext,
): Promise<Seen<TreeComparison>> {
  const signal = context?.signal;
  const tell = atIntervals(clock, context?.progress ?? (() => undefined));
  let work: string | undefined;
  try {
    const copy = placeOf(question.copy).path;
    const read = await keeper.read(copy);
    if (!read.known) return read;
    const { description } = read.value;
    if (description === null) return unseen(notComplete(question.copy));
    work = mkdtempSync(join(tmpdir(), 'decom-compare-'));
    const brought = await keeper.manifest(copy, description.manifest, work);
    if (!brought.ok) return unseen(brought.error);
    const manifest = { file: brought.value, place: placeText({ on: keeper.on, path: join(copy, 'manifest.mtree') }) };
    const recorded = description.manifest.sha256;
    const changed = await changedSince(manifest, recorded, signal);
    if (changed !== undefined) return unseen(changed);
    const isRoot = await keeper.isRoot();
    if (!isRoot.ok) return unseen(isRoot.error);
    const tree = await keeper.tree(placeOf(question.tree).path, work, signal, (progress) => tell(() => progress));
    if (!tree.ok) return unseen(tree.error);
    const asked = { blobs, manifest, gone: goneAtSource(description), tree: tree.value, isRoot: isRoot.value };
    const compared = await compare(asked, (tally) =>
      tell(() => ({ what: 'comparing', ...tally, totalBytes: description.bytes, totalFiles: description.files })),
    );
    return compared.known ? seen({ ...compared.value, manifest: recorded }) : compared;
  } catch (error) {
    return unseen(signal?.aborted === true ? stopped : diskTrouble(error, work ?? tmpdir()));
  } finally {
    if (work !== undefined) rmSync(work, { recursive: true, force: true });
  }
}

/** A manifest as a file here, and the place where it belongs. */
interface Manifest {
  readonly file: string;
  readonly place: string;
}

async function changedSince(
  { file, place }: Manifest,
  recorded: string,
  signal: AbortSignal | undefined,
): Promise<Trouble | undefined> {
  try {
    const { sha256 } = await hashFile(file, () => undefined, signal);
    if (sha256 === recorded) return undefined;
    return manifestChanged(place, `its SHA-256 is ${sha256}, recorded was ${recorded}`);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return diskTrouble(error, place);
  }
}

const stopped = trouble('aborted', 'comparing was stopped', 'Resume to compare again from the beginning.');

interface Comparison {
  readonly blobs: BlobStore;
  readonly manifest: Manifest;
  readonly gone: ReadonlySet<string>;
  readonly tree: TreeListing;
  /** Whether files were given their owners. */
  readonly isRoot: boolean;
}

async function compare(
  { blobs, manifest, gone, tree, isRoot }: Comparison,
  tell: (tally: { readonly files: number; readonly bytes: number }) => void,
): Promise<Seen<TreeComparison>> {
  const report = differenceReport();
  const tally = { entries: 0, files: 0, bytes: 0 };
  try {
    const wanted = linesIn(manifest.file)[Symbol.asyncIterator]();
    const actual = tree.lines()[Symbol.asyncIterator]();
    if ((await wanted.next()).value !== manifestHeader) return unseen(unreadable(manifest.place));
    let w = await wanted.next();
    let a = await actual.next();
    while (!w.done || !a.done) {
      const wantedName = w.done ? undefined : nameOf(w.value);
      const actualName = a.done ? undefined : nameOf(a.value);
      if (wantedName !== undefined && (actualName === undefined || wantedName < actualName)) {
        report.missing(wantedName);
        w = await wanted.next();
      } else if (actualName !== undefined && (wantedName === undefined || actualName < wantedName)) {
        report.extra(actualName);
        a = await actual.next();
      } else {
        const want = w.done ? undefined : parseEntry(w.value);
        const is = a.done ? undefined : parseEntry(a.value);
        if (want === undefined || is === undefined) return unseen(unreadable(manifest.place));
        tally.entries++;
        const different = differences(want, is, isRoot);
        if (want.type === 'file' && is.type === 'file') {
          tally.files++;
          const content = await tree.contentOf(is);
          tally.bytes += content.bytes;
          tell({ files: tally.files, bytes: tally.bytes });
          if (want.sha256 === undefined && content.sha256 !== undefined && gone.has(want.name)) {
            if (different.length === 0) report.vanished(want.name);
          } else if (want.sha256 === undefined) different.push('hash (the source gave none)');
          else if (content.sha256 === undefined) different.push(`hash (${content.why})`);
          else if (content.sha256 !== want.sha256) different.push('hash');
        }
        if (different.length > 0) report.different(want.name, different);
        w = await wanted.next();
        a = await actual.next();
      }
    }
  } finally {
    tree.discard();
  }
  return seen({ ...report.result(blobs), ...tally, attributes: proofs(report.failed(), isRoot) });
}

/** Only what the copy names counts: beyond its list of the first 1000, nobody knows why a hash is lacking. */
const goneAtSource = ({ unread }: CopyDescription): ReadonlySet<string> =>
  new Set(unread.flatMap(({ name, why }) => (why === vanished ? [name] : [])));

const unreadable = (place: string) =>
  trouble('manifest-unreadable', `${place} holds a line that decom did not write`, 'Make the copy again.');

function differences(want: Entry, is: Entry, isRoot: boolean): string[] {
  if (want.type !== is.type) return ['type'];
  const found: string[] = [];
  const differ = (a: string | number | undefined, b: string | number | undefined): boolean =>
    a !== undefined && a !== b;
  if (differ(want.size, is.size)) found.push('size');
  if (differ(want.mode, is.mode)) found.push('mode');
  if (isRoot && (differ(want.uid, is.uid) || differ(want.gid, is.gid))) found.push('owner');
  if (differ(want.link, is.link) || want.tags !== is.tags) found.push('links');
  if (differ(want.device, is.device)) found.push('type');
  if (differ(want.time, is.time)) found.push('time');
  return found;
}

/** Equal wherever compared is proven; what was not compared, or differed anywhere, is not. */
function proofs(failed: ReadonlySet<string>, isRoot: boolean): readonly AttributeProof[] {
  const attributes = ['type', 'size', 'hash', 'mode', 'owner', 'links', 'time'] as const;
  const compared = attributes.map((attribute): AttributeProof => {
    if (attribute === 'owner' && !isRoot) {
      return { attribute, proven: false, why: 'only root can give files to their owners' };
    }
    return failed.has(attribute) ? { attribute, proven: false, why: 'it differs' } : { attribute, proven: true };
  });
  const why = 'a manifest in mtree(5) has no place for it';
  return [...compared, { attribute: 'acl', proven: false, why }, { attribute: 'xattr', proven: false, why }];
}
