import type { AnyAction, Rollback, Verdict } from '../core/action.ts';
import type { BlobRef } from '../core/blob.ts';
import { type Execution, type StepState, stepState } from '../core/execution.ts';
import { jcs } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import { operationWords } from '../core/operation-words.ts';
import type { Plan, PlannedStep } from '../core/plan.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import { recallActs, settleDoubt } from './doubt.ts';
import type { RunEnd } from './drive.ts';
import { actionOf, type Engine, inspect, pastOf, scopeNow, settingFor } from './engine.ts';
import { leaveHost } from './leave-host.ts';
import { performAll, type StepRun, stoppedTrouble } from './perform-step.ts';
import { settle } from './prove.ts';
import type { Drive, StepEnd } from './run-step.ts';

/**
 * Gives the machine back: every reversible step that was begun is reversed, the last one first, from the facts seen before its
 * first act. What cannot be taken back is left and named. Can be resumed like a run.
 */
export async function rollBack(drive: Drive): Promise<RunEnd> {
  const { plan, journal, engine } = drive;
  const begun = plan.intent.steps.filter((step) => wasBegun(stepState(journal.execution, step.id)));
  const kept: string[] = [];
  for (const step of [...begun].reverse()) {
    const action = actionOf(engine, step);
    // What still runs on the host is waited for: giving things back beside it would be undone, or undo it.
    const recalled = await recallActs(drive, step, 'forth');
    if (recalled.end !== undefined) return stop(drive, endOf(step, recalled.end));
    if (action.rollback === undefined) {
      if (action.effect === 'changes' || action.effect === 'destroys') kept.push(step.id);
      continue;
    }
    if (stepState(journal.execution, step.id).back.status === 'rolled-back') continue;
    if (drive.signal.aborted) return stop(drive, { end: 'signal', step: step.id });
    const end = await stepBack(drive, step, action, action.rollback);
    if (end !== undefined) return stop(drive, end);
  }
  journal.record({ type: 'run.closed', outcome: 'rolled-back', by: drive.operator, reason: null });
  await leaveHost(drive);
  return { end: 'rolled-back', kept };
}

const wasBegun = (state: StepState): boolean => state.forth.before !== null && state.forth.operations.length > 0;

async function stepBack(
  drive: Drive,
  step: PlannedStep,
  action: AnyAction,
  rollback: Rollback<unknown, unknown>,
): Promise<RunEnd | undefined> {
  const { engine, journal, plan } = drive;
  const at = { step: step.id, direction: 'back' } as const;
  const setting = settingFor(engine, plan, journal.execution, step.id);
  const state = stepState(journal.execution, step.id);
  const asked = {
    id: step.id,
    title: step.title,
    position: plan.intent.steps.indexOf(step) + 1,
    of: plan.intent.steps.length,
    direction: 'back',
  } as const;
  const doubt = await settleDoubt(drive, { step, action, asked, direction: 'back' }, () =>
    givenBack(drive, step, action, rollback),
  );
  if (doubt !== undefined) return endOf(step, doubt);
  const attempt = state.back.attempt + 1;
  journal.record({ ...at, type: 'step.started', attempt });
  const bound = engine.bind(step, await scopeNow(engine, plan, journal.execution, step));
  if (!bound.ok) return failed(drive, step, attempt, bound.error);
  const { input } = bound.value;
  const kept = beforeOf(engine, state.forth.before as BlobRef, journal.execution.run);
  if (!kept.ok) return failed(drive, step, attempt, kept.error);
  const before = kept.value;
  const run: StepRun = {
    ...drive,
    step,
    asked,
    action,
    setting,
    direction: 'back',
    attempt,
  };
  const now = await inspect(engine, action, input, pastOf(journal.execution, step.id), setting);
  const whole = rollback.plan(input, before, now, setting);
  if ('blocked' in whole) {
    journal.record({ ...at, type: 'gate.blocked', gate: 'plan', trouble: whole.blocked });
    return { end: 'blocked', step: step.id, trouble: whole.blocked };
  }
  const planned = action.once ? whole.filter((operation) => !wasDone(journal, step, operation)) : whole;
  if (planned.length > 0) {
    const details = planned.flatMap(operationWords);
    const answer = await drive.ask({ ask: 'begin', step: run.asked, details, serial: null }, drive.signal);
    if (answer.answer === 'skip') {
      journal.record({ ...at, type: 'step.skipped', by: 'person', who: drive.operator, reason: answer.reason });
      return undefined;
    }
    if (answer.answer === 'quit') return { end: 'quit', step: step.id, why: answer.why };
    if (answer.answer === 'missing') return { end: 'missing', step: step.id, what: answer.what, fix: answer.fix };
    journal.record({
      ...at,
      type: 'step.planned',
      attempt,
      before: engine.blobs.put(jcs(now ?? null)),
      operations: planned,
    });
    const performed = await performAll(run, planned);
    if (!performed.ok) {
      const { halt } = performed;
      if (halt.halt === 'failed')
        return failed(drive, step, attempt, drive.signal.aborted ? stoppedTrouble(run) : halt.trouble);
      if (halt.halt === 'refused') {
        journal.record({ ...at, type: 'gate.blocked', gate: 'identity', trouble: halt.trouble });
        return { end: 'blocked', step: step.id, trouble: halt.trouble };
      }
      if (halt.halt === 'claimed') return { end: 'claimed', step: step.id, trouble: halt.trouble };
      if (halt.halt === 'doubt') return { end: 'doubt', step: step.id, trouble: halt.trouble };
      throw new Error(`a rollback cannot end with "${halt.halt}"`);
    }
  }
  const verdict: Verdict = await settle(run, action.settle?.(input), async () =>
    rollback.verify(input, before, await inspect(engine, action, input, pastOf(journal.execution, step.id), setting)),
  );
  if (!verdict.ok) return failed(drive, step, attempt, verdict.trouble);
  journal.record({
    ...at,
    type: 'step.verified',
    attempt,
    already: planned.length === 0,
    output: {},
    evidence: [],
    said: verdict.said,
  });
  return undefined;
}

