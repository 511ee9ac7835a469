import { resolve } from 'node:path';
import { actions } from '../actions/index.ts';
import { type ApprovalsWanted, approvalsWanted } from '../core/approval.ts';
import { intentDigest, type Plan } from '../core/plan.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import type { SignedStatement } from '../core/statement.ts';
import { type ApprovalRules, approvalsFor } from '../engine/approval-gate.ts';
import type { Desk } from './desk.ts';
import { readHanded } from './read-handed.ts';

/** Who has to approve before each irreversible step, as the workspace says. */
export const approvalPolicy = ({
  workspace: { settings },
}: Pick<Desk, 'workspace'>): { readonly approvals?: ApprovalsWanted } =>
  settings.approvals === undefined ? {} : { approvals: approvalsWanted(settings.approvals) };

/** What a session asks of approvals. */
export function approvalRules(desk: Pick<Desk, 'workspace'>, unattended: boolean): ApprovalRules {
  const { approvals } = approvalPolicy(desk);
  return { unattended, ...(approvals === undefined ? {} : { irreversible: approvals }) };
}

/** Why nobody could ever approve what has to be approved: only a signature tells who did. Undefined where it can be, or nothing has to. */
export function cannotBeApproved(desk: Desk, plan: Plan, rules: ApprovalRules): Trouble | undefined {
  if (desk.workspace.allowedSigners !== undefined) return undefined;
  const step = plan.intent.steps.find((one) => {
    const action = actions.find(({ kind }) => kind === one.uses);
    return action !== undefined && approvalsFor(one, action, rules) !== undefined;
  });
  if (step === undefined) return undefined;
  const unattended = rules.unattended && rules.irreversible === undefined && step.approvals === undefined;
  return trouble(
    'approval-impossible',
    unattended
      ? `step "${step.id}" cannot be undone and nobody sits at the terminal, so somebody else has to approve the plan, and this workspace does not say who may; nothing was done`
      : `step "${step.id}" wants approvals, and this workspace does not say who may give them; nothing was done`,
    `List who may sign, by "allowed_signers:" in decom.yaml${unattended ? ', or run it at a terminal' : ''}.`,
  );
}

/** Reads approvals that were handed over as files: each is of this very plan, and whoever made it may. */
export async function readApprovals(
  desk: Desk,
  plan: Plan,
  files: readonly string[],
  now: Date,
): Promise<Result<readonly SignedStatement[]>> {
  const read: SignedStatement[] = [];
  for (const file of files) {
    const handed = readHanded(resolve(file));
    if (!handed.ok) return handed;
    const { statement } = handed.value;
    const amiss =
      statement.kind !== 'approve'
        ? 'is no approval'
        : statement.run !== plan.intent.id || statement.intent !== intentDigest(plan)
          ? 'approves another plan than this one'
          : undefined;
    if (amiss !== undefined)
      return fail(trouble('other-approval', `${file} ${amiss}`, 'Have this one approved: decom approve PLAN -o FILE'));
    const held = await desk.judge(handed.value, now.toISOString());
    if (!held.ok) return held;
    read.push(handed.value);
  }
  return ok(read);
}
