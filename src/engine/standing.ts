import type { Demand, Evidence, EvidenceKind } from '../core/evidence.ts';
import { type Execution, stepState } from '../core/execution.ts';
import { type Trouble, trouble } from '../core/result.ts';
import { type StepsOf, stepDigest } from '../core/step-digest.ts';
import { redoCommand, stepsToRedo } from './redo.ts';

/**
 * Whether the step that a piece of evidence is of still stands as done. One that was to be done once more, and then failed or was skipped, proves nothing by
 * what it found the time before: a copy that has rotted since was once equal.
 */
export const isOfDone = ({ step }: Evidence, execution: Execution): boolean =>
  ['done', 'already'].includes(stepState(execution, step).forth.status);

/**
 * Whether the plan in force says of its step what was said when it was taken: whoever agrees to a plan reads what that one would look for, and not what an
 * earlier one was content with. Logs of before that was kept tell nothing of it.
 */
export const isAsSaid = ({ step: id, step_digest: said }: Evidence, plan: StepsOf): boolean =>
  said === undefined || plan.steps.some((step) => step.id === id && stepDigest(plan, step) === said);

/** Evidence of what a boot of the host's own system undoes: it starts writers again, and they write what is in no copy. */
export const ofBoot: readonly EvidenceKind[] = ['writers.stopped', 'restore.proven'];
export const boundToBoot: ReadonlySet<string> = new Set(ofBoot);

/** Evidence is there, and all of it of steps of which the plan in force says something else. */
export function outdatedTrouble(
  { kind, why, uncut }: Demand,
  plan: StepsOf,
  execution: Execution,
  of: readonly Evidence[],
): Trouble {
  const names = [...new Set(of.map(({ step }) => `"${step}"`))].join(', ');
  const redo = stepsToRedo(execution, boundToBoot.has(kind) ? ofBoot : [kind]);
  const there = redo.filter((id) => plan.steps.some((step) => step.id === id));
  const late = uncut === true && execution.cutOff !== null;
  return trouble(
    'evidence-outdated',
    `the evidence "${kind}" is of step ${names} as an earlier plan had it, and the plan in force says something else of it`,
    late
      ? `Write it as it was, and: ${redoCommand(execution, [])}. ${cannotBeAnew(execution)}`
      : `Have it made anew: ${redoCommand(execution, there)}; or write it as it was, and: ${redoCommand(execution, [])}`,
    why,
  );
}

export const cannotBeAnew = ({ run, host }: Execution): string =>
  `Only a host that can be used can be seen to be unused: give it back (decom rollback ${run}), then begin anew (decom plan ${host}); or allow it to be older in the runbook, and: decom replan ${run}`;
