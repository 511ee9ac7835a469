import type { RunFolder, RunStore } from '../core/ports.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { type RunRead, readRun } from '../engine/open-run.ts';

/**
 * RUN as people name it: an id, a unique prefix of one (four characters at least), or a host: its open run, else its newest. A host
 * never means a rehearsal.
 */
export function findRun(store: RunStore, named: string): Result<RunFolder> {
  const all = store.list();
  const exact = all.find((folder) => folder.run === named);
  if (exact !== undefined) return ok(exact);
  const ofHost = all.filter((folder) => folder.host === named && !folder.rehearsal);
  if (ofHost.length > 0) {
    const open = ofHost.findLast((folder) => isOpen(folder));
    return ok(open ?? (ofHost.at(-1) as RunFolder));
  }
  const starting = named.length < 4 ? [] : all.filter((folder) => folder.run.startsWith(named));
  if (starting.length === 1) return ok(starting[0] as RunFolder);
  if (starting.length > 1) {
    const what = `"${named}" begins ${starting.length} runs: ${starting.map((folder) => folder.run).join(', ')}`;
    return fail(trouble('which-run', what, 'Give more of its id.'));
  }
  return fail(trouble('unknown-run', `there is no run "${named}"`, 'See the runs there are with: decom status'));
}

/** Whether a run has not come to its end. A log that cannot be read counts as open: nothing may start over it. */
export function isOpen(folder: RunFolder): boolean {
  const read = readRun(folder);
  return !read.ok || read.value.execution.status !== 'closed';
}

/** The run of a host that has not come to its end, if there is one. */
export const openRunOf = (store: RunStore, host: string): RunFolder | undefined =>
  store.list().findLast((folder) => folder.host === host && !folder.rehearsal && isOpen(folder));

/** Every run that can be read; the others by their trouble. */
export const readRuns = (store: RunStore): readonly { readonly folder: RunFolder; readonly read: Result<RunRead> }[] =>
  store.list().map((folder) => ({ folder, read: readRun(folder) }));