/** Whether the step's own probe says that nothing is left to give back. */
async function givenBack(
  drive: Drive,
  step: PlannedStep,
  action: AnyAction,
  rollback: Rollback<unknown, unknown>,
): Promise<boolean> {
  const { engine, journal, plan } = drive;
  const { execution } = journal;
  const bound = engine.bind(step, await scopeNow(engine, plan, execution, step));
  const kept = beforeOf(engine, stepState(execution, step.id).forth.before as BlobRef, execution.run);
  if (!bound.ok || !kept.ok) return false;
  const setting = settingFor(engine, plan, execution, step.id);
  const now = await inspect(engine, action, bound.value.input, pastOf(execution, step.id), setting);
  const planned = rollback.plan(bound.value.input, kept.value, now, setting);
  return !('blocked' in planned) && planned.length === 0;
}

/** An act that may be done once and was done in an earlier attempt is not done again: only its proof is. */
const wasDone = ({ execution }: Drive['journal'], step: PlannedStep, operation: Operation): boolean =>
  stepState(execution, step.id).back.operations.some((o) => o.status === 'done' && jcs(o.operation) === jcs(operation));

/** How a step's end ends the rollback. */
function endOf(step: PlannedStep, end: StepEnd): RunEnd {
  if (end.end === 'on' || end.end === 'again') throw new Error(`a rollback cannot end with "${end.end}"`);
  return { ...end, step: step.id };
}

/** The facts seen before the first act, if they are still what the log refers to. */
function beforeOf(engine: Engine, ref: BlobRef, run: string): Result<unknown> {
  try {
    return ok(JSON.parse(new TextDecoder().decode(engine.blobs.get(ref))));
  } catch (error) {
    return fail(
      trouble(
        'facts-lost',
        `how it was before cannot be read: ${(error as Error).message}`,
        `Restore that file from a backup of the state folder; or give the machine back by hand, and end the run with: decom abandon ${run} --reason REASON`,
      ),
    );
  }
}

function failed(drive: Drive, step: PlannedStep, attempt: number, why: Trouble): RunEnd {
  drive.journal.record({ step: step.id, direction: 'back', type: 'step.failed', attempt, trouble: why });
  return drive.signal.aborted ? { end: 'signal', step: step.id } : { end: 'failed', step: step.id, trouble: why };
}

function stop(drive: Drive, end: RunEnd): RunEnd {
  const by =
    end.end === 'signal'
      ? 'signal'
      : end.end === 'quit'
        ? 'person'
        : end.end === 'doubt'
          ? 'doubt'
          : end.end === 'failed'
            ? 'failure'
            : 'gate';
  const reason = 'trouble' in end ? end.trouble.what : `the rollback was stopped (${end.end})`;
  drive.journal.record({ type: 'run.stopped', by, who: by === 'person' ? drive.operator : null, reason });
  return end;
}

/** The steps that a rollback has still to reverse, last first, and those it cannot. For saying so before it begins. */
export function rollbackPlan(
  actions: readonly AnyAction[],
  { plan, execution }: { readonly plan: Plan; readonly execution: Execution },
): { readonly back: readonly PlannedStep[]; readonly kept: readonly string[] } {
  const begun = plan.intent.steps.filter((step) => wasBegun(stepState(execution, step.id)));
  const reversible = (step: PlannedStep): boolean => actionOf({ actions }, step).rollback !== undefined;
  return {
    back: begun
      .filter((step) => reversible(step) && stepState(execution, step.id).back.status !== 'rolled-back')
      .reverse(),
    kept: begun.filter((s) => !reversible(s) && s.effect !== 'adds' && s.effect !== 'none').map((s) => s.id),
  };
}
