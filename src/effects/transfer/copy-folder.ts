import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { jcs } from '../../core/json.ts';
import { folderMissing } from '../../core/place.ts';
import type { CopyDescription, CopySeen } from '../../core/probe.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { diskTrouble } from './disk-trouble.ts';
import { nearestFolder } from './nearest-folder.ts';
import { removeTree } from './remove-tree.ts';

/** What a copy is of; an unfinished folder is only gone on with by an attempt at the very same. */
export type Intent = Pick<CopyDescription, 'method' | 'host' | 'serial' | 'from' | 'exclude'>;

/** A copy in the making: the folder `<to>.partial`, and a folder here (`work`) for what is only needed meanwhile. */
export interface PartialCopy {
  readonly folder: string;
  readonly work: string;
  readonly data: string;
  readonly manifest: string;
}

/** One that rsync makes may go on from what it left before. */
export interface PartialMirror extends PartialCopy {
  readonly tree: string;
  /** Trees of earlier attempts at the same copy, newest first; their files are linked, then they are removed. */
  readonly earlier: readonly string[];
}

const partialOf = (to: string): string => `${to}.partial`;
const marker = 'partial.json';
const earlierName = /^earlier-\d$/;
const own = new Set([marker, 'work', 'data.tar', 'tree', 'dumps', 'manifest.mtree', 'manifest.json', 'copy.json']);

/**
 * Opens `<to>.partial/` for a copy. An archive is begun anew; what earlier attempts of rsync at the same left is linked into a fresh
 * tree (changing it in place would change the modes and owners of files that it shares with the copy before).
 * Nothing is removed that an earlier attempt did not make.
 */
export async function openPartial(to: string, intent: Intent): Promise<Result<PartialMirror>> {
  const folder = partialOf(to);
  try {
    if (existsSync(to)) {
      return fail(
        trouble(
          'copy-exists',
          `${to} already exists`,
          'Copies are never overwritten: choose another folder, or move it away.',
        ),
      );
    }
    if (existsSync(folder)) {
      const cleared = await clear(folder, intent);
      if (!cleared.ok) return cleared;
    } else {
      // Of the folder for copies, what is below it is made, and never itself: it may be a vault that is not mounted any more.
      const ofHost = dirname(folder);
      const all = dirname(ofHost);
      if (!existsSync(all)) return fail(folderMissing(all, nearestFolder(all)));
      if (!existsSync(ofHost)) mkdirSync(ofHost, { mode: 0o700 });
      mkdirSync(folder, { mode: 0o700 });
    }
    writeFileSync(join(folder, marker), `${jcs(intent)}\n`, { mode: 0o600 });
    const work = join(folder, 'work');
    const tree = join(folder, 'tree');
    mkdirSync(work, { mode: 0o700 });
    if (intent.method === 'rsync') mkdirSync(tree, { recursive: true, mode: 0o700 });
    const files = intent.method === 'rsync' || intent.method === 'archive';
    if (!files) mkdirSync(join(folder, 'dumps'), { mode: 0o700 });
    const earlier = earlierIn(folder);
    return ok({
      ...{ folder, work, tree, earlier },
      data: join(folder, files ? 'data.tar' : 'dumps'),
      manifest: join(folder, files ? 'manifest.mtree' : 'manifest.json'),
    });
  } catch (error) {
    return fail(diskTrouble(error, folder));
  }
}

async function clear(folder: string, intent: Intent): Promise<Result<void>> {
  const present = readdirSync(folder);
  if (present.length === 0) return ok(undefined);
  const before = present.includes(marker) ? readFileSync(join(folder, marker), 'utf8').trim() : undefined;
  if (before === undefined || present.some((name) => !own.has(name) && !earlierName.test(name))) {
    return fail(
      trouble(
        'not-ours',
        `${folder} holds files that decom did not put there`,
        'Move them away, or choose another folder.',
      ),
    );
  }
  const goOn = intent.method === 'rsync' && before === jcs(intent);
  for (const name of present) {
    if (name === marker || (goOn && (name === 'tree' || earlierName.test(name)))) continue;
    const removed = await removeTree(join(folder, name));
    if (!removed.ok) return removed;
  }
  return goOn && present.includes('tree') ? setAside(folder) : ok(undefined);
}

const earlierIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => earlierName.test(name))
    .sort()
    .reverse()
    .map((name) => join(folder, name));

