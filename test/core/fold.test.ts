import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Recorded } from '../../src/core/event.ts';
import { emptyExecution } from '../../src/core/execution.ts';
import { fold, foldAll, folding, runFolding } from '../../src/core/fold.ts';

const some = fc.constantFrom('a', 'b', 'c');
const n = fc.integer({ min: 1, max: 3 });
/** Any event has what every type needs: `fold` looks at what its type has. */
const event = fc
  .record({
    type: fc.constantFrom<Recorded['type']>(
      ...(['session.opened', 'session.closed', 'run.opened', 'step.started', 'step.planned'] as const),
      ...(['step.agreed', 'operation.intended', 'operation.done', 'operation.failed', 'operation.in-doubt'] as const),
      ...(['operation.resolved', 'step.verified', 'step.failed', 'step.skipped', 'step.previewed'] as const),
      ...(['gate.blocked', 'run.parked', 'run.stopped', 'plan.amended', 'rollback.opened', 'run.closed'] as const),
    ),
    ...{ step: some, direction: fc.constantFrom('forth', 'back'), attempt: n, n, ts: some, operator: some, plan: some },
    operation: fc.oneof(
      fc.record({ kind: fc.constant('exec'), argv: fc.constant(['ls']) }),
      fc.record({ kind: fc.constant('copy.archive'), to: fc.constantFrom('/a', '__proto__') }),
    ),
    evidence: fc.array(fc.record({ kind: some }), { maxLength: 2 }),
    redo: fc.array(fc.constantFrom('a', '__proto__'), { maxLength: 2 }),
    ...{ output: fc.record({ x: n }), outcome: some, already: fc.boolean(), said: some, reason: some, by: some },
  })
  .map((made) => made as unknown as Recorded);
const events = fc.array(event, { maxLength: 40 });

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  Object.values(value).forEach(frozen);
  return value;
}

describe('events folded', () => {
  test('one by one and all at once come to the same, and what was handed out does not change', () => {
    fc.assert(
      fc.property(events, fc.nat(40), (all, pause) => {
        const folded = folding();
        let one = emptyExecution;
        for (const [i, event] of all.entries()) {
          frozen(one);
          one = fold(one, frozen(event));
          folded.add(event);
          if (i === pause) frozen(folded.execution());
        }
        expect(folded.execution()).toStrictEqual(one);
        expect(foldAll(all)).toStrictEqual(one);
      }),
    );
  });

  test('without their steps come to what the whole says of the run', () => {
    fc.assert(
      fc.property(fc.array(events, { minLength: 40, maxLength: 60 }), (lists) => {
        const all = lists.flat();
        const run = runFolding();
        for (const event of all) run.add(event);
        const { steps, evidence, copiesBegun, writersStarted, statements, ticks, ...whole } = foldAll(all);
        expect(run.execution()).toMatchObject(whole);
      }),
      { numRuns: 20 },
    );
  });

  test('without their steps keep nothing of them for long', () => {
    const run = runFolding();
    const said = { type: 'step.verified', direction: 'forth', evidence: [{ kind: 'a' }], ts: '' };
    for (let i = 0; i < 2048; i++) run.add({ ...said, step: `s${i}` } as unknown as Recorded);
    expect(run.execution()).toMatchObject({ steps: {}, evidence: [], last: '' });
  });
});

test.each([
  ['an unknown type', { type: 'step.danced' }],
  ['no step', { type: 'step.agreed', direction: 'forth' }],
  ['a direction that is none', { type: 'step.agreed', step: 'a', direction: 'up' }],
  ['evidence that is none', { type: 'step.verified', step: 'a', direction: 'forth', evidence: 5 }],
  ['no operation', { type: 'operation.intended', step: 'a', direction: 'forth' }],
  ['a list of steps that is none', { type: 'plan.amended', plan: 'other', redo: {} }],
  ['a list of steps that holds another thing', { type: 'plan.amended', plan: 'other', redo: ['a', 5] }],
])('an event with %s is refused, and changes nothing', (_, bad) => {
  const folded = folding();
  folded.add({ type: 'session.opened', operator: 'ada', ts: 'then' } as Recorded);
  const before = structuredClone(folded.execution());
  let added = false;
  try {
    added = folded.add({ ts: 'now', ...bad } as unknown as Recorded);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
  }
  expect([added, folded.execution()]).toEqual([false, before]);
});
