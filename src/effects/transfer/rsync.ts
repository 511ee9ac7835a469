import { join } from 'node:path';
import type { PerformContext } from '../../core/action.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { type Complaints, complaints, fromRsync } from './complaints.ts';
import { openPartial, type PartialMirror } from './copy-folder.ts';
import type { TransferDeps } from './deps.ts';
import { diskFull, diskTrouble, saysFull } from './disk-trouble.ts';
import { findListing } from './find-listing.ts';
import { finishCopy } from './finish-copy.ts';
import { listing } from './hard-links.ts';
import { hashMissing } from './hash-tool.ts';
import { here } from './here.ts';
import { runHere } from './local-program.ts';
import { mountedAt } from './mounted-at.ts';
import { remoteShell } from './remote-shell.ts';
import { nanoseconds, rsyncProgress } from './rsync-progress.ts';
import { literally, type Selection, select } from './selection.ts';
import { type RsyncFound, rsyncFound, type SourceTools, sourceTools, toolMissing } from './source-tools.ts';

/** Mirrors the host's files into `tree/` here by rsync over the machine's connection, then takes the manifest. */
export async function copyRsync(
  deps: TransferDeps,
  operation: OperationOf<'copy.rsync'>,
  context: PerformContext,
): Promise<Outcome> {
  const failed = (why: Trouble): Outcome => ({ outcome: 'failed', trouble: why });
  const { machine } = deps;
  const { from, exclude, to, basis, root } = operation;
  const selection = select(from, exclude);
  if (!selection.ok) return failed(selection.error);
  const tools = await sourceTools(machine, root, selection.value, context.signal);
  if (!tools.ok) return failed(tools.error);
  const ready = await whatIsNeeded(machine.name, tools.value);
  if (!ready.ok) return failed(ready.error);
  const mounted = await mountedAt(machine, operation, context.signal);
  if (!mounted.ok) return failed(mounted.error);
  const opened = await openPartial(to, {
    method: 'rsync',
    host: deps.host.name,
    serial: deps.host.serial,
    from,
    exclude,
  });
  if (!opened.ok) return failed(opened.error);
  const partial = opened.value;
  try {
    const base = await usable(deps, basis);
    const heard = complaints();
    const linked = [...partial.earlier, ...(base === null ? [] : [join(base, 'tree')])];
    const mirrored = await mirror(deps, context, {
      selection: selection.value,
      partial,
      linked,
      root,
      heard,
      keeps: ready.value.keeps,
    });
    if (!mirrored.ok) return failed(mirrored.error);
    await syncAll(partial.tree);

    const entries = listing(partial.work);
    try {
      const began = deps.clock.now();
      const listed = await findListing(
        machine,
        root,
        selection.value,
        entries,
        heard,
        context.signal,
        tools.value.rsync?.subseconds === true,
      );
      if (!listed.ok) return failed(listed.error);
      return await finishCopy(deps, context, {
        method: 'rsync',
        operation,
        keeper: here,
        partial,
        tool: ready.value.hash,
        began,
        entries: entries.lines(),
        heard,
        archive: null,
        mounted: mounted.value,
      });
    } finally {
      entries.discard();
    }
  } catch (error) {
    return failed(diskTrouble(error, to));
  }
}

/** A basis only saves room: one that was never made, or is of another machine, is done without. */
async function usable({ host }: TransferDeps, basis: string | null): Promise<string | null> {
  if (basis === null) return null;
  const copy = await here.read(basis);
  const about = copy.known ? copy.value.description : null;
  return about?.method === 'rsync' && about.serial === host.serial ? basis : null;
}

async function whatIsNeeded(
  host: string,
  tools: SourceTools,
): Promise<Result<{ readonly hash: NonNullable<SourceTools['hash']>; readonly keeps: RsyncFound }>> {
  const own = await rsyncHere();
  if (own === undefined) return fail(toolMissing(here.name, 'rsync 3.1.3 or newer', 'rsync'));
  if (tools.rsync === undefined) return fail(toolMissing(host, 'rsync', 'rsync'));
  if (tools.hash === undefined) return fail(hashMissing(host));
  if (!tools.findPrintf) {
    return fail(
      trouble(
        'tool-missing',
        `${host} has no find with -printf`,
        'Use backup.archive, which does without, or install findutils there.',
      ),
    );
  }
  const keeps = { ...own, acls: own.acls && tools.rsync.acls, xattrs: own.xattrs && tools.rsync.xattrs };
  return ok({ hash: tools.hash, keeps });
}

