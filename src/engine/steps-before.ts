import type { PlannedStep } from '../core/plan.ts';
import type { Drive } from './run-step.ts';

/** The steps of the plan that come before one. */
export const stepsBefore = (drive: Pick<Drive, 'plan'>, step: PlannedStep): readonly PlannedStep[] => {
  const { steps } = drive.plan.intent;
  return steps.slice(
    0,
    steps.findIndex((s) => s.id === step.id),
  );
};
