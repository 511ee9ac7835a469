import { actions } from '../../actions/index.ts';
import { stepState } from '../../core/execution.ts';
import { evidenceChain } from '../../engine/evidence-chain.ts';
import { readRun } from '../../engine/open-run.ts';
import { approvalRules } from '../approvals.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse, refuseLog } from '../refuse.ts';
import { hostDrift } from '../saved-plan.ts';
import { stepAt } from '../step-at.ts';
import { chainLines } from '../view/chain-lines.ts';
import { whyLines } from '../view/why-view.ts';

/** Says why a run does not go on, and what clears it. Reads only. */
export async function why(invocation: Invocation, named: string): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const folder = findRun(desk.value.store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const read = readRun(folder.value);
  if (!read.ok) return refuseLog(invocation, read.error);
  const { execution } = read.value;
  const step = stepAt(read.value);
  const ended = folder.value.rehearsal || execution.status === 'closed';
  const stale = ended ? undefined : hostDrift(desk.value.workspace, read.value);
  const pass = step === undefined ? undefined : stepState(execution, step.id)[execution.direction];
  const now = invocation.now();
  const chain =
    ended || step === undefined || execution.direction === 'back'
      ? undefined
      : evidenceChain(read.value.plan, step, execution, actions, approvalRules(desk.value, !invocation.terminal), now);
  invocation.output.result(
    {
      type: 'why',
      message: stale?.what ?? pass?.trouble?.what ?? execution.stopped?.reason ?? execution.status,
      run_id: folder.value.run,
      status: execution.status,
      step_id: step?.id ?? null,
      trouble: stale ?? pass?.trouble ?? null,
      parked: execution.parked,
      stopped: execution.stopped,
      demands: chain?.demands ?? [],
      approvals: chain?.approvals ?? null,
    },
    whyLines(
      read.value,
      stale,
      chain === undefined || step === undefined ? [] : chainLines(chain, folder.value.run, step.id, now),
    ),
  );
  return exit.done;
}
