import { describe, expect, test } from 'vitest';
import { goOn, stage } from './stage.ts';

/*
 * A later step takes back, or adds to, what an earlier one does: what is planned for it rests on what the earlier one will have left, not on what is there
 * while planning.
 */
const book = (...steps: readonly string[]): string =>
  `decom: 1\nname: b\nphases:\n  - phase: only\n    steps:\n${steps.map((step) => `      - ${step}\n`).join('')}`;

const light = book(
  '{ id: shine, uses: bmc.locate, with: { light: "on" } }',
  '{ id: found, uses: confirm, with: { question: Found? } }',
  '{ id: dark, uses: bmc.locate, with: { light: "off" } }',
);
const service = book(
  '{ id: stop, uses: service.stop, with: { unit: nginx.service } }',
  '{ id: start, uses: service.start, with: { unit: nginx.service, enable: true } }',
  '{ id: again, uses: service.stop, with: { unit: nginx.service } }',
);
const status = book(
  '{ id: leaving, uses: inventory.retire, with: { status: decommissioning } }',
  '{ id: still, uses: inventory.retire, with: { status: decommissioning } }',
  '{ id: gone, uses: inventory.retire }',
  '{ id: not-yet, uses: inventory.retire, with: { status: decommissioning } }',
);

describe.each([
  ['a light that is switched on and off', light, [1, 1, 1]],
  ['a service that is stopped, started and stopped', service, [2, 2, 2]],
  ['a status that is set, changed and set', status, [1, 0, 1, 1]],
])('%s', (_, text, counts) => {
  test('is planned so, done so, and no drift', async () => {
    const s = stage(text);
    const plan = await s.plan();
    expect(plan.facts.blockers).toEqual([]);
    expect(plan.intent.steps.map(({ operations }) => operations?.length)).toEqual(counts);
    expect(await s.run(plan)).toMatchObject({ end: 'done' });
    const planned = plan.intent.steps.flatMap(({ operations }) => operations ?? []);
    const done = s.events(plan).flatMap((event) => (event.type === 'operation.intended' ? [event.operation] : []));
    expect(done).toEqual(planned);
  });

  test('is rehearsed so', async () => {
    const s = stage(text);
    const plan = await s.plan();
    expect(await s.run(plan, { rehearsal: true })).toMatchObject({ end: 'rehearsed', blocked: [] });
    const told = s.events(plan).flatMap((event) => (event.type === 'step.previewed' ? [event.operations.length] : []));
    expect(told).toEqual(counts);
  });

  test('is planned anew for what is left of it', async () => {
    const s = stage(text);
    const plan = await s.plan();
    const last = plan.intent.steps.at(-1)?.id;
    s.answer = (question) =>
      question.ask === 'begin' && question.step.id === last ? { answer: 'quit', why: 'quit' } : goOn(question);
    expect(await s.run(plan)).toMatchObject({ end: 'quit' });
    const amended = await s.replan(plan, []);
    s.answer = goOn;
    expect(await s.run(plan, { inForce: amended })).toMatchObject({ end: 'done' });
  });
});
