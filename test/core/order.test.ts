import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Demand, EvidenceKind } from '../../src/core/evidence.ts';
import { type OrderedStep, orderFaults } from '../../src/core/order.ts';

const plain = {
  yields: [],
  demands: [],
  goesOn: false,
  needs: [],
  refers: [],
  renewed: false,
  cuts: false,
  starts: false,
  waits: 0,
};
const demand = (kind: EvidenceKind, after?: EvidenceKind): Demand => ({
  ...{ kind, maxAge: 10, why: 'Because.' },
  ...(after === undefined ? {} : { after }),
});
/** A legal runbook: an early copy with its proof, stop, two copies with their proofs, waits, something that starts services, erase. */
const legal: readonly OrderedStep[] = [
  { ...plain, id: 'identity', yields: ['identity.confirmed'], renewed: true },
  { ...plain, id: 'start', starts: true },
  { ...plain, id: 'early' },
  { ...plain, id: 'early-proof', yields: ['restore.proven'], refers: ['early'] },
  { ...plain, id: 'long', waits: 8 },
  { ...plain, id: 'watch', yields: ['host.unused'] },
  { ...plain, id: 'stop', yields: ['writers.stopped'], cuts: true },
  { ...plain, id: 'copy' },
  { ...plain, id: 'proof', yields: ['restore.proven'], refers: ['copy'] },
  { ...plain, id: 'short', waits: 4 },
  {
    ...{ ...plain, id: 'erase' },
    demands: [
      demand('identity.confirmed'),
      demand('writers.stopped'),
      demand('restore.proven', 'writers.stopped'),
      { ...demand('host.unused'), uncut: true },
    ],
  },
];

type Fate = 'done' | 'skipped' | 'failed';

/** One way through the steps up to the last: what becomes of each. Undefined where a run would have stopped before the last began. */
function reaches(steps: readonly OrderedStep[], fates: readonly Fate[]): ReadonlyMap<string, Fate> | undefined {
  const seen = new Map<string, Fate>();
  for (const [i, step] of steps.entries()) {
    if (step.needs.some((id) => seen.get(id) !== 'done')) return undefined;
    const fate = fates[i] ?? 'done';
    if (fate !== 'skipped' && step.refers.some((id) => seen.get(id) !== 'done')) return undefined;
    seen.set(step.id, fate);
  }
  return seen;
}

/** Whether what the last step demands was there, told from what happened, a moment after the other. */
function met(steps: readonly OrderedStep[], way: ReadonlyMap<string, Fate>, demanded: Demand): boolean {
  const { kind, after, maxAge, uncut } = demanded;
  let cut = Number.POSITIVE_INFINITY;
  let clock = 0;
  let line = 0;
  const begun = new Map<string, { readonly clock: number; readonly line: number }>();
  let evidence: { kind: EvidenceKind; clock: number; line: number; renewed: boolean }[] = [];
  for (const step of steps.slice(0, -1)) {
    line += 1;
    const fate = way.get(step.id);
    if (fate === 'skipped') continue;
    begun.set(step.id, { clock, line });
    if (step.cuts) cut = Math.min(cut, line);
    if (step.starts) evidence = evidence.filter((e) => e.kind !== 'writers.stopped' || kind !== 'writers.stopped');
    clock += step.waits;
    if (fate === 'failed') continue;
    for (const yielded of step.yields) {
      const from = yielded === 'restore.proven' ? begun.get(step.refers[0] ?? '') : { clock, line };
      if (from !== undefined) evidence.push({ kind: yielded, ...from, renewed: step.renewed });
    }
  }
  const last = Math.max(0, ...evidence.filter((e) => e.kind === after).map((e) => e.line));
  return evidence.some(
    (e) =>
      e.kind === kind && e.line > last && (uncut !== true || e.line < cut) && (e.renewed || clock - e.clock <= maxAge),
  );
}

const fatesOf = (step: OrderedStep, last: boolean): readonly Fate[] =>
  last
    ? ['done']
    : [
        'done',
        ...(step.when === undefined ? [] : (['skipped'] as const)),
        ...(step.goesOn ? (['failed'] as const) : []),
      ];

/** What is wrong with the last of these steps, found by trying every way through those before it. */
function tried(steps: readonly OrderedStep[]): readonly Demand[] {
  const ways = steps.reduce<Fate[][]>(
    (all, step, i) => all.flatMap((way) => fatesOf(step, i === steps.length - 1).map((fate) => [...way, fate])),
    [[]],
  );
  const reached = ways.flatMap((fates) => reaches(steps, fates) ?? []);
  return (steps.at(-1)?.demands ?? []).filter((d) => reached.some((way) => !met(steps, way, d)));
}

/** The steps in another order, some left out, some with conditions, needs or leave to fail; references and needs still point backwards. */
const shuffled = fc
  .tuple(
    fc.shuffledSubarray([...legal.slice(0, -1)], { minLength: 3 }),
    fc.array(fc.constantFrom('plain', 'plain', 'when', 'goes-on', 'both'), { minLength: 11, maxLength: 11 }),
    fc.array(fc.option(fc.nat(9), { freq: 2 }), { minLength: 11, maxLength: 11 }),
  )
  .map(([picked, kinds, needs]) => {
    const steps = [...picked, ...legal.slice(-1)];
    return steps.map((step, i): OrderedStep => {
      const kind = i === steps.length - 1 ? 'plain' : kinds[i];
      const need = needs[i];
      const needed = typeof need === 'number' && need < i ? steps[need] : undefined;
      const earlier = new Set(steps.slice(0, i).map(({ id }) => id));
      return {
        ...step,
        ...(kind === 'when' || kind === 'both' ? { when: `facts.f${i} == 'on'` } : {}),
        goesOn: kind === 'goes-on' || kind === 'both',
        needs: needed === undefined ? [] : [needed.id],
        refers: step.refers.filter((id) => earlier.has(id)),
      };
    });
  });

test('of steps in any order, exactly those are refused of which some way leads to a step before what it demands', () => {
  const seen = { refused: 0, taken: 0 };
  fc.assert(
    fc.property(shuffled, (steps) => {
      const found = orderFaults(steps.slice(0, -1), steps.at(-1) as OrderedStep, () => []).map((f) => f.demand);
      expect(found).toEqual(tried(steps));
      seen[found.length === 0 ? 'taken' : 'refused'] += 1;
    }),
    { numRuns: 3000, examples: [[[...legal]]] },
  );
  expect(seen.refused).toBeGreaterThan(100);
  expect(seen.taken).toBeGreaterThan(0);
});

test('nothing is refused of the legal order, and every demand of a step that stands alone is', () => {
  const [erase] = legal.slice(-1) as [OrderedStep];
  expect(orderFaults(legal.slice(0, -1), erase, () => [])).toEqual([]);
  expect(orderFaults([], erase, () => ['a.b', 'c.d']).map(({ fix }) => fix)).toEqual(
    Array(4).fill('Add a step that yields it to the runbook, before this one: a.b or c.d yields it.'),
  );
});