/** Renames the tree that was left to the next free `earlier-N`; the tenth takes the place of the first nine. */
async function setAside(folder: string): Promise<Result<void>> {
  const known = earlierIn(folder);
  let next = known.length === 0 ? 0 : Number(known[0]?.at(-1)) + 1;
  if (next > 9) {
    for (const tree of known) {
      const removed = await removeTree(tree);
      if (!removed.ok) return removed;
    }
    next = 0;
  }
  renameSync(join(folder, 'tree'), join(folder, `earlier-${next}`));
  return ok(undefined);
}

/** Makes a partial copy a whole one: everything on disk first, then the description, then the name. */
export async function seal(partial: PartialCopy, to: string, description: CopyDescription): Promise<Result<void>> {
  for (const folder of [partial.work, ...earlierIn(partial.folder)]) {
    const removed = await removeTree(folder);
    if (!removed.ok) return removed;
  }
  const file = join(partial.folder, 'copy.json');
  writeFileSync(file, `${JSON.stringify(description, null, 2)}\n`, { mode: 0o600 });
  for (const path of [partial.manifest, file, partial.folder]) sync(path);
  renameSync(partial.folder, to);
  rmSync(join(to, marker), { force: true });
  sync(to);
  // The host's folder may be new in the folder for copies, and its name is on the disk only once that one is.
  for (const folder of [dirname(to), dirname(dirname(to))]) sync(folder);
  return ok(undefined);
}

/** Waits until a file or folder is on the disk. */
export function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What lies at a copy's place. A description that cannot be understood is not a complete copy. */
export function readCopy(copy: string): CopySeen {
  try {
    const description = parseDescription(readFileSync(join(copy, 'copy.json'), 'utf8'));
    if (description !== undefined) return { state: 'complete', description };
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return { state: existsSync(copy) || existsSync(partialOf(copy)) ? 'partial' : 'missing', description: null };
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** Reads `copy.json`; undefined for what is none. */
export function parseDescription(text: string): CopyDescription | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isDescription(value) ? value : undefined;
}

const isObject = (v: unknown): v is { readonly [key: string]: unknown } => typeof v === 'object' && v !== null;
const isBlob = (v: unknown): boolean =>
  isObject(v) && typeof v.sha256 === 'string' && /^[0-9a-f]{64}$/.test(v.sha256) && typeof v.bytes === 'number';
const isKept = (v: unknown): boolean =>
  isObject(v) &&
  typeof v.until === 'string' &&
  typeof v.by === 'string' &&
  (v.why === undefined || typeof v.why === 'string');
const isTexts = (v: unknown): boolean => Array.isArray(v) && v.every((x) => typeof x === 'string');

function isDescription(v: unknown): v is CopyDescription {
  if (!isObject(v) || v.format !== 1) return false;
  return (
    isOfMethod(v) &&
    isBlob(v.manifest) &&
    isTexts(v.from) &&
    isTexts(v.exclude) &&
    ['host', 'serial', 'manifest_started', 'manifest_taken'].every((key) => typeof v[key] === 'string') &&
    ['files', 'entries', 'bytes'].every((key) => typeof v[key] === 'number') &&
    Array.isArray(v.unread) &&
    (v.kept === undefined || isKept(v.kept)) &&
    (v.file_systems === undefined ||
      (Array.isArray(v.file_systems) &&
        v.file_systems.every((one) => isObject(one) && typeof one.at === 'string' && typeof one.id === 'string')))
  );
}

function isOfMethod({ method, archive, databases }: { readonly [key: string]: unknown }): boolean {
  switch (method) {
    case 'archive':
      return isBlob(archive) && databases === undefined;
    case 'rsync':
      return archive === null && databases === undefined;
    case 'postgres':
      return archive === null && isDatabases(databases);
    default:
      return false;
  }
}

const isDatabases = (v: unknown): boolean =>
  isObject(v) &&
  typeof v.product === 'string' &&
  typeof v.version === 'string' &&
  typeof v.asked === 'number' &&
  isObject(v.sessions) &&
  Array.isArray(v.each) &&
  v.each.every(
    (one) =>
      isObject(one) &&
      typeof one.name === 'string' &&
      ['bytes', 'on_disk', 'tables', 'rows'].every((key) => typeof one[key] === 'number'),
  );
