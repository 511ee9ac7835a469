import { claimRemoval } from '../../core/claim.ts';
import type { RunFolder } from '../../core/ports.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { openRun } from '../../engine/open-run.ts';
import { closeSession, openSession } from '../../engine/session.ts';
import { systemClock } from '../compose.ts';
import { type Desk, openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse, refuseLock } from '../refuse.ts';
import { tally } from '../view/run-end-view.ts';
import { findHost } from '../workspace.ts';

export interface AbandonOptions {
  readonly reason: string;
}

/** Ends a run for good, with its reason on record. Nothing is undone, and the host may be run again from the start. */
export async function abandon(invocation: Invocation, named: string, { reason }: AbandonOptions): Promise<ExitCode> {
  if (reason.trim() === '')
    return refuse(invocation, [trouble('no-reason', 'the reason is empty', 'Give it: --reason TEXT')]);
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const { store, operator } = desk.value;
  const folder = findRun(store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const lock = store.lock(folder.value.host);
  if (!lock.ok) return refuseLock(invocation, lock.error);
  try {
    const opened = openRun(folder.value, systemClock, () => {});
    if (!opened.ok) return refuse(invocation, [opened.error], process.cwd(), exit.logBroken);
    const { journal, plan } = opened.value;
    try {
      if (journal.execution.status === 'closed') {
        const what = `run ${folder.value.run} has ended already (${journal.execution.outcome ?? 'closed'})`;
        return refuse(invocation, [trouble('run-closed', what, `See: decom report ${folder.value.run}`)]);
      }
      openSession(journal, desk.value.session(true));
      journal.record({ type: 'run.closed', outcome: 'abandoned', by: operator, reason });
      const left = await freed(desk.value, folder.value);
      closeSession(journal, 'abandoned', exit.done);
      const { execution, head } = journal;
      invocation.output.result(
        { type: 'run.ended', message: `run ${folder.value.run} is abandoned`, run_id: folder.value.run, head },
        [
          `Run ${folder.value.run} on ${folder.value.host} is abandoned: ${tally(plan, execution)}. Nothing was undone.`,
          ...(left === undefined ? [] : [`Its claim stays on the host: ${left.what}. ${left.fix}`]),
          `log head ${head.hash} after ${head.size} lines`,
          `Next: decom report ${folder.value.run}, or give the machine back: decom rollback ${folder.value.run}`,
        ],
      );
      return exit.done;
    } finally {
      opened.value.store.close();
    }
  } finally {
    lock.value.release();
  }
}

/** Gives the host free and removes what the run's acts left there; why it could not be done. */
async function freed(desk: Desk, folder: RunFolder): Promise<Trouble | undefined> {
  const host = findHost(desk.workspace, folder.host);
  if (!host.ok) {
    const what = `${folder.host} is not in the inventory any more`;
    return trouble('unknown-host', what, `Remove it there: ${claimRemoval}`);
  }
  const world = await desk.compose(host.value, folder.run);
  try {
    const dropped = await world.claims?.drop();
    if (dropped?.ok) await world.acts.forget(folder.run);
    return dropped === undefined || dropped.ok ? undefined : dropped.error;
  } finally {
    await world.close();
  }
}
