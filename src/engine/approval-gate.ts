import type { AnyAction } from '../core/action.ts';
import { type ApprovalsWanted, allWanted, approvalsSeen, areMet, wantedWords } from '../core/approval.ts';
import type { Execution } from '../core/execution.ts';
import type { PlannedStep } from '../core/plan.ts';
import { isGrave } from './agree.ts';
import type { Drive, StepEnd } from './run-step.ts';

/** What a session asks of approvals beside what the plan itself binds. */
export interface ApprovalRules {
  /** Who has to approve before each irreversible step, as the workspace says now: a plan may be older than that. */
  readonly irreversible?: ApprovalsWanted;
  /** Nobody sits at the terminal, so somebody else has to have agreed to what cannot be undone. */
  readonly unattended: boolean;
}

const persons = (count: number | undefined): ApprovalsWanted | undefined =>
  count === undefined ? undefined : { persons: count, roles: [] };

/** Who has to approve a step before it begins, as a plan binds it: `written` by the runbook, by the kind of step, and by the workspace's policy. */
export const approvalsBound = (
  written: ApprovalsWanted | undefined,
  action: Pick<AnyAction, 'witnesses' | 'irreversible' | 'effect'>,
  policy: ApprovalsWanted | undefined,
): ApprovalsWanted | undefined => allWanted(written, persons(action.witnesses), isGrave(action) ? policy : undefined);

/** The same as it is now; undefined where nobody has to. */
export const approvalsFor = (
  step: Pick<PlannedStep, 'approvals'>,
  action: AnyAction,
  { irreversible, unattended }: ApprovalRules,
): ApprovalsWanted | undefined =>
  allWanted(
    approvalsBound(step.approvals, action, irreversible),
    isGrave(action) && unattended ? persons(1) : undefined,
  );

/** What is still missing, in a sentence that ends with the command which clears it; undefined where every approval is there. */
export function approvalsMissing(
  step: { readonly id: string },
  execution: Execution,
  wanted: ApprovalsWanted,
  now: Date,
): string | undefined {
  const seen = approvalsSeen(execution, wanted, now);
  if (areMet(seen)) return undefined;
  const missing = [
    ...(seen.persons === 0 ? [] : [seen.persons === 1 ? 'one more person' : `${seen.persons} more persons`]),
    ...seen.roles.map((role) => `somebody as ${role}`),
  ];
  const given = seen.counted.map(({ by, role }) => `${by}${role === null ? '' : ` as ${role}`}`);
  const void_ = seen.discounted.map(({ approval: { by }, why }) => `that of ${by} does not count: ${why}`);
  const role = seen.roles[0] === undefined ? '' : ` --role ${seen.roles[0]}`;
  return [
    `step "${step.id}" waits for approval by ${wantedWords(wanted)}`,
    given.length === 0 ? 'nobody has approved' : `approved by ${given.join(', ')}`,
    ...void_,
    `missing: ${missing.join(', ')}; they approve with: decom approve ${execution.run}${role}`,
  ].join('; ');
}

/**
 * Parks the run where an approval of the step is missing. Those that count are put on record, once: `passed` holds the gates whose passing is.
 * Undefined: it may go on.
 */
export function parkUnapproved(
  { engine, journal, approvals: rules = { unattended: false } }: Drive,
  step: PlannedStep,
  action: AnyAction,
  passed: Set<string>,
): StepEnd | undefined {
  const wanted = approvalsFor(step, action, rules);
  if (wanted === undefined) return undefined;
  const at = { step: step.id, direction: 'forth' } as const;
  const { execution } = journal;
  const now = engine.clock.now();
  const why = approvalsMissing(step, execution, wanted, now);
  if (why !== undefined) {
    journal.record({ ...at, type: 'run.parked', until: null, why, gate: 'approvals' });
    return { end: 'parked', until: null, why };
  }
  if (passed.has('approvals')) return undefined;
  passed.add('approvals');
  const { counted } = approvalsSeen(execution, wanted, now);
  const approvals = counted.map(({ by, role, statement }) => ({ by, role, statement }));
  journal.record({ ...at, type: 'gate.approved', wanted, approvals });
  return undefined;
}
