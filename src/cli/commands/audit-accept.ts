import { trouble } from '../../core/result.ts';
import { openRun } from '../../engine/open-run.ts';
import { closeSession, openSession } from '../../engine/session.ts';
import { judgedLog } from '../believed.ts';
import { systemClock } from '../compose.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse, refuseLock, refuseLog } from '../refuse.ts';
import { counted } from '../view/text.ts';

export interface AcceptOptions {
  readonly reason: string;
}

/** Puts on record that somebody answers for lines that no listed person vouches for. Lines that are not what was signed stay broken. */
export async function auditAccept(invocation: Invocation, named: string, { reason }: AcceptOptions): Promise<ExitCode> {
  if (reason.trim() === '')
    return refuse(invocation, [trouble('no-reason', 'the reason is empty', 'Give it: --reason TEXT')]);
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const { store, operator } = desk.value;
  const folder = findRun(store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const { run, host } = folder.value;
  const lock = store.lock(host);
  if (!lock.ok) return refuseLock(invocation, lock.error);
  try {
    const judged = await judgedLog(desk.value, folder.value);
    if (!judged.ok) return refuseLog(invocation, judged.error);
    const { strange } = judged.value;
    if (strange.length === 0) {
      const message = `there is nothing to answer for in the log of run ${run}`;
      invocation.output.result({ type: 'log.accepted', message, run_id: run, sessions: [] }, [
        `${message}; nothing was written.`,
        `Next: decom resume ${run}`,
      ]);
      return exit.done;
    }
    const opened = openRun(folder.value, systemClock, () => {});
    if (!opened.ok) return refuseLog(invocation, opened.error);
    const { journal, store: log } = opened.value;
    try {
      const { size } = journal.head;
      const session = await desk.value.session({ unattended: !invocation.terminal });
      if (!session.ok) return refuse(invocation, [session.error]);
      const begun = await openSession(journal, session.value);
      if (!begun.ok) return refuse(invocation, [begun.error]);
      journal.record({ type: 'unsigned.accepted', lines: size, by: operator, reason });
      const anchor = await desk.value.anchor(folder.value);
      await closeSession(journal, { why: 'accepted', exit: exit.done, ...anchor });
      const message = `${operator} answers for ${counted(strange.length, 'session')} up to line ${size}`;
      invocation.output.result({ type: 'log.accepted', message, run_id: run, sessions: strange, head: journal.head }, [
        `${message} of the log of run ${run}: it is on record.`,
        `log head ${journal.head.hash} after ${journal.head.size} lines`,
        `Next: decom resume ${run}`,
      ]);
      return exit.done;
    } finally {
      log.close();
    }
  } finally {
    lock.value.release();
  }
}
