import { actions } from '../../actions/index.ts';
import { type Execution, stepState } from '../../core/execution.ts';
import type { Host } from '../../core/host.ts';
import type { JsonObject } from '../../core/json.ts';
import { isPast } from '../../core/next.ts';
import type { Plan } from '../../core/plan.ts';
import { printableLines } from '../../core/printable.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Runbook } from '../../core/runbook.ts';
import { amend, cannotRedo, changesToTell } from '../../engine/amend.ts';
import { makePlan } from '../../engine/make-plan.ts';
import { type OpenRun, openRun, type RunRead, readRun } from '../../engine/open-run.ts';
import { closeSession, openSession } from '../../engine/session.ts';
import { loadRunbook } from '../../load/load-runbook.ts';
import { resolveParams } from '../../load/param.ts';
import { approvalPolicy } from '../approvals.ts';
import { believed } from '../believed.ts';
import { checkWhen, checkWindow, systemClock } from '../compose.ts';
import { type Desk, newId, openDesk, planLifetime } from '../desk.ts';
import { type ExitCode, exit, exitOfSignal } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { givenParams } from '../new-plan.ts';
import { choose } from '../prompt/choose.ts';
import { openConversation } from '../prompt/conversation.ts';
import { refuse, refuseLock, refuseLog } from '../refuse.ts';
import { listenForSignals, type Signals } from '../signals.ts';
import { version } from '../version.ts';
import { totals } from '../view/plan-view.ts';
import { counted, dim, type Line, strong } from '../view/text.ts';
import { findHost, type Problem, readWorkspaceFile, zoneOf } from '../workspace.ts';

export interface ReplanOptions {
  readonly param?: readonly string[];
  readonly redo?: readonly string[];
  readonly yes?: boolean;
}

/** Plans an open run anew on what the files and the host say now, shows the difference, and puts the new plan in force if it is taken. */
export async function replan(invocation: Invocation, named: string, options: ReplanOptions): Promise<ExitCode> {
  const signals = listenForSignals((lines) => invocation.output.note(lines));
  try {
    const desk = openDesk(invocation, signals.signal);
    if (!desk.ok) return refuse(invocation, desk.error);
    const folder = findRun(desk.value.store, named);
    if (!folder.ok) return refuse(invocation, [folder.error]);
    const read = readRun(folder.value);
    if (!read.ok) return refuseLog(invocation, read.error);
    const never = notPlannedAnew(read.value);
    if (never !== undefined) return refuse(invocation, [never]);
    if (!invocation.terminal && options.yes !== true) {
      const why = trouble(
        'answers-missing',
        'nobody can be asked whether to take the new plan; nothing was changed',
        'Take it unseen with: --yes',
      );
      return refuse(invocation, [why], process.cwd(), exit.missing);
    }
    const lock = desk.value.store.lock(folder.value.host);
    if (!lock.ok) return refuseLock(invocation, lock.error);
    try {
      const judged = await believed(desk.value, folder.value);
      if (!judged.ok) return refuseLog(invocation, judged.error);
      const opened = openRun(folder.value, systemClock, () => {});
      if (!opened.ok) return refuseLog(invocation, opened.error);
      try {
        return await replanOpen(invocation, desk.value, opened.value, options, signals);
      } finally {
        opened.value.store.close();
      }
    } finally {
      lock.value.release();
    }
  } finally {
    signals.release();
  }
}

/** Why a run cannot be planned anew whatever the files say; undefined if it can. */
function notPlannedAnew({ folder, execution }: Pick<RunRead, 'folder' | 'execution'>): Trouble | undefined {
  const not = (what: string, fix: string) =>
    trouble('run-closed', `run ${folder.run} ${what}, and cannot be planned anew`, fix);
  if (folder.rehearsal) return not('is a rehearsal', 'See: decom status');
  if (execution.status === 'closed')
    return not(`has ended (${execution.outcome ?? 'closed'})`, `See: decom report ${folder.run}`);
  return execution.direction === 'back'
    ? not('is being rolled back', `Go on taking it back with: decom rollback ${folder.run}`)
    : undefined;
}

