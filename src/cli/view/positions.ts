import type { Plan } from '../../core/plan.ts';

/** Where a step stands in its plan: `3/17`. */
export function positionsText(plan: Plan, step: string): string {
  const { steps } = plan.intent;
  return `${steps.findIndex((s) => s.id === step) + 1}/${steps.length}`;
}
