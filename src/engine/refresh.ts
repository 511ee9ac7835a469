import type { EvidenceKind } from '../core/evidence.ts';
import { type Execution, stepState } from '../core/execution.ts';
import type { PlannedStep } from '../core/plan.ts';
import { type Trouble, trouble } from '../core/result.ts';
import { actionOf, inspect, pastOf, scopeNow, settingFor } from './engine.ts';
import { stamp } from './prove.ts';
import { redoCommand, stepsToRedo } from './redo.ts';
import type { Drive } from './run-step.ts';

/**
 * Looks again, right before a step that demands it, at what only looking can prove (identity): the machine that answers now may not
 * be the one that answered last week, and the right command on the wrong host is how data was lost elsewhere (GitLab, 2017).
 * What was done and can be seen again at once (writers stopped) is looked at as well, but stays evidence of the time when it was done.
 * Trouble, if the look no longer says so.
 */
export async function refresh(
  drive: Drive,
  step: PlannedStep,
  kinds: readonly EvidenceKind[],
): Promise<Trouble | undefined> {
  const { engine, journal, plan } = drive;
  const wanted = new Set<string>(kinds);
  const before = plan.intent.steps.slice(
    0,
    plan.intent.steps.findIndex((s) => s.id === step.id),
  );
  for (const earlier of before) {
    const action = actionOf(engine, earlier);
    const { status, attempt } = stepState(journal.execution, earlier.id).forth;
    if (status !== 'done' && status !== 'already') continue;
    if (!(action.yields ?? []).some((kind) => wanted.has(kind))) continue;
    // What takes long to look at (a restored tree, a watch) is of a moment of its own, and has an age limit.
    if (action.examine !== undefined) continue;
    const bound = engine.bind(earlier, await scopeNow(engine, plan, journal.execution, earlier));
    if (!bound.ok) return bound.error;
    const { input } = bound.value;
    const setting = settingFor(engine, plan, journal.execution, earlier.id);
    const facts = await inspect(engine, action, input, pastOf(journal.execution, earlier.id), setting);
    const verdict = action.verify(input, facts, setting);
    if (action.effect !== 'none') {
      if (!verdict.ok) return voided(journal.execution, earlier, action.yields ?? [], verdict.trouble);
      continue;
    }
    if (!verdict.ok) return verdict.trouble;
    journal.record({
      type: 'step.verified',
      step: earlier.id,
      direction: 'forth',
      attempt,
      already: status === 'already',
      output: verdict.output,
      evidence: stamp(verdict.evidence, plan, earlier, journal, engine.clock.now()),
      said: `looked again before "${step.id}": ${verdict.said}`,
    });
  }
  return undefined;
}

const voided = (execution: Execution, step: PlannedStep, kinds: readonly string[], why: Trouble): Trouble =>
  trouble(
    'evidence-void',
    `the evidence "${kinds.join('", "')}" of step "${step.id}" no longer holds: ${why.what}`,
    `Do that step once more, and the copy and its proof after it: ${redoCommand(execution, [step.id, ...stepsToRedo(execution, ['restore.proven']).filter((id) => id !== step.id)])}`,
    why.detail,
  );