async function rsyncHere(): Promise<RsyncFound | undefined> {
  let said = '';
  const run = await runHere(['rsync', '--info=progress2', nanoseconds, '--version'], {
    pkg: 'rsync',
    stdout: (chunk) => {
      said += chunk.toString();
    },
  });
  return run.ok && run.value.code === 0 ? rsyncFound(said) : undefined;
}

interface Mirroring {
  readonly selection: Selection;
  readonly partial: PartialMirror;
  /** Trees whose unchanged files are linked instead of copied. */
  readonly linked: readonly string[];
  readonly root: boolean;
  readonly heard: Complaints;
  readonly keeps: RsyncFound;
}

async function mirror(deps: TransferDeps, context: PerformContext, m: Mirroring): Promise<Result<void>> {
  const isRoot = await here.isRoot();
  if (!isRoot.ok) return isRoot;
  const shell = await remoteShell(deps.machine, m.root, deps.rsh, context.signal);
  try {
    const run = await runHere(
      ['rsync', ...options(m, isRoot.value), '-e', shell.command, '--', ...sources(m.selection), `${m.partial.tree}/`],
      {
        signal: context.signal,
        pkg: 'rsync',
        stdout: rsyncProgress(deps.clock, 'copying', context.progress),
        stderrLine: (line) => {
          const unread = fromRsync(line);
          if (unread === undefined) m.heard.note(line);
          else if (unread !== 'ignore') m.heard.add(unread);
        },
      },
    );
    if (!run.ok) return run;
    const { code } = run.value;
    const said = m.heard.rest();
    if (code === 0) return ok(undefined);
    if (context.signal.aborted)
      return fail(trouble('aborted', 'copying was stopped', 'Resume: it goes on where it stopped.'));
    const cut = shell.trouble();
    if (cut !== undefined) return fail(cut);
    if (saysFull(said)) return fail(diskFull(m.partial.tree, said));
    // 23: some files were not transferred; 24: some vanished meanwhile. Both are fine where every complaint names its file.
    if ((code === 23 || code === 24) && m.heard.count() > 0 && said === '') return ok(undefined);
    return fail(
      trouble(
        'rsync-failed',
        `rsync of ${deps.machine.name} ended with ${code}`,
        'Read what it said, then try again.',
        said,
      ),
    );
  } finally {
    await shell.close();
  }
}

function options({ selection, linked, keeps }: Mirroring, isRoot: boolean): readonly string[] {
  return [
    '-aHS',
    '--numeric-ids',
    '--relative',
    '--no-implied-dirs',
    // The names travel inside the protocol, where no shell reads them.
    '--secluded-args',
    '--partial',
    nanoseconds,
    '--no-human-readable',
    '--info=progress2,name0',
    ...(keeps.acls ? ['--acls'] : []),
    ...(keeps.xattrs ? ['--xattrs'] : []),
    // Only root may give files away; the manifest records their owners all the same.
    ...(isRoot ? [] : ['--no-owner', '--no-group']),
    ...selection.exclude.map((path) => `--exclude=${asFilter(path)}`),
    ...linked.map((tree) => `--link-dest=${tree}`),
  ];
}

/** In rsync's filters a backslash escapes only where the pattern holds a wildcard. */
const asFilter = (path: string): string => (/[*?[]/.test(path) ? literally(path) : path);

const sources = (selection: Selection): readonly string[] =>
  selection.from.map((path, i) => `${i === 0 ? 'host' : ''}:${literally(path)}`);

/** The tree's files are on the disk before anything says so. */
async function syncAll(tree: string): Promise<void> {
  const one = await runHere(['sync', '-f', '--', tree], { pkg: 'coreutils' });
  if (!one.ok || one.value.code !== 0) await runHere(['sync'], { pkg: 'coreutils' });
}
