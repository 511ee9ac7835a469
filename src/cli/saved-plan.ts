import { writeFileSync } from 'node:fs';
import { actions } from '../actions/index.ts';
import { digestOf, sha256 } from '../core/json.ts';
import { boundHelpers, boundHost, type Intent, type Plan } from '../core/plan.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import { stepsOf } from '../core/runbook.ts';
import { changesBetween } from '../engine/amend.ts';
import { approvalsBound } from '../engine/approval-gate.ts';
import { stalePlan } from '../engine/drive.ts';
import type { RunRead } from '../engine/open-run.ts';
import { loadRunbook } from '../load/load-runbook.ts';
import { parsePlan } from '../load/plan-file.ts';
import { approvalPolicy } from './approvals.ts';
import { readPlainFile } from './compose.ts';
import { findHost, helpersOf, type Problem, readWorkspaceFile, type Workspace, zoneOf } from './workspace.ts';

/** Reads a plan that `plan -o` saved. */
/** Bytes of a saved plan at most: what is on a host is told in it with a hundred rows of a list, so a plan is a few MiB. */
const maxPlan = 64 << 20;

export function readPlanFile(file: string): Result<Plan> {
  let text: string;
  try {
    text = readPlainFile(file, maxPlan).toString();
  } catch (error) {
    const what = `the plan ${file} cannot be read: ${(error as Error).message}`;
    return fail(trouble('no-plan', what, 'Save one with: decom plan HOST -o plan.json'));
  }
  return parsePlan(text, file);
}

export function writePlanFile(file: string, plan: Plan): Result<void> {
  try {
    writeFileSync(file, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600 });
    return ok(undefined);
  } catch (error) {
    const what = `the plan cannot be saved to ${file}: ${(error as Error).message}`;
    return fail(trouble('not-writable', what, 'Name another file with -o.'));
  }
}

/**
 * Why a saved plan may not be started any more: it was made on borrowed facts, it expired, or the inventory's entry or a runbook file
 * that it binds is not what it was. What the host itself has become is looked at before each step.
 */
export function staleness(workspace: Workspace, plan: Plan, now: Date): Result<undefined, readonly Problem[]> {
  const again = `Make a new one with: decom plan ${plan.intent.host.name} -o FILE`;
  if (plan.facts.borrowed) {
    return fail([
      trouble('borrowed-facts', 'the plan was made on the facts of another plan and can never be run', again),
    ]);
  }
  const expired = stalePlan(plan.intent.expires, now);
  if (expired !== undefined) return fail([expired]);
  const sources = sourceChanges(workspace, plan);
  const changes = [...hostChanges(workspace, plan), ...(sources.length > 0 ? sources : stepChanges(workspace, plan))];
  return changes.length === 0 ? ok(undefined) : fail([staleTrouble(changes, again)]);
}

const staleTrouble = (changes: readonly string[], again: string): Trouble =>
  trouble('plan-stale', 'the plan is stale: what it binds has changed since it was made', again, changes.join('\n'));

/**
 * Why an open run may not go on: the inventory's entry of its host is not what its plan binds. A rollback takes back what that plan did,
 * and no other plan can. `afterwards` is what is wanted once a new plan is agreed to, if that is not to go on.
 */
export function hostDrift(
  workspace: Workspace,
  { plan, execution, folder: { run, host } }: Pick<RunRead, 'plan' | 'execution' | 'folder'>,
  afterwards?: string,
): Trouble | undefined {
  const changes = hostChanges(workspace, plan);
  if (changes.length === 0) return undefined;
  const again = `See the difference and agree to it with: decom replan ${run}`;
  if (execution.direction === 'forth')
    return staleTrouble(changes, afterwards === undefined ? again : `${again}, then: ${afterwards}`);
  return staleTrouble(
    changes,
    `Put the entry of ${host} in the hosts file back as the plan binds it, then: decom rollback ${run}. If that is no longer true of the machine, give it back by hand, and end the run with: decom abandon ${run} --reason REASON`,
  );
}

function hostChanges(workspace: Workspace, plan: Plan): readonly string[] {
  const host = findHost(workspace, plan.intent.host.name);
  if (!host.ok) return host.error.map((problem) => problem.what);
  const { helpers: _was, ...rest } = plan.intent;
  const helpers = boundHelpers(helpersOf(workspace));
  const is: Intent = { ...rest, host: boundHost(host.value), ...(helpers === undefined ? {} : { helpers }) };
  return changesBetween(plan.intent, is);
}

function sourceChanges(workspace: Workspace, plan: Plan): readonly string[] {
  return plan.intent.runbook.sources.flatMap(({ file, sha256: was }) => {
    const bytes = readWorkspaceFile(workspace.folder, file);
    if (!bytes.ok) return [bytes.error.what];
    return sha256(bytes.value) === was ? [] : [`${file}: was changed`];
  });
}

/** Where the plan's steps are not those of its runbook: a plan is a file, and a file can be edited. */
function stepChanges(workspace: Workspace, plan: Plan): readonly string[] {
  const file = plan.intent.runbook.sources[0]?.file ?? '';
  const runbook = loadRunbook(file, (name) => readWorkspaceFile(workspace.folder, name), actions, zoneOf(workspace));
  if (!runbook.ok) return runbook.error.map((fault) => fault.what);
  const { approvals: policy } = approvalPolicy({ workspace });
  const written = stepsOf(runbook.value);
  const planned = plan.intent.steps;
  const ids = (steps: readonly { readonly id: string }[]) => steps.map((step) => step.id).join(', ');
  if (ids(written) !== ids(planned)) return [`steps: the runbook has ${ids(written)}; the plan has ${ids(planned)}`];
  return written.flatMap((step, i) => {
    const action = actions.find((a) => a.kind === step.uses);
    const irreversible = action?.irreversible === true || action?.effect === 'destroys';
    const now = {
      uses: step.uses,
      with: step.with,
      when: step.when ?? null,
      needs: step.needs,
      timeout: step.timeout ?? null,
      retry: step.retry ?? null,
      on_failure: step.on_failure,
      approvals: (action === undefined ? undefined : approvalsBound(step.approvals, action, policy)) ?? null,
      effect: action?.effect,
      once: action?.once,
      reversible: action?.rollback !== undefined,
      irreversible,
      window: action?.effect === 'none' ? undefined : step.window,
    };
    const was: { readonly [key: string]: unknown } = { ...planned[i] };
    return Object.entries(now)
      .filter(([key, value]) => digestOf(was[key] ?? null) !== digestOf(value ?? null))
      .map(([key]) => `step "${step.id}": "${key}" is not what the runbook says`);
  });
}
