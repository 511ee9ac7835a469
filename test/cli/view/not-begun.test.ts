import { expect, test } from 'vitest';
import { tally } from '../../../src/cli/view/run-end-view.ts';
import type { Event } from '../../../src/core/event.ts';
import { foldAll } from '../../../src/core/fold.ts';
import { clearPlan } from './small-plan.ts';

test('a step at which a person quit before agreeing counts as not begun', () => {
  const at = { step: 'stop', direction: 'forth', attempt: 1 } as const;
  const operation = clearPlan.intent.steps[2]?.operations?.[0];
  if (operation === undefined) throw new Error('the fixture has a step that stops nginx');
  const tallied = (...events: readonly Event[]): string =>
    tally(clearPlan, foldAll(events.map((e, seq) => ({ v: 1, seq, ts: '2026-03-01T10:00:00.000Z', ...e }))));
  expect(tallied({ ...at, type: 'step.started' })).toBe('1 not begun, 6 to come');
  expect(tallied({ ...at, type: 'step.started' }, { ...at, type: 'operation.intended', n: 0, operation })).toBe(
    '1 begun, 6 to come',
  );
});
