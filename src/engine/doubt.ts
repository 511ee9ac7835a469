import type { AnyAction, Setting } from '../core/action.ts';
import { stepState } from '../core/execution.ts';
import { operationWords } from '../core/operation-words.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { StepAsked } from '../core/ports.ts';
import { trouble } from '../core/result.ts';
import { inspect, pastOf, scopeNow } from './engine.ts';
import type { Drive, StepEnd } from './run-step.ts';

/**
 * Looks for operations of a step that were begun and whose end nobody saw. An act that may be repeated is simply written down as such.
 * A `once` act is settled by its probe if that says it holds, else by a person with a reason, never by guessing.
 * Undefined: nothing is in doubt any more.
 */
export async function settleDoubt(
  drive: Drive,
  step: PlannedStep,
  action: AnyAction,
  asked: StepAsked,
  setting: Setting,
): Promise<StepEnd | undefined> {
  const { journal } = drive;
  const at = { step: step.id, direction: 'forth' } as const;
  const why = trouble(
    'in-doubt',
    `step "${step.id}" was cut off: its operation was begun, and nobody saw it end`,
    `Look at the host, then: decom resume ${journal.execution.run}`,
  );
  for (const state of stepState(journal.execution, step.id).forth.operations) {
    if (state.status === 'intended') {
      journal.record({ ...at, type: 'operation.in-doubt', attempt: state.attempt, n: state.n, trouble: why });
    }
  }
  if (!action.once || !drive.executor.real) return undefined;
  const doubtful = stepState(journal.execution, step.id).forth.operations.filter((o) => o.status === 'in-doubt');
  for (const state of doubtful) {
    const of = { ...at, attempt: state.attempt, n: state.n };
    if (await holds(drive, step, action, setting)) {
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

/** Whether the step's own probe says that nothing is left to do. */
async function holds(drive: Drive, step: PlannedStep, action: AnyAction, setting: Setting): Promise<boolean> {
  const { engine, plan, journal } = drive;
  const bound = engine.bind(step, await scopeNow(engine, plan, journal.execution, step));
  if (!bound.ok || bound.value.waitsFor.length > 0) return false;
  const facts = await inspect(engine, action, bound.value.input, pastOf(journal.execution, step.id), setting);
  const planned = action.plan(bound.value.input, facts, setting);
  return !('blocked' in planned) && planned.length === 0;
}
