import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan } from '../core/plan.ts';
import type { Notice, RunFolder, Tell } from '../core/ports.ts';
import { JournalTrouble } from '../core/ports.ts';
import { ok, type Result, type Trouble } from '../core/result.ts';
import type { ApprovalRules } from '../engine/approval-gate.ts';
import { drive, type RunEnd } from '../engine/drive.ts';
import { type OpenRun, openRun } from '../engine/open-run.ts';
import { neverPerforms } from '../engine/preview.ts';
import { closeSession } from '../engine/session.ts';
import { type HostWorld, systemClock } from './compose.ts';
import type { Desk } from './desk.ts';
import { type ExitCode, exit } from './exit.ts';
import { exitOfRun } from './exit-of-run.ts';
import { fragileTerminal } from './fragile-terminal.ts';
import type { Invocation } from './invocation.ts';
import { openProgress, type ProgressMode, progressMode } from './progress.ts';
import { askNobody } from './prompt/ask-nobody.ts';
import { askPerson } from './prompt/ask-person.ts';
import type { Beforehand } from './prompt/questions-of.ts';
import type { Signals } from './signals.ts';
import type { TakingOver } from './taking-over.ts';
import { eventLines } from './view/event-line.ts';
import { positionsText } from './view/positions.ts';
import { runEndView } from './view/run-end-view.ts';
import { bad, dim, type Line } from './view/text.ts';

export interface CarryOn {
  readonly desk: Desk;
  readonly folder: RunFolder;
  readonly world: HostWorld;
  readonly rehearsal: boolean;
  /** Answers given beforehand where nobody is asked; undefined: the person at the terminal is asked. */
  readonly beforehand: Beforehand | undefined;
  readonly progress: 'auto' | ProgressMode;
  readonly signals: Signals;
  readonly approvals: ApprovalRules;
  /** Another run's claim on the host that is put away, and why. */
  readonly takeOver?: TakingOver;
  /** What `decom run` was given, for the next call of it. */
  readonly again?: string;
  /** Writes what comes before the first step: a run's first lines, or a session's. Where it cannot, nothing is begun. */
  readonly begin: (open: OpenRun) => Promise<Result<void>>;
}

/** Milliseconds in which a closed terminal's SIGHUP follows the end of its input. */
const hangUpDelay = 150;

/** Opens a run's log and drives it, from where it stands to its end or to what stops it. Says how it ended, and gives its exit code. */
export async function carryOn(invocation: Invocation, on: CarryOn): Promise<Result<ExitCode, Trouble>> {
  const { output, look, stderr } = invocation;
  const { desk, folder, world, signals } = on;
  const host = folder.host;
  const display = openProgress({
    mode: progressMode(on.progress, { rich: invocation.rich, json: output.json, environment: invocation.environment }),
    host,
    look,
    columns: () => stderr.columns ?? 80,
    show: (text) => stderr.write(text),
    emit: (step, progress, line) =>
      output.event({ type: 'progress', message: line, run_id: folder.run, step_id: step, ...progress }),
    monotonic: systemClock.monotonic,
  });
  const ticking = setInterval(() => display.tick(), 1000);
  ticking.unref();

  // The positions are those of the plan in force, which is known once the log is open.
  let plan: Plan | undefined;
  const log: Line[] = [];
  const tell: Tell = (notice) => {
    if (notice.notice === 'progress') return display.tell(notice.step, notice.progress);
    display.clear();
    const lines = noticeLines(notice, plan);
    if (notice.notice === 'event') {
      display.end();
      log.push(...lines);
      const { event } = notice;
      const message =
        typeof lines[0] === 'string' || lines[0] === undefined ? event.type : lines[0].map(textOf).join('');
      output.event({ type: 'event', message, run_id: folder.run, step_id: 'step' in event ? event.step : null, event });
    }
    if (!on.rehearsal || output.json) output.note(lines);
    else output.result({ type: 'event', message: '' }, lines);
  };

  const opened = openRun(folder, systemClock, tell);
  if (!opened.ok) {
    clearInterval(ticking);
    return opened;
  }
  plan = opened.value.plan;
  const { journal, store } = opened.value;
  const ask =
    on.beforehand !== undefined || desk.keyboard === undefined
      ? askNobody(on.beforehand ?? { answers: [], confirm: undefined })
      : askPerson({
          keyboard: desk.keyboard,
          show: (text) => stderr.write(text),
          look,
          host,
          log: () => [...log, [dim(`  the whole log: ${folder.path}/audit.jsonl`)]],
          record: `${folder.path}/audit.jsonl`,
        });
  if (on.beforehand === undefined && !on.rehearsal) output.note(fragileTerminal(invocation.environment));
  let end: RunEnd;
  try {
    const begun = await on.begin(opened.value);
    if (!begun.ok) {
      store.close();
      output.trouble(begun.error);
      return ok(exit.usage);
    }
    end = await drive({
      engine: world.engine,
      plan,
      journal,
      executor: {
        real: !on.rehearsal,
        perform: on.rehearsal ? neverPerforms : world.perform,
        ...(on.rehearsal ? {} : { acts: world.acts, dismiss: world.dismiss }),
        ...(world.claims === undefined ? {} : { claims: world.claims }),
      },
      ask: (question, signal) => {
        display.end();
        return ask(question, signal);
      },
      tell,
      signal: signals.signal,
      operator: desk.operator,
      approvals: on.approvals,
      ...(on.rehearsal ? {} : { reception: desk.reception(folder), counting: desk.counting(host) }),
      ...(on.takeOver === undefined ? {} : { takeOver: { ...on.takeOver, by: desk.operator } }),
    });
  } catch (error) {
    if (!(error instanceof JournalTrouble)) throw error;
    end = { end: 'journal', trouble: error.trouble, afterIntent: false };
  } finally {
    clearInterval(ticking);
    display.end();
  }
  // A terminal that goes away ends the input first, and sends its signal a moment later.
  if (end.end === 'quit' && end.why === 'end-of-input') await sleep(hangUpDelay);
  const code = exitOfRun(end, signals.received());
  try {
    if (end.end !== 'journal') {
      await closeSession(journal, { why: end.end, exit: code, ...(await desk.anchor(folder)) });
    }
  } catch (error) {
    if (!(error instanceof JournalTrouble)) throw error;
    output.trouble(error.trouble);
  }
  const { execution, head } = journal;
  store.close();
  output.result(
    {
      type: 'run.ended',
      message: `${end.end} (exit ${code})`,
      run_id: folder.run,
      exit: code,
      end,
      head,
      folder: folder.path,
    },
    runEndView(end, {
      plan,
      execution,
      head,
      folder: folder.path,
      ...(on.again === undefined ? {} : { again: on.again }),
    }),
  );
  return { ok: true, value: code };
}

const textOf = (span: string | { readonly text: string }): string => (typeof span === 'string' ? span : span.text);

function noticeLines(notice: Exclude<Notice, { notice: 'progress' }>, plan: Plan | undefined): readonly Line[] {
  const positions = (step: string) => (plan === undefined ? '' : positionsText(plan, step));
  if (notice.notice === 'event') return eventLines(notice.event, positions);
  if (notice.notice === 'left') return [[bad(`left behind: ${notice.trouble.what}. ${notice.trouble.fix}`)]];
  return [[dim(`[${positions(notice.step)}] ${notice.step} not yet: ${notice.trouble.what}`)]];
}
