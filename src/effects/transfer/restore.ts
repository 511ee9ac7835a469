import { join } from 'node:path';
import type { PerformContext } from '../../core/action.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import type { CopyDescription } from '../../core/probe.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { readCopy } from './copy-folder.ts';
import type { TransferDeps } from './deps.ts';
import { diskFull, diskTrouble, saysFull } from './disk-trouble.ts';
import { hashFile } from './file-hash.ts';
import { runHere } from './local-program.ts';
import { atIntervals } from './progress.ts';
import { nanoseconds, rsyncProgress } from './rsync-progress.ts';
import { openScratch } from './scratch.ts';

/** Restores a copy into an empty scratch folder here. An archive has to match its recorded hash before it is unpacked. */
export async function restoreCopy(
  deps: TransferDeps,
  { copy, scratch }: OperationOf<'copy.restore'>,
  context: PerformContext,
): Promise<Outcome> {
  const failed = (why: Trouble): Outcome => ({ outcome: 'failed', trouble: why });
  try {
    const { description } = readCopy(copy);
    if (description === null) return failed(notComplete(copy));
    const whole = await checkArchive(deps, copy, description, context);
    if (!whole.ok) return failed(whole.error);
    const opened = await openScratch(scratch);
    if (!opened.ok) return failed(opened.error);
    const restored =
      description.method === 'archive'
        ? await unpack(join(copy, 'data.tar'), scratch, context)
        : await copyBack(deps, join(copy, 'tree'), scratch, description, context);
    if (!restored.ok) return failed(restored.error);
    return { outcome: 'done', receipt: { copy, scratch, bytes: description.bytes, entries: description.entries } };
  } catch (error) {
    if (context.signal.aborted) return failed(aborted);
    return failed(diskTrouble(error, copy));
  }
}

export const notComplete = (copy: string): Trouble =>
  trouble('no-such-copy', `there is no complete copy at ${copy}`, 'Make the copy again, or name another one.');

const aborted = trouble('aborted', 'restoring was stopped', 'Resume to restore again from the beginning.');

async function checkArchive(
  deps: TransferDeps,
  copy: string,
  { archive }: CopyDescription,
  context: PerformContext,
): Promise<Result<void>> {
  if (archive === null) return ok(undefined);
  const tell = atIntervals(deps.clock, context.progress);
  let bytes = 0;
  const file = join(copy, 'data.tar');
  const found = await hashFile(
    file,
    (more) => {
      bytes += more;
      tell(() => ({ what: 'checking the archive', bytes, totalBytes: archive.bytes }));
    },
    context.signal,
  );
  if (found.sha256 === archive.sha256 && found.bytes === archive.bytes) return ok(undefined);
  return fail(
    trouble(
      'archive-changed',
      `${file} is not what was written: its SHA-256 is ${found.sha256} (${found.bytes} bytes), recorded was ${archive.sha256} (${archive.bytes} bytes)`,
      'This copy cannot be trusted: find out what changed it, and make the copy again.',
    ),
  );
}

const isRoot = (): boolean => process.getuid?.() === 0;

async function unpack(archive: string, scratch: string, { signal, progress }: PerformContext): Promise<Result<void>> {
  progress({ what: 'restoring' });
  const gnu = await runHere(['tar', '--acls', '--xattrs', '--version'], { pkg: 'tar' });
  if (!gnu.ok) return gnu;
  const kept = gnu.value.code === 0 ? ['--acls', '--xattrs', '--numeric-owner', '--delay-directory-restore'] : [];
  const all = gnu.value.code === 0 && isRoot() ? ['--xattrs-include=*'] : [];
  const owner = isRoot() ? ['--same-owner'] : ['--no-same-owner'];
  const run = await runHere(['tar', '-x', '-p', ...kept, ...all, ...owner, '-f', archive, '-C', scratch], {
    signal,
    pkg: 'tar',
  });
  if (!run.ok) return run;
  const { code, stderr } = run.value;
  if (signal.aborted) return fail(aborted);
  // Device nodes need root; their absence is found and named by the comparison.
  const excused = !isRoot() && stderr.split('\n').every((line) => /^$|Cannot mknod|Exiting with failure/.test(line));
  if (code === 0 || excused) return ok(undefined);
  // GNU tar does not always give the system's reason.
  const full = saysFull(stderr) || /: Wrote only \d+ of \d+ bytes/.test(stderr);
  return fail(full ? diskFull(scratch, stderr) : restoreFailed('tar', scratch, stderr));
}

async function copyBack(
  deps: TransferDeps,
  tree: string,
  scratch: string,
  { bytes: totalBytes }: CopyDescription,
  { signal, progress }: PerformContext,
): Promise<Result<void>> {
  const owner = isRoot() ? [] : ['--no-owner', '--no-group'];
  const run = await runHere(
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
  return fail(saysFull(stderr) ? diskFull(scratch, stderr) : restoreFailed('rsync', scratch, stderr));
}

const restoreFailed = (program: string, scratch: string, detail: string): Trouble =>
  trouble(
    'restore-failed',
    `${program} could not restore into ${scratch}`,
    'Read what it said, then try again.',
    detail,
  );
