import type { Execution } from './execution.ts';
import { stepState } from './execution.ts';
import type { Plan, PlannedStep } from './plan.ts';

/** Whether a step needs nothing more: done, found already so, skipped, or failed where the runbook says to go on. */
export function isPast(step: PlannedStep, execution: Execution): boolean {
  switch (stepState(execution, step.id).forth.status) {
    case 'done':
    case 'already':
    case 'skipped':
    case 'previewed':
      return true;
    case 'failed':
      return step.on_failure === 'continue';
    case 'pending':
    case 'running':
    case 'waiting':
    case 'blocked':
    case 'rolled-back':
      return false;
  }
}

/** The first step that is not past; undefined when all are. Steps run in the order of the plan. */
export const next = (plan: Plan, execution: Execution): PlannedStep | undefined =>
  plan.intent.steps.find((step) => !isPast(step, execution));

/** Steps of `needs` that are not done and verified. A skipped one does not count as done. */
export const unmetNeeds = (step: PlannedStep, execution: Execution): readonly string[] =>
  step.needs.filter((id) => !['done', 'already', 'previewed'].includes(stepState(execution, id).forth.status));
