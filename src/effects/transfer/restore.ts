import { join } from 'node:path';
import type { PerformContext } from '../../core/action.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import { placeOf, placeText } from '../../core/place.ts';
import type { CopyDescription } from '../../core/probe.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { archiveChanged } from './changed-copy.ts';
import type { TransferDeps } from './deps.ts';
import { diskFull, saysFull } from './disk-trouble.ts';
import type { Keeper } from './keeper.ts';
import { atIntervals } from './progress.ts';
import { nanoseconds, rsyncProgress } from './rsync-progress.ts';

/** Restores a copy into an empty scratch folder where it is kept. An archive has to match its recorded hash before it is unpacked. */
export async function restoreCopy(
  deps: TransferDeps,
  keeper: Keeper,
  operation: OperationOf<'copy.restore'>,
  context: PerformContext,
): Promise<Outcome> {
  const failed = (why: Trouble): Outcome => ({ outcome: 'failed', trouble: why });
  const copy = placeOf(operation.copy).path;
  const scratch = placeOf(operation.scratch).path;
  try {
    const read = await keeper.read(copy);
    if (!read.known) return failed(read.trouble);
    const { description } = read.value;
    if (description === null) return failed(notComplete(operation.copy));
    const whole = await checkArchive(deps, keeper, copy, description, context);
    if (!whole.ok) return failed(whole.error);
    const opened = await keeper.openScratch(scratch);
    if (!opened.ok) return failed(opened.error);
    const restored =
      description.method === 'archive'
        ? await unpack(keeper, join(copy, 'data.tar'), scratch, context)
        : await copyBack(deps, keeper, join(copy, 'tree'), scratch, description, context);
    if (!restored.ok) return failed(restored.error);
    const { bytes, entries } = description;
    return { outcome: 'done', receipt: { copy: operation.copy, scratch: operation.scratch, bytes, entries } };
  } catch (error) {
    if (context.signal.aborted) return failed(aborted);
    throw error;
  }
}

export const notComplete = (copy: string): Trouble =>
  trouble('no-such-copy', `there is no complete copy at ${copy}`, 'Make the copy again, or name another one.');

const aborted = trouble('aborted', 'restoring was stopped', 'Resume to restore again from the beginning.');

async function checkArchive(
  deps: TransferDeps,
  keeper: Keeper,
  copy: string,
  { archive }: CopyDescription,
  context: PerformContext,
): Promise<Result<void>> {
  if (archive === null) return ok(undefined);
  const tell = atIntervals(deps.clock, context.progress);
  let bytes = 0;
  const file = join(copy, 'data.tar');
  tell(() => ({ what: 'checking the archive', bytes, totalBytes: archive.bytes }));
  const found = await keeper.hash(
    file,
    (more) => {
      bytes += more;
      tell(() => ({ what: 'checking the archive', bytes, totalBytes: archive.bytes }));
    },
    context.signal,
  );
  if (!found.ok) return found;
  if (found.value.sha256 === archive.sha256 && found.value.bytes === archive.bytes) return ok(undefined);
  return fail(archiveChanged(placeText({ on: keeper.on, path: file }), found.value, archive));
}

async function unpack(
  keeper: Keeper,
  archive: string,
  scratch: string,
  { signal, progress }: PerformContext,
): Promise<Result<void>> {
  progress({ what: 'restoring' });
  const isRoot = await keeper.isRoot();
  if (!isRoot.ok) return isRoot;
  const gnu = await keeper.run(['tar', '--acls', '--xattrs', '--version'], { pkg: 'tar' });
  if (!gnu.ok) return gnu;
  const kept = gnu.value.code === 0 ? ['--acls', '--xattrs', '--numeric-owner', '--delay-directory-restore'] : [];
  const all = gnu.value.code === 0 && isRoot.value ? ['--xattrs-include=*'] : [];
  const owner = isRoot.value ? ['--same-owner'] : ['--no-same-owner'];
  const run = await keeper.run(['tar', '-x', '-p', ...kept, ...all, ...owner, '-f', archive, '-C', scratch], {
    signal,
    pkg: 'tar',
  });
  if (!run.ok) return run;
  const { code, stderr } = run.value;
  if (signal.aborted) return fail(aborted);
  // Device nodes need root; their absence is found and named by the comparison.
  const excused =
    !isRoot.value &&
    code !== null &&
    stderr.split('\n').every((line) => /^$|Cannot mknod|Exiting with failure/.test(line));
  if (code === 0 || excused) return ok(undefined);
  // GNU tar does not always give the system's reason.
  const full = saysFull(stderr) || /: Wrote only \d+ of \d+ bytes/.test(stderr);
  return fail(full ? diskFull(scratch, stderr, keeper.on) : restoreFailed('tar', keeper, scratch, stderr));
}

async function copyBack(
  deps: TransferDeps,
  keeper: Keeper,
  tree: string,
  scratch: string,
  { bytes: totalBytes }: CopyDescription,
  { signal, progress }: PerformContext,
): Promise<Result<void>> {
  const isRoot = await keeper.isRoot();
  if (!isRoot.ok) return isRoot;
  const owner = isRoot.value ? [] : ['--no-owner', '--no-group'];
  const run = await keeper.run(
    [
      'rsync',
      '-aHAXS',
      '--numeric-ids',
      nanoseconds,
      ...owner,
      '--no-human-readable',
      '--info=progress2',
      '--',
      `${tree}/`,
      `${scratch}/`,
    ],
    { signal, pkg: 'rsync', stdout: rsyncProgress(deps.clock, 'restoring', progress, totalBytes) },
  );
  if (!run.ok) return run;
  if (signal.aborted) return fail(aborted);
  if (run.value.code === 0) return ok(undefined);
  const { stderr } = run.value;
  return fail(
    saysFull(stderr) ? diskFull(scratch, stderr, keeper.on) : restoreFailed('rsync', keeper, scratch, stderr),
  );
}

const restoreFailed = (program: string, { on }: Keeper, path: string, detail: string): Trouble =>
  trouble(
    'restore-failed',
    `${program} could not restore into ${placeText({ on, path })}`,
    'Read what it said, then try again.',
    detail,
  );
