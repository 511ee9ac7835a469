import type { Evidence, EvidenceKind } from '../core/evidence.ts';
import { type Execution, stepState } from '../core/execution.ts';

/** The command that has steps of a run done once more. */
export const redoCommand = (execution: Execution, steps: readonly string[]): string =>
  ['decom replan', execution.run, ...steps.map((step) => `--redo ${step}`)].join(' ');

/**
 * The steps that make a kind of evidence anew, in the order in which they were first done: for a restore proof the newest one's step, and the
 * step that made its copy.
 */
export function stepsToRedo(execution: Execution, kinds: readonly EvidenceKind[]): readonly string[] {
  const wanted = new Set<string>();
  for (const kind of kinds) {
    const held = execution.evidence.filter((e) => e.kind === kind);
    for (const e of kind === 'restore.proven' ? held.slice(-1) : held) {
      wanted.add(e.step);
      const copy = copyOf(e);
      const maker = Object.keys(execution.steps).find((id) => stepState(execution, id).output.backup === copy);
      if (copy !== undefined && maker !== undefined) wanted.add(maker);
    }
  }
  return Object.keys(execution.steps).filter((id) => wanted.has(id));
}

const copyOf = (e: Evidence): string | undefined => (e.kind === 'restore.proven' ? e.copy : undefined);
