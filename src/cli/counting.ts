import { type Caps, type CountedHost, defaultCaps } from '../core/caps.ts';
import type { Execution } from '../core/execution.ts';
import type { WorkspaceFile } from '../core/host.ts';
import type { Clock, Counting, RunStore } from '../core/ports.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { readRun } from '../engine/open-run.ts';

const hour = 3_600_000;

/** The lock under which hosts are counted. No host has such a name. */
const countingLock = '.counting';

/** How long others may take to count, in milliseconds, and how often it is asked whether they are done. */
const patience = 60_000;
const between = 250;

/** Whether anything was begun: logs of before there were caps do not say that their host was counted. */
const hasActed = ({ steps }: Execution): boolean =>
  Object.values(steps).some(({ forth }) =>
    forth.operations.some(({ operation }) => operation.kind !== 'ask' && operation.kind !== 'wait'),
  );

/** Counts the hosts of a state folder other than that of one run. A run that cannot be read counts: nobody knows what it does. */
export function countingIn(
  store: RunStore,
  host: string,
  settings: () => Result<WorkspaceFile>,
  clock: Clock,
): Counting {
  return {
    caps() {
      const read = settings();
      return read.ok ? ok({ ...defaultCaps, ...(read.value.caps as Partial<Caps> | undefined) }) : read;
    },
    others(as) {
      const since = clock.now().getTime() - hour;
      const found = new Map<string, CountedHost>();
      for (const folder of store.list()) {
        if (folder.rehearsal || folder.host === host || found.has(folder.host)) continue;
        const read = readRun(folder);
        const { execution } = read.ok ? read.value : {};
        const counts =
          execution === undefined ||
          (as === 'changed'
            ? (execution.counted.changed !== null || hasActed(execution)) && execution.status !== 'closed'
            : execution.counted.ended !== null && Date.parse(execution.counted.ended) > since);
        if (counts) found.set(folder.host, { host: folder.host, run: folder.run });
      }
      return [...found.values()];
    },
    async alone(work) {
      const never = new AbortController().signal;
      const begun = clock.monotonic();
      for (;;) {
        const lock = store.lock(countingLock);
        if (lock.ok) {
          try {
            return ok(work());
          } finally {
            lock.value.release();
          }
        }
        if (lock.error.code !== 'locked' || clock.monotonic() - begun > patience) {
          const what = 'whether there is room under the caps could not be counted';
          return fail(trouble('caps-uncounted', what, lock.error.fix, lock.error.what));
        }
        await clock.sleep(between, never);
      }
    },
  };
}