async function replanOpen(
  invocation: Invocation,
  desk: Desk,
  run: OpenRun,
  options: ReplanOptions,
  signals: Signals,
): Promise<ExitCode> {
  const { journal, folder, plan } = run;
  const { execution } = journal;
  const home = desk.workspace.folder;
  const never = notPlannedAnew({ folder, execution });
  if (never !== undefined) return refuse(invocation, [never]);
  const redo = options.redo ?? [];
  const refused = redo.flatMap((id) => cannotRedo(plan, execution, id) ?? []);
  if (refused.length > 0) return refuse(invocation, refused);
  const entry = findHost(desk.workspace, folder.host);
  if (!entry.ok) return refuse(invocation, entry.error, home);
  const { serial } = plan.intent.host;
  if (entry.value.serial !== serial) {
    return refuse(invocation, [otherMachine(folder, serial, entry.value.serial)], home, exit.stale);
  }
  const made = await freshPlan(desk, entry.value, run, options);
  if (!made.ok) return refuse(invocation, made.error, home);
  const fresh = keepingPast(made.value, plan, execution, redo);
  const changes = [...changesToTell(plan.intent, fresh.intent), ...redo.map((id) => `step "${id}" is done once more`)];
  if (changes.length === 0) {
    invocation.output.result({ type: 'replanned', message: 'nothing has changed', run_id: folder.run, changes }, [
      'Nothing has changed: the plan in force still holds.',
      `Next: decom resume ${folder.run}`,
    ]);
    return exit.done;
  }
  invocation.output.note([
    [strong(`The new plan of run ${folder.run} on ${folder.host} differs:`)],
    ...changes.map((change): Line => `  ${change}`),
    totals(fresh),
    ...fresh.facts.blockers.flatMap(({ trouble: { what, fix, detail = '' } }): readonly Line[] => [
      `  blocked: ${what}. ${fix}`,
      ...printableLines(detail).map((line): Line => [dim(`    ${line}`)]),
    ]),
  ]);
  if (options.yes !== true && desk.keyboard !== undefined) {
    const show = (text: string) => invocation.stderr.write(text);
    const conversation = openConversation(desk.keyboard, show, invocation.look, signals.signal);
    const chosen = await choose(
      conversation,
      'Take the new plan? Approvals of the old one are void.',
      [['take', 'put the new plan in force']],
      { grave: true, inFull: true, quit: 'the plan in force stays as it is' },
    );
    if ('answer' in chosen)
      return chosen.why === 'interrupted' ? exitOfSignal(signals.received() ?? 'SIGINT') : exit.stopped;
  }
  const session = await desk.session({ unattended: !invocation.terminal });
  if (!session.ok) return refuse(invocation, [session.error]);
  const opened = await openSession(journal, session.value);
  if (!opened.ok) return refuse(invocation, [opened.error]);
  const saved = folder.amendPlan(fresh);
  if (!saved.ok) return refuse(invocation, [saved.error]);
  const said = journal.execution.statements.some(({ kind }) => kind === 'approve' || kind === 'waive');
  const voided = said || folder.inbox().count() > 0;
  amend(journal, fresh, changes, redo, desk.operator);
  await closeSession(journal, { why: 'replanned', exit: exit.done, ...(await desk.anchor(folder)) });
  invocation.output.result(
    { type: 'replanned', message: counted(changes.length, 'change'), run_id: folder.run, changes, head: journal.head },
    [
      `The new plan is in force: ${counted(changes.length, 'change')}.`,
      ...(voided ? ['Approvals of the plan before it, and what was answered for under it, are void.'] : []),
      `Next: decom resume ${folder.run}`,
    ],
  );
  return exit.done;
}

/** What was stopped, copied and proven on one machine says nothing of another. */
const otherMachine = ({ run, host }: OpenRun['folder'], was: string, is: string) =>
  trouble(
    'other-machine',
    `run ${run} is of the machine with serial "${was}", and the inventory entry of ${host} names "${is}"`,
    `If that is another machine: decom abandon ${run} --reason REASON, and begin anew with: decom run ${host}. If not, correct the entry.`,
  );

async function freshPlan(
  desk: Desk,
  host: Host,
  run: OpenRun,
  options: ReplanOptions,
): Promise<Result<Plan, readonly Problem[]>> {
  const { folder, plan, journal } = run;
  const file = plan.intent.runbook.sources[0]?.file;
  if (file === undefined) return fail([trouble('no-runbook', 'the plan names no runbook file', 'Begin a new run.')]);
  const runbook = loadRunbook(file, (f) => readWorkspaceFile(desk.workspace.folder, f), actions, {
    ...{ checkWhen, checkWindow },
    ...zoneOf(desk.workspace),
  });
  if (!runbook.ok) return runbook;
  const given = givenParams(options);
  if (!given.ok) return given;
  const params = resolveParams(withDefaults(runbook.value, plan.intent.params), given.value);
  if (!params.ok) return params;
  const world = await desk.compose(host, folder.run, { blobs: folder.blobs(), mentions: runbook.value });
  try {
    return ok(
      await makePlan(world.engine, {
        host,
        runbook: runbook.value,
        params: params.value,
        id: newId(),
        run: folder.run,
        lifetime: planLifetime,
        tool: version,
        ...approvalPolicy(desk),
        outputs: outputsOf(journal.execution, options.redo ?? []),
        redone: redoneOf(journal.execution, options.redo ?? []),
      }),
    );
  } finally {
    await world.close();
  }
}

/** What was given to the first plan stands, unless it is given anew. */
function withDefaults(runbook: Runbook, values: JsonObject): Pick<Runbook, 'name' | 'params'> {
  const params = Object.entries(runbook.params).map(([name, param]) => {
    const value = values[name];
    return [name, value === undefined ? param : { ...param, required: false, default: value }] as const;
  });
  return { name: runbook.name, params: Object.fromEntries(params) };
}

/** What a step that is to be done once more put out before is not what it will put out. */
const outputsOf = (execution: Execution, redo: readonly string[]): { readonly [step: string]: JsonObject } =>
  Object.fromEntries(
    Object.entries(execution.steps)
      .filter(([id, { forth }]) => (forth.status === 'done' || forth.status === 'already') && !redo.includes(id))
      .map(([id, state]) => [id, state.output]),
  );

/** Steps that are past keep the operations they were planned with: that they are already so now is no change of the plan. */
function keepingPast(fresh: Plan, old: Plan, execution: Execution, redo: readonly string[]): Plan {
  const steps = fresh.intent.steps.map((step) => {
    const before = old.intent.steps.find((s) => s.id === step.id);
    const begun = stepState(execution, step.id).forth.before !== null;
    if (before === undefined || redo.includes(step.id) || !(isPast(before, execution) || begun)) return step;
    return { ...step, operations: step.operations?.length === 0 ? before.operations : step.operations };
  });
  return { ...fresh, intent: { ...fresh.intent, steps } };
}

const redoneOf = (execution: Execution, redo: readonly string[]): { readonly [step: string]: number } =>
  Object.fromEntries(
    [...new Set([...Object.keys(execution.steps), ...redo])].map((id) => [
      id,
      stepState(execution, id).forth.redone + (redo.includes(id) ? 1 : 0),
    ]),
  );
