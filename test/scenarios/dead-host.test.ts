import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold.ts';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import { type Statement, statementFile, statementName } from '../../src/core/statement.ts';
import { goOn, type Stage, stage } from './stage.ts';

const book = `decom: 1
name: dead
phases:
  - phase: only
    steps:
      - { id: attest, uses: identity.attest }
      - { id: cut, uses: power.cut, needs: [attest] }
`;

let count = 0;
function says(s: Stage, plan: Plan, by: string, what: { readonly [field: string]: unknown }): void {
  count++;
  const at = s.world.state.now;
  const statement = {
    ...{ id: count.toString(16).padStart(16, '0'), run: 'run1', host: plan.intent.host.name, by },
    ...{ text: 'its mainboard burnt', at: at.toISOString(), intent: intentDigest(plan), ...what },
  } as Statement;
  s.inbox.set(statementName(statement), statementFile({ statement, signed: 'A'.repeat(48) }));
}
const approves = (s: Stage, plan: Plan, by: string): void =>
  says(s, plan, by, {
    ...{ kind: 'approve', role: null },
    expires: new Date(s.world.state.now.getTime() + 3_600_000).toISOString(),
  });
/** `first`: the plan that the log began with, where another one is in force. */
const waives = (s: Stage, plan: Plan, gate: string, first = plan): void =>
  says(s, plan, 'bob', {
    ...{ kind: 'waive', step: 'attest', gate },
    found: foldAll(s.events(first) as never).found.attest?.at(-1)?.list.sha256,
  });

/** A host that does not answer, and whoever is at the rack reads that serial. */
function dead(read: (serial: string) => string = (serial) => serial): Stage {
  const s = stage(book);
  s.world.state.reachable = false;
  s.answer = (question) => {
    if (question.ask !== 'form') return goOn(question);
    const items = question.items.map(({ id }) => ({ id, done: true, note: read('SN-0012345') }));
    return { answer: 'filled', items };
  };
  return s;
}
const of = <T extends Event['type']>(s: Stage, plan: Plan, type: T) =>
  s.events(plan).filter((event): event is Extract<Event, { type: T }> => event.type === type);
const missing = ['running', 'host-keys', 'machine-id', 'uuid'];

