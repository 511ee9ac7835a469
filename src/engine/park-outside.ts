import type { AnyAction } from '../core/action.ts';
import type { PlannedStep } from '../core/plan.ts';
import { trouble } from '../core/result.ts';
import { closedAt } from './calendar.ts';
import type { Drive, StepEnd } from './run-step.ts';
import { mayBeWaived, waiverOf } from './waiver.ts';

/**
 * Parks the run where a step may not be begun now; undefined where it may. A window that somebody answers for is passed, which is on record
 * once a pass: `waived` holds the gates of which it is already. Where it cannot be told, the step is blocked.
 */
export function parkOutside(
  { engine, journal }: Drive,
  step: PlannedStep,
  action: AnyAction,
  waived: Set<string>,
): StepEnd | undefined {
  const at = { step: step.id, direction: 'forth' } as const;
  const gate = 'window';
  const now = engine.clock.now();
  const waiver = mayBeWaived(action, gate, step.with) ? waiverOf(journal.execution, step.id, gate) : undefined;
  const held = closedAt(engine, step, now);
  const kept = held.ok && held.value === undefined ? held : closedAt(engine, step, now, waiver !== undefined);
  if (!kept.ok) {
    journal.record({ ...at, type: 'gate.blocked', gate, trouble: kept.error });
    return { end: 'blocked', trouble: kept.error };
  }
  if (kept.value !== undefined) {
    const { by, why } = kept.value;
    const until = kept.value.until.toISOString();
    journal.record({ ...at, type: 'run.parked', until, why, gate: by });
    return { end: 'parked', until, why };
  }
  if (waiver !== undefined && !waived.has(gate) && !(held.ok && held.value === undefined)) {
    waived.add(gate);
    const { by, text, id } = waiver;
    const passed = held.ok
      ? trouble('window-closed', held.value?.why ?? '', 'Nothing to do: it was answered for.')
      : held.error;
    journal.record({ ...at, type: 'gate.waived', gate, by, reason: text, statement: id, trouble: passed });
  }
  return undefined;
}
