import { actOf } from '../core/act.ts';
import type { AnyAction, Setting } from '../core/action.ts';
import type { Direction } from '../core/event.ts';
import { stepState } from '../core/execution.ts';
import { operationWords } from '../core/operation-words.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { StepAsked } from '../core/ports.ts';
import { type Trouble, trouble } from '../core/result.ts';
import { inspect, pastOf, scopeNow } from './engine.ts';
import type { Drive, StepEnd } from './run-step.ts';

/** A step in one direction. */
interface Passing {
  readonly step: PlannedStep;
  readonly action: AnyAction;
  readonly asked: StepAsked;
  readonly direction: Direction;
}

/**
 * Looks for operations of a step that were begun and whose end nobody saw. An act that may be repeated is simply written down as such.
 * A `once` act is settled by its probe if that says it `holds`, else by a person with a reason, never by guessing.
 * Undefined: nothing is in doubt any more.
 */
export async function settleDoubt(
  drive: Drive,
  { step, action, asked, direction }: Passing,
  holds: () => Promise<boolean>,
): Promise<StepEnd | undefined> {
  const { journal } = drive;
  const at = { step: step.id, direction } as const;
  const why = cutOff(drive, step);
  const recalled = await recallActs(drive, step, direction);
  if (recalled.end !== undefined) return recalled.end;
  if (recalled.failure !== undefined) {
    const { attempt } = stepState(journal.execution, step.id)[direction];
    journal.record({ ...at, type: 'step.failed', attempt, trouble: recalled.failure });
    return { end: 'failed', trouble: recalled.failure };
  }
  if (!action.once || !drive.executor.real) return undefined;
  const doubtful = stepState(journal.execution, step.id)[direction].operations.filter((o) => o.status === 'in-doubt');
  for (const state of doubtful) {
    const of = { ...at, attempt: state.attempt, n: state.n };
    if (await holds()) {
      journal.record({
        ...of,
        type: 'operation.resolved',
        outcome: 'done',
        by: 'probe',
        who: null,
        reason: 'its own probe says that it holds',
      });
      continue;
    }
    const answer = await drive.ask(
      { ask: 'doubt', step: asked, what: operationWords(state.operation).join(' '), trouble: why },
      drive.signal,
    );
    if (answer.answer === 'quit') return { end: 'quit', why: answer.why };
    if (answer.answer !== 'resolved') return { end: 'doubt', trouble: why };
    journal.record({
      ...of,
      type: 'operation.resolved',
      outcome: answer.outcome,
      by: 'person',
      who: drive.operator,
      reason: answer.reason,
    });
  }
  return undefined;
}

const cutOff = ({ journal }: Drive, { id }: PlannedStep): Trouble =>
  trouble(
    'in-doubt',
    `step "${id}" was cut off: its operation was begun, and nobody saw it end`,
    `Look at the host, then: decom resume ${journal.execution.run}`,
  );

/**
 * Asks the host for what became of acts that it keeps: their end is written down as if it had been seen at once, and it is waited for
 * where one still runs. `failure`: one failed, and nobody has seen that yet. What the host does not know either, and what it does not keep, is in doubt.
 */
export async function recallActs(
  drive: Drive,
  step: PlannedStep,
  direction: Direction,
): Promise<{ readonly end?: StepEnd; readonly failure?: Trouble }> {
  const { journal, signal } = drive;
  const { acts } = drive.executor;
  let failure: Trouble | undefined;
  for (const state of stepState(journal.execution, step.id)[direction].operations) {
    if (state.status !== 'intended' && state.status !== 'in-doubt') continue;
    const at = { step: step.id, direction, attempt: state.attempt, n: state.n } as const;
    const doubt = (why: Trouble): void => {
      if (state.status === 'intended') journal.record({ ...at, type: 'operation.in-doubt', trouble: why });
    };
    if (state.there === undefined || acts === undefined || !drive.executor.real) {
      doubt(cutOff(drive, step));
      continue;
    }
    const outcome = await acts.recall(state.operation, actOf(state.there, { ...at, run: journal.execution.run }), {
      signal,
    });
    switch (outcome.outcome) {
      case 'done':
        journal.record({ ...at, type: 'operation.done', receipt: outcome.receipt });
        break;
      case 'failed':
        journal.record({ ...at, type: 'operation.failed', trouble: outcome.trouble, receipt: outcome.receipt ?? {} });
        failure = outcome.trouble;
        break;
      case 'never':
        journal.record({
          ...at,
          type: 'operation.resolved',
          outcome: 'not-done',
          by: 'probe',
          who: null,
          reason: 'the host says that it never began, and it never will',
        });
        break;
      case 'unreached':
        // What the host knows is not asked of a person.
        journal.record({
          step: step.id,
          direction,
          type: 'gate.blocked',
          gate: 'in-doubt',
          trouble: outcome.trouble,
        });
        return { end: { end: 'blocked', trouble: outcome.trouble } };
      case 'unknown':
        if (signal.aborted) return { end: { end: 'signal' } };
        doubt(outcome.trouble);
    }
  }
  return failure === undefined ? {} : { failure };
}

/** Whether the step's own probe says that nothing is left to do. */
export async function holds(drive: Drive, step: PlannedStep, action: AnyAction, setting: Setting): Promise<boolean> {
  const { engine, plan, journal } = drive;
  const bound = engine.bind(step, await scopeNow(engine, plan, journal.execution, step));
  if (!bound.ok || bound.value.waitsFor.length > 0) return false;
  const facts = await inspect(engine, action, bound.value.input, pastOf(journal.execution, step.id), setting);
  const planned = action.plan(bound.value.input, facts, setting);
  return !('blocked' in planned) && planned.length === 0;
}
