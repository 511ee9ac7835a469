import { resolve } from 'node:path';
import { actions } from '../../actions/index.ts';
import type { RunFolder } from '../../core/ports.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { statementFile, statementName } from '../../core/statement.ts';
import { statementWords } from '../../core/statement-words.ts';
import { openRun } from '../../engine/open-run.ts';
import { closeSession, openSession } from '../../engine/session.ts';
import { takeIn } from '../../engine/take-in.ts';
import { believed } from '../believed.ts';
import { systemClock } from '../compose.ts';
import { type Desk, openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { readHanded } from '../read-handed.ts';
import { refuse, refuseLock, refuseLog } from '../refuse.ts';
import { eventLines } from '../view/event-line.ts';

/** Drops a statement that somebody handed over into the inbox of the run that it speaks of. */
export async function inboxAdd(invocation: Invocation, named: string, file: string): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const folder = findRun(desk.value.store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const read = readHanded(resolve(file));
  if (!read.ok) return refuse(invocation, [read.error]);
  const { statement } = read.value;
  const { run, host } = folder.value;
  if (statement.run !== run || statement.host !== host) {
    const what = `${file} speaks of run ${statement.run} of ${statement.host}, not of ${run}`;
    return refuse(invocation, [trouble('other-run', what, `Add it there: decom inbox add ${statement.run} ${file}`)]);
  }
  const held = await desk.value.judge(read.value, invocation.now().toISOString());
  if (!held.ok) return refuse(invocation, [held.error]);
  const dropped = folder.value.inbox().drop(statementName(statement), statementFile(read.value));
  if (!dropped.ok) return refuse(invocation, [dropped.error]);
  invocation.output.result(
    { type: 'inbox.added', message: statementWords(statement), run_id: run, statement, path: dropped.value },
    [
      statementWords(statement),
      `It is on record once the run takes it in: decom resume ${run}, or alone: decom inbox take ${run}`,
    ],
  );
  return exit.done;
}

/** Takes in what lies in a run's inbox, and does nothing else: for runs that have ended, or that nobody goes on with now. */
export async function inboxTake(invocation: Invocation, named: string): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const folder = findRun(desk.value.store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  if (folder.value.inbox().count() === 0) {
    const judged = await believed(desk.value, folder.value);
    if (!judged.ok) return refuseLog(invocation, judged.error);
    const message = `nothing lies in the inbox of ${folder.value.run}`;
    invocation.output.result({ type: 'inbox.taken', message, run_id: folder.value.run, taken: 0, refused: 0 }, [
      message,
    ]);
    return exit.done;
  }
  const lock = desk.value.store.lock(folder.value.host);
  if (!lock.ok) return refuseLock(invocation, lock.error);
  try {
    return await take(invocation, desk.value, folder.value);
  } finally {
    lock.value.release();
  }
}

async function take(invocation: Invocation, desk: Desk, folder: RunFolder): Promise<ExitCode> {
  const { output } = invocation;
  const refused: Trouble[] = [];
  const judged = await believed(desk, folder);
  if (!judged.ok) return refuseLog(invocation, judged.error);
  const opened = openRun(folder, systemClock, (notice) => {
    if (notice.notice !== 'event') return;
    const { event } = notice;
    if (event.type === 'statement.refused') refused.push(event.trouble);
    else output.note(eventLines(event, () => ''));
  });
  if (!opened.ok) return refuseLog(invocation, opened.error);
  const { journal, plan, store } = opened.value;
  try {
    if (journal.execution.run === '') {
      const what = `${folder.run} has not begun: its log is empty`;
      return refuse(invocation, [trouble('not-begun', what, `Begin it: decom resume ${folder.run}`)]);
    }
    const session = await desk.session({ unattended: !invocation.terminal });
    if (!session.ok) return refuse(invocation, [session.error]);
    const begun = await openSession(journal, session.value);
    if (!begun.ok) return refuse(invocation, [begun.error]);
    const came = await takeIn({ journal, plan, actions, clock: systemClock, reception: desk.reception(folder) });
    const code = refused.length === 0 ? exit.done : exit.usage;
    await closeSession(journal, { why: 'inbox', exit: code, ...(await desk.anchor(folder)) });
    for (const why of refused) output.trouble(why);
    const message = `${came.taken} taken in, ${came.refused} refused`;
    output.result({ type: 'inbox.taken', message, run_id: folder.run, ...came, head: journal.head }, [
      `${message}; log head ${journal.head.hash} after ${journal.head.size} lines`,
      ...(came.refused === 0 ? [] : [`What was refused is kept in ${folder.path}/inbox/refused`]),
    ]);
    return code;
  } finally {
    store.close();
  }
}
