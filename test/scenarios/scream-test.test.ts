import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import { type Statement, statementFile, statementName } from '../../src/core/statement.ts';
import { type Stage, stage } from './stage.ts';

const day = 86_400_000;
const phase = readFileSync(
  join(import.meta.dirname, '../../docs/examples/scream-test/scream-test.yaml'),
  'utf8',
).replace(/^#.*\n/gm, '');
/** The shipped phase, after the machine has said who it is. */
const book = [
  'decom: 1',
  'name: scream',
  'phases:',
  '  - phase: moment',
  '    steps:',
  '      - { id: identity, uses: identity.check }',
  ...phase
    .trimEnd()
    .split('\n')
    .map((line, i) => `  ${i === 0 ? '- ' : '  '}${line}`),
  '',
].join('\n');

/** Bob ends the wait. */
function ends(s: Stage, plan: Plan, text: string): void {
  const statement = {
    ...{ kind: 'waive', step: 'scream', gate: 'wait', id: 'ab'.repeat(8), run: 'run1', host: plan.intent.host.name },
    ...{ intent: intentDigest(plan), by: 'bob', text, at: s.world.state.now.toISOString() },
  } as Statement;
  s.inbox.set(statementName(statement), statementFile({ statement, signed: null }));
}
const saidOf = (s: Stage, plan: Plan, step: string): string | undefined =>
  s.events(plan).flatMap((event) => (event.type === 'step.verified' && event.step === step ? [event.said] : []))[0];

test('nothing stands in the way of its plan, although the check at its end waits for the time of the cut', async () => {
  const s = stage(book);
  const plan = await s.plan();
  expect(plan.facts.blockers).toEqual([]);
  expect(await s.run(plan, { rehearsal: true })).toEqual({ end: 'rehearsed', blocked: [] });
  expect(s.world.state.network.state).toBe('open');
});

test('the host is cut off, the run is parked for two weeks, and it held', async () => {
  const s = stage(book);
  const plan = await s.plan();
  expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'scream' });
  expect(s.world.state.network.state).toBe('isolated');
  s.pass(13 * day);
  expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'scream' });
  s.pass(day);
  expect(await s.run(plan)).toEqual({ end: 'done' });
  expect(saidOf(s, plan, 'nobody')).toMatch(/^cut off since .*, by the same rules; 0 packets from outside dropped$/);
});

test('a wait is ended before its time by name and reason alone, and both stand in the log', async () => {
  const s = stage(book);
  const plan = await s.plan();
  await s.run(plan);
  ends(s, plan, ' ');
  expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'scream' });
  ends(s, plan, 'the owner said yes');
  expect(await s.run(plan)).toEqual({ end: 'done' });
  expect(saidOf(s, plan, 'scream')).toBe('ended early by bob: the owner said yes');
  expect(s.events(plan).filter(({ type }) => type === 'gate.waived')).toEqual([
    expect.objectContaining({ step: 'scream', gate: 'wait', by: 'bob', reason: 'the owner said yes' }),
  ]);
});

test('a host that was opened meanwhile does not pass for one that nobody missed', async () => {
  const s = stage(book);
  const plan = await s.plan();
  await s.run(plan);
  s.world.state.network = { ...s.world.state.network, state: 'open', ended: 'reboot' };
  s.pass(14 * day);
  expect(await s.run(plan)).toMatchObject({
    end: 'failed',
    step: 'nobody',
    trouble: { code: 'was-reopened', what: expect.stringContaining('it was restarted, and no restart keeps it') },
  });
});

test('a rollback in the middle of the wait gives the machine back', async () => {
  const s = stage(book);
  const plan = await s.plan();
  await s.run(plan);
  expect(await s.rollBack(plan)).toEqual({ end: 'rolled-back', kept: [] });
  expect(s.world.state.network.state).toBe('open');
});
