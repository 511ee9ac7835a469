import { claimRemoval } from '../../core/claim.ts';
import type { RunFolder } from '../../core/ports.ts';
import { type Trouble, trouble, unseen } from '../../core/result.ts';
import { type DataLeft, dataLeftBy, tellDataLeft } from '../../engine/data-left.ts';
import { copiesLeftOpen } from '../../engine/leave-host.ts';
import { openRun } from '../../engine/open-run.ts';
import { closeSession, openSession } from '../../engine/session.ts';
import { believed } from '../believed.ts';
import { systemClock } from '../compose.ts';
import { type Desk, openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse, refuseLock, refuseLog } from '../refuse.ts';
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
    const judged = await believed(desk.value, folder.value);
    if (!judged.ok) return refuseLog(invocation, judged.error);
    const opened = openRun(folder.value, systemClock, () => {});
    if (!opened.ok) return refuseLog(invocation, opened.error);
    const { journal, plan } = opened.value;
    try {
      if (journal.execution.status === 'closed') {
        const what = `run ${folder.value.run} has ended already (${journal.execution.outcome ?? 'closed'})`;
        return refuse(invocation, [trouble('run-closed', what, `See: decom report ${folder.value.run}`)]);
      }
      const session = await desk.value.session({ unattended: !invocation.terminal });
      if (!session.ok) return refuse(invocation, [session.error]);
      const begun = await openSession(journal, session.value);
      if (!begun.ok) return refuse(invocation, [begun.error]);
      journal.record({ type: 'run.closed', outcome: 'abandoned', by: operator, reason });
      const { execution: ended } = journal;
      const left = await freed(desk.value, folder.value, copiesLeftOpen(ended), dataLeftBy(ended));
      const anchor = await desk.value.anchor(folder.value);
      await closeSession(journal, { why: 'abandoned', exit: exit.done, ...anchor });
      const { execution, head } = journal;
      invocation.output.result(
        { type: 'run.ended', message: `run ${folder.value.run} is abandoned`, run_id: folder.value.run, head },
        [
          `Run ${folder.value.run} on ${folder.value.host} is abandoned: ${tally(plan, execution)}. Nothing was undone.`,
          ...(left.claim === undefined ? [] : [`Its claim stays on the host: ${left.claim.what}. ${left.claim.fix}`]),
          ...[...left.open, ...left.data].map(({ what, fix }) => `Left behind: ${what}. ${fix}`),
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

interface Left {
  /** Why the claim could not be given up. */
  readonly claim?: Trouble;
  /** What could not be taken back of what let helpers in. */
  readonly open: readonly Trouble[];
  /** Files of the host that stay where they were copied or restored to. */
  readonly data: readonly Trouble[];
}

/** Gives the host free and removes what the run's acts and copies left there; what could not be done. */
async function freed(
  desk: Desk,
  folder: RunFolder,
  copies: readonly string[],
  data: readonly DataLeft[],
): Promise<Left> {
  const host = findHost(desk.workspace, folder.host);
  if (!host.ok) {
    const what = `${folder.host} is not in the inventory any more`;
    const gone = trouble('unknown-host', what, `Remove it there: ${claimRemoval}`);
    const unasked = async () => unseen(gone);
    return { claim: gone, open: copies.map((copy) => keyOf(copy, what)), data: await tellDataLeft(data, unasked) };
  }
  const world = await desk.compose(host.value, folder.run);
  try {
    const dropped = await world.claims?.drop();
    if (dropped?.ok) await world.acts.forget(folder.run);
    const open = await world.dismiss(folder.run, copies);
    const stays = await tellDataLeft(data, world.engine.probe);
    return { ...(dropped === undefined || dropped.ok ? {} : { claim: dropped.error }), open, data: stays };
  } finally {
    await world.close();
  }
}

const keyOf = (copy: string, why: string): Trouble =>
  trouble(
    'key-stays',
    `what let a helper in for ${copy} may still be there: ${why}`,
    `Remove ${copy}.partial/way there.`,
  );
