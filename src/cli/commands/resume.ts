import type { RunFolder } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { type RunRead, readRun } from '../../engine/open-run.ts';
import { type Desk, openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun, openRunOf, readRuns } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import type { Beforehand } from '../prompt/questions-of.ts';
import { type RaisingCaps, type RaisingOptions, raisingCaps } from '../raising-caps.ts';
import { refuse, refuseLog } from '../refuse.ts';
import { listenForSignals, type Signals } from '../signals.ts';
import { takeUp } from '../take-up.ts';
import { readBeforehand, refuseUnanswered } from '../unattended.ts';
import type { AskingOptions } from './run.ts';

export interface ResumeOptions extends AskingOptions, RaisingOptions {
  readonly due?: boolean;
}

/** Goes on with a run, or with every parked run whose time has come. */
export async function resume(
  invocation: Invocation,
  named: string | undefined,
  options: ResumeOptions,
): Promise<ExitCode> {
  const signals = listenForSignals((lines) => invocation.output.note(lines));
  try {
    const desk = openDesk(invocation, signals.signal);
    if (!desk.ok) return refuse(invocation, desk.error);
    const beforehand = readBeforehand(options);
    if (!beforehand.ok) return refuse(invocation, beforehand.error);
    const raising = raisingCaps(options);
    if (!raising.ok) return refuse(invocation, [raising.error]);
    if (options.due === true && raising.value !== undefined) return refuse(invocation, [oneRunOnly]);
    const how = { signals, options, beforehand: beforehand.value, raising: raising.value };
    if (options.due === true) return await resumeDue(invocation, desk.value, how);
    const folder = named === undefined ? onlyOpen(desk.value) : findRun(desk.value.store, named);
    if (!folder.ok) return refuse(invocation, [folder.error]);
    return await resumeOne(invocation, desk.value, folder.value, how);
  } finally {
    signals.release();
  }
}

const oneRunOnly = trouble(
  'usage',
  '--raise-caps is for one run, and --due goes on with many',
  'Name the run: decom resume RUN --raise-caps NUMBER --raise-caps-reason TEXT',
);

interface How {
  readonly signals: Signals;
  readonly options: AskingOptions;
  readonly beforehand: Beforehand;
  readonly raising: RaisingCaps | undefined;
}

async function resumeOne(invocation: Invocation, desk: Desk, folder: RunFolder, how: How): Promise<ExitCode> {
  const read = readRun(folder);
  if (!read.ok) return refuseLog(invocation, read.error);
  const ended = resumable(read.value);
  if (ended !== undefined) return refuse(invocation, [ended]);
  const attended = invocation.terminal && how.options.nonInteractive !== true;
  // A rollback asks nothing that could be answered beforehand; what is due goes on as far as it can without anybody.
  if (!attended && how.beforehand.leaves !== true && read.value.execution.direction === 'forth') {
    const refused = refuseUnanswered(invocation, read.value.plan, how.beforehand, read.value.execution);
    if (refused !== undefined) return refused;
  }
  return takeUp(invocation, desk, read.value, {
    ...how,
    begin: (journal) => {
      if (how.raising !== undefined) journal.record({ type: 'caps.raised', ...how.raising, by: desk.operator });
    },
  });
}

/** Why a run cannot be gone on with; undefined if it can. */
function resumable({ execution, folder }: RunRead): Trouble | undefined {
  if (folder.rehearsal || execution.rehearsal) {
    return trouble(
      'rehearsal',
      `${folder.run} is a rehearsal, and cannot be gone on with`,
      `Run it for real: decom run ${folder.host}`,
    );
  }
  // Who was killed right after a run's end left its session open, and perhaps the claim on the host.
  if (execution.status === 'closed' && !execution.inSession) {
    return trouble(
      'run-closed',
      `run ${folder.run} has ended (${execution.outcome ?? 'closed'})`,
      `See: decom report ${folder.run}`,
    );
  }
  return undefined;
}

/** The one run that is open, where none was named. */
function onlyOpen({ store }: Desk): Result<RunFolder> {
  const hosts = [...new Set(store.list().map((folder) => folder.host))];
  const open = hosts.flatMap((host) => openRunOf(store, host) ?? []);
  if (open.length === 1 && open[0] !== undefined) return ok(open[0]);
  return open.length === 0
    ? fail(trouble('no-open-run', 'there is no open run', 'Begin one: decom run HOST'))
    : fail(
        trouble(
          'which-run',
          `${open.length} runs are open: ${open.map((f) => `${f.run} (${f.host})`).join(', ')}`,
          `Name one: ${open.map((f) => `decom resume ${f.run}`).join(', or: ')}`,
        ),
      );
}

/** Goes on with every parked run whose time has come. That others still wait is no failure. */
async function resumeDue(invocation: Invocation, desk: Desk, how: How): Promise<ExitCode> {
  const now = invocation.now();
  const leaving = { ...how, beforehand: { ...how.beforehand, leaves: true } };
  const due = readRuns(desk.store).flatMap(({ folder, read }) => {
    if (!read.ok || folder.rehearsal || read.value.execution.status !== 'parked') return [];
    const { parked, statements } = read.value.execution;
    const until = parked?.until ?? null;
    // Who waits goes on once others have said something, also where somebody has had it taken in already: an answer, or the end of a wait.
    const said = (): boolean => statements.length > (parked?.heard ?? 0) || folder.inbox().count() > 0;
    const come = (until !== null && new Date(until) <= now) || said();
    return come ? [folder] : [];
  });
  let worst: ExitCode = exit.done;
  for (const folder of due) {
    if (how.signals.signal.aborted) break;
    const code = await resumeOne(invocation, desk, folder, leaving);
    if (code !== exit.done && code !== exit.parked) worst = code;
  }
  invocation.output.result({ type: 'due', message: `${due.length} due`, runs: due.map((f) => f.run) }, [
    due.length === 0 ? 'No run is due.' : `Went on with ${due.map((f) => f.run).join(', ')}.`,
    'Next: decom status',
  ]);
  return worst;
}
