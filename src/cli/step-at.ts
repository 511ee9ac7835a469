import { actions } from '../actions/index.ts';
import { next } from '../core/next.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { RunRead } from '../engine/open-run.ts';
import { rollbackPlan } from '../engine/roll-back.ts';

/** The step that a run is at: the next one to do, or in a rollback the next one to take back; undefined when none is left. */
export const stepAt = ({ plan, execution }: Pick<RunRead, 'plan' | 'execution'>): PlannedStep | undefined =>
  execution.direction === 'back' ? rollbackPlan(actions, { plan, execution }).back[0] : next(plan, execution);
