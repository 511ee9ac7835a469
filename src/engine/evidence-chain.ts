import type { AnyAction } from '../core/action.ts';
import { type ApprovalsSeen, type ApprovalsWanted, approvalsSeen } from '../core/approval.ts';
import { type Coverage, coverageOf } from '../core/coverage.ts';
import type { Demand, Evidence } from '../core/evidence.ts';
import type { Execution } from '../core/execution.ts';
import type { Plan, PlannedStep } from '../core/plan.ts';
import type { Trouble } from '../core/result.ts';
import type { StatementOf } from '../core/statement.ts';
import { type ApprovalRules, approvalsFor } from './approval-gate.ts';
import { provedIn } from './coverage-gate.ts';
import { unmetDemand, yieldingOf } from './gates.ts';
import { coverageGate, mayBeWaived, waiverOf } from './waiver.ts';

/** What a step demands of the run, and what the run has of it. */
export interface DemandSeen {
  readonly demand: Demand;
  /** The newest evidence of its kind, whether it is enough or not. */
  readonly found: Evidence | undefined;
  /** Why it is not met, and how to get it; undefined where it is. */
  readonly missing: Trouble | undefined;
  /** Who answers for its not being met. */
  readonly waiver: StatementOf<'waive'> | undefined;
  readonly waivable: boolean;
  /** Of a demand that asks for it: how each file system with data is kept, as of `at`; null where nobody has asked the host yet. */
  readonly coverage?: {
    readonly at: string;
    readonly of: readonly (Coverage & { readonly waiver: StatementOf<'waive'> | undefined })[];
  } | null;
}

export interface ChainSeen {
  readonly demands: readonly DemandSeen[];
  readonly approvals: (ApprovalsSeen & { readonly wanted: ApprovalsWanted }) | undefined;
}

/**
 * What stands between a step and its beginning, by the log alone: what its look at the world would find is not asked. An input that is not
 * known yet is taken as it is written.
 */
export function evidenceChain(
  plan: Plan,
  step: PlannedStep,
  execution: Execution,
  actions: readonly AnyAction[],
  rules: ApprovalRules,
  now: Date,
): ChainSeen {
  const action = actions.find(({ kind }) => kind === step.uses);
  if (action === undefined) return { demands: [], approvals: undefined };
  const before = plan.intent.steps.slice(0, plan.intent.steps.indexOf(step));
  const demands = (action.demands?.(step.with) ?? []).map((demand): DemandSeen => {
    const yielding = yieldingOf(actions, before, execution, demand.kind);
    const waivable = mayBeWaived(action, demand.kind, step.with);
    return {
      demand,
      found: execution.evidence.findLast(({ kind }) => kind === demand.kind),
      missing: unmetDemand(demand, plan.intent, execution, now, new Set(), yielding),
      waiver: waivable ? waiverOf(execution, step.id, demand.kind) : undefined,
      waivable,
      ...(demand.covers === undefined ? {} : { coverage: coverageIn(plan, step, demand, execution, now) }),
    };
  });
  const wanted = approvalsFor(step, action, rules);
  return {
    demands,
    approvals: wanted === undefined ? undefined : { ...approvalsSeen(execution, wanted, now), wanted },
  };
}

/** Judged on what the host had when it was asked last: by the gate, else by the plan. */
function coverageIn(
  plan: Plan,
  step: PlannedStep,
  demand: Demand,
  execution: Execution,
  now: Date,
): NonNullable<DemandSeen['coverage']> | null {
  const { observed, coverage } = plan.facts;
  const planned = coverage?.known === true ? { at: observed, file_systems: coverage.value.map(({ of }) => of) } : null;
  const seen = execution.storage ?? planned;
  if (seen === null) return null;
  const proved = provedIn(demand, plan.intent, execution, now, waiverOf(execution, step.id, demand.kind) !== undefined);
  const of = coverageOf(seen.file_systems, proved, plan.intent.not_kept ?? []);
  return {
    at: seen.at,
    of: of.map((one) => ({ ...one, waiver: waiverOf(execution, step.id, coverageGate(one.of.at)) })),
  };
}
