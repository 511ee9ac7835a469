import type { AnyAction } from '../core/action.ts';
import { type Execution, stepState } from '../core/execution.ts';
import { jcs } from '../core/json.ts';
import type { Operation, Receipt } from '../core/operation.ts';
import type { PlannedStep } from '../core/plan.ts';

/** What of a step is to be done now, and what was done of it in earlier attempts and stays so. */
export interface LeftToDo {
  readonly operations: readonly Operation[];
  readonly receipts: readonly Receipt[];
}

/**
 * Of an act that may be done once, what ended well in an earlier attempt is not done again: only what was planned beside it and never came
 * to be done, and the proof. Where what is planned now cannot be told from what was done, nothing is: the proof says what is missing.
 */
export function leftToDo(
  execution: Execution,
  step: PlannedStep,
  action: AnyAction,
  planned: readonly Operation[],
): LeftToDo {
  if (!action.once) return { operations: planned, receipts: [] };
  const done = stepState(execution, step.id).forth.operations.filter((o) => o.status === 'done');
  const unmatched = done.map(({ operation }) => jcs(operation));
  const left = planned.filter((operation) => {
    const at = unmatched.indexOf(jcs(operation));
    if (at !== -1) unmatched.splice(at, 1);
    return at === -1;
  });
  const isRest = left.length + done.length <= (step.operations?.length ?? 0);
  return { operations: done.length === 0 || isRest ? left : [], receipts: done.map((o) => o.receipt) };
}