describe('a host that does not answer any more', () => {
  test('is switched off once its label was read, somebody else agreed, and somebody answered for each source that is missing', async () => {
    const s = dead();
    const plan = await s.plan();
    expect(plan.facts.blockers).toEqual([]);
    expect(await s.run(plan)).toMatchObject({
      end: 'parked',
      step: 'attest',
      why: expect.stringContaining('one more person'),
    });
    // Nobody was sent to the rack yet.
    expect(s.questions).toEqual([]);
    approves(s, plan, 'cleo');
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', trouble: { code: 'identity-missing' } });
    for (const [at, gate] of missing.entries()) {
      expect(s.world.state.power).toBe('on');
      waives(s, plan, gate);
      const last = at === missing.length - 1;
      expect(await s.run(plan)).toMatchObject(last ? { end: 'done' } : { end: 'blocked', step: 'attest' });
    }
    expect(s.world.state.power).toBe('off');
    expect(of(s, plan, 'gate.waived').map(({ gate, by, reason }) => [gate, by, reason])).toEqual(
      missing.map((gate) => [gate, 'bob', 'its mainboard burnt']),
    );
    // The label is read once.
    expect(s.questions.filter(({ ask }) => ask === 'form')).toHaveLength(1);
    const attested = of(s, plan, 'step.verified').find(({ step }) => step === 'attest')?.evidence[0];
    expect(attested).toMatchObject({ kind: 'identity.attested', read_by: 'ada' });
  });

  test('has a plan that says beforehand what will have to be answered for', async () => {
    const plan = await dead().plan();
    expect(plan.facts.steps.attest?.remarks).toEqual([
      'the run will stop here until somebody has answered by name for each of: running, host-keys, machine-id, uuid',
      expect.stringMatching(/^running: only the port /),
      'host-keys: web01 does not answer',
      'machine-id: web01 does not answer',
      'uuid: web01 does not answer',
    ]);
    expect((await stage(book).plan()).facts.steps.attest?.remarks).toBeUndefined();
    const s = dead();
    await s.run(plan, { rehearsal: true });
    const told = of(s, plan, 'step.previewed').find(({ step }) => step === 'attest');
    expect(told?.said).toContain('answered by name for each of: running, host-keys, machine-id, uuid;');
  });

  test('is called for all of the time only once nothing else is missing: nobody waits to hear of a mistyped serial', async () => {
    let read = 'SN-0012346';
    const s = dead(() => read);
    const plan = await s.plan();
    approves(s, plan, 'cleo');
    const begun = s.world.state.now.getTime();
    const passed = (): number => s.world.state.now.getTime() - begun;
    expect(await s.run(plan)).toMatchObject({ end: 'failed', trouble: { code: 'serial-mismatch' } });
    read = 'SN-0012345';
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', trouble: { code: 'identity-missing' } });
    expect(passed()).toBeLessThan(60_000);
    for (const gate of missing) waives(s, plan, gate);
    expect(await s.run(plan)).toMatchObject({ end: 'done' });
    expect(passed()).toBeGreaterThanOrEqual(60_000);
  });

  test('is not switched off where it answers after all, however much was agreed to', async () => {
    const s = dead();
    const plan = await s.plan();
    approves(s, plan, 'cleo');
    await s.run(plan);
    for (const gate of missing) waives(s, plan, gate);
    s.answer = (question) => (question.ask === 'begin' ? { answer: 'quit', why: 'quit' } : goOn(question));
    await s.run(plan);
    s.world.state.reachable = true;
    s.answer = goOn;
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', trouble: { code: 'host-answers' } });
    expect(s.world.state.power).toBe('on');
  });

  test('is not attested by whoever drives the run alone', async () => {
    const s = dead();
    const plan = await s.plan();
    approves(s, plan, 'ada');
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'attest' });
    expect(s.questions).toEqual([]);
  });

  test('waits for somebody else to agree to a plan that took the place of the one they agreed to', async () => {
    const s = dead();
    const plan = await s.plan();
    approves(s, plan, 'cleo');
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', trouble: { code: 'identity-missing' } });
    const second = await s.replan(plan, []);
    const waiting = { end: 'parked', why: expect.stringContaining('one more person') };
    // The label is read, so nothing is left to be done there but to judge.
    expect(await s.run(plan, { inForce: second })).toMatchObject({ ...waiting, step: 'attest' });
    approves(s, second, 'cleo');
    expect(await s.run(plan, { inForce: second })).toMatchObject({
      end: 'blocked',
      trouble: { code: 'identity-missing' },
    });
    for (const gate of missing) waives(s, second, gate, plan);
    s.answer = (question) =>
      question.ask === 'begin' && question.step.id === 'cut' ? { answer: 'quit', why: 'quit' } : goOn(question);
    expect(await s.run(plan, { inForce: second })).toMatchObject({ end: 'quit' });
    const third = await s.replan(plan, []);
    s.answer = goOn;
    expect(await s.run(plan, { inForce: third })).toMatchObject({ ...waiting, step: 'cut' });
    expect(s.world.state.power).toBe('on');
    approves(s, third, 'cleo');
    expect(await s.run(plan, { inForce: third })).toMatchObject({ end: 'done' });
    expect(s.world.state.power).toBe('off');
  });

  test('is not switched off by whoever reads another label', async () => {
    const s = dead(() => 'SN-0012346');
    const plan = await s.plan();
    approves(s, plan, 'cleo');
    expect(await s.run(plan)).toMatchObject({ end: 'failed', trouble: { code: 'serial-mismatch' } });
    s.answer = (question) =>
      question.ask === 'failed'
        ? { answer: 'skip', reason: 'no matter' }
        : s.world.state.power === 'on' && question.ask === 'form'
          ? { answer: 'filled', items: question.items.map(({ id }) => ({ id, done: true, note: 'other' })) }
          : goOn(question);
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'cut' });
    expect(s.world.state.power).toBe('on');
  });

  test('is not one that answers, and the plan says so', async () => {
    const s = stage(book);
    const plan = await s.plan();
    expect(plan.facts.blockers.map(({ step, trouble: { code } }) => [step, code])).toEqual([
      ['attest', 'host-answers'],
      ['cut', 'host-answers'],
    ]);
  });

  test('cannot be switched off by a runbook that leaves the attestation out', async () => {
    const s = stage(
      book.replace('      - { id: attest, uses: identity.attest }\n', '').replace(', needs: [attest]', ''),
    );
    s.world.state.reachable = false;
    const plan = await s.plan().catch((error: unknown) => String(error));
    expect(JSON.stringify(plan)).toContain('identity.attested');
  });
});
