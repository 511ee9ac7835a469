import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import { type Statement, statementFile, statementName } from '../../src/core/statement.ts';
import { mainJob } from './main-job.ts';
import { goOn, type Stage, stage } from './stage.ts';

const params = { vault: '/vault' };
/** The job, whose power-off wants two persons, one of them as manager. */
const twoPersons = mainJob.replace(/( +)uses: power\.off\n/, '$&$1approvals: { persons: 2, roles: [manager] }\n');
const signature = 'A'.repeat(48);

let count = 0;
function approves(
  s: Stage,
  plan: Plan,
  by: string,
  more: { readonly [field: string]: unknown } = {},
  signed: string | null = signature,
): void {
  count++;
  const at = s.world.state.now;
  const statement = {
    ...{ kind: 'approve', role: null, id: count.toString(16).padStart(16, '0'), run: 'run1', by, text: '' },
    ...{ host: plan.intent.host.name, intent: intentDigest(plan), at: at.toISOString() },
    ...{ expires: new Date(at.getTime() + 3_600_000).toISOString(), ...more },
  } as Statement;
  s.inbox.set(statementName(statement), statementFile({ statement, signed }));
}
const of = <T extends Event['type']>(s: Stage, plan: Plan, type: T) =>
  s.events(plan).filter((event): event is Extract<Event, { type: T }> => event.type === type);
const parked = (why: string) => ({ end: 'parked', step: 'off', until: null, why: expect.stringContaining(why) });

describe('a step that wants approvals', () => {
  test('parks the run before anything of it is begun, says who is missing and how, and goes on once all have agreed', async () => {
    const s = stage(twoPersons, params);
    const plan = await s.plan();
    expect(plan.intent.steps.find(({ id }) => id === 'off')?.approvals).toEqual({ persons: 2, roles: ['manager'] });
    expect(await s.run(plan)).toMatchObject(
      parked('missing: 2 more persons, somebody as manager; they approve with: decom approve run1 --role manager'),
    );
    expect(s.questions.some((question) => question.ask === 'begin' && question.step.id === 'off')).toBe(false);
    approves(s, plan, 'grace');
    expect(await s.run(plan)).toMatchObject(parked('approved by grace; missing: one more person, somebody as manager'));
    approves(s, plan, 'grace', { role: 'manager' });
    expect(await s.run(plan)).toMatchObject(parked('missing: one more person;'));
    expect(s.world.state.power).toBe('on');
    approves(s, plan, 'bob');
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(of(s, plan, 'gate.approved')).toEqual([
      expect.objectContaining({
        step: 'off',
        wanted: { persons: 2, roles: ['manager'] },
        approvals: ['grace', 'grace', 'bob'].map((by) => expect.objectContaining({ by })),
      }),
    ]);
  });

  test('waits for them also where it is a check, which never has anything to do', async () => {
    const s = stage(mainJob.replace(/( +)uses: identity\.check\n/, '$&$1approvals: { persons: 1 }\n'), params);
    const plan = await s.plan();
    const step = plan.intent.steps.find(({ uses }) => uses === 'identity.check')?.id;
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step });
    expect(of(s, plan, 'step.verified').map((event) => event.step)).not.toContain(step);
    approves(s, plan, 'grace');
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  test('asks nobody where it would change something, and it is so already', async () => {
    const s = stage(mainJob.replace(/( +)uses: command\.run\n/, '$&$1approvals: { persons: 1 }\n'), params);
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'note' });
    s.world.state.files['/marker'] = '';
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(of(s, plan, 'gate.approved')).toEqual([]);
  });

  test.each([
    ['that nobody signed', {}, null, 'it is not signed'],
    ['of who drives the run', { by: 'ada' }, signature, 'ada drives the run'],
    ['that expired meanwhile', { expires: undefined }, signature, 'it has no end'],
  ] as const)('is not let through by an approval %s', async (_, more, signed, why) => {
    const s = stage(mainJob.replace(/( +)uses: power\.off\n/, '$&$1approvals: { persons: 1 }\n'), params);
    const plan = await s.plan();
    approves(s, plan, 'grace', more, signed);
    expect(await s.run(plan)).toMatchObject(parked(why));
    expect(s.world.state.power).toBe('on');
  });

  test('is not let through by one that has expired since', async () => {
    const s = stage(mainJob.replace(/( +)uses: power\.off\n/, '$&$1approvals: { persons: 2 }\n'), params);
    const plan = await s.plan();
    approves(s, plan, 'grace');
    expect(await s.run(plan)).toMatchObject(parked('missing: one more person'));
    s.pass(3_600_000);
    approves(s, plan, 'bob');
    expect(await s.run(plan)).toMatchObject(parked('that of grace does not count: it expired at'));
  });

  test('wants them anew after a new plan', async () => {
    const s = stage(twoPersons, params);
    const plan = await s.plan();
    for (const by of ['grace', 'bob']) approves(s, plan, by, { role: 'manager' });
    s.answer = (question) =>
      question.ask === 'begin' && question.step.id === 'off' ? { answer: 'quit', why: 'quit' } : goOn(question);
    expect(await s.run(plan)).toMatchObject({ end: 'quit', step: 'off' });
    const amended = await s.replan(plan, []);
    s.answer = goOn;
    expect(await s.run(plan, { inForce: amended })).toMatchObject(parked('it was given to another plan'));
    for (const by of ['grace', 'bob']) approves(s, amended, by, { role: 'manager' });
    expect(await s.run(plan, { inForce: amended })).toEqual({ end: 'done' });
  });

  test('is told of in a rehearsal, and does not fail it', async () => {
    const s = stage(twoPersons, params);
    const plan = await s.plan();
    expect(await s.run(plan, { rehearsal: true })).toEqual({ end: 'rehearsed', blocked: [] });
    const preview = of(s, plan, 'step.previewed').find(({ step }) => step === 'off');
    expect(preview?.said).toBe('1 operation; still to come: approval by 2 persons, as manager');
  });
});

test('without a terminal, what cannot be undone wants one other person, whatever the plan says', async () => {
  const s = stage(mainJob, params);
  const plan = await s.plan();
  const approvals = { unattended: true };
  expect(await s.run(plan, { approvals })).toMatchObject(
    parked('waits for approval by one person; nobody has approved'),
  );
  approves(s, plan, 'grace');
  expect(await s.run(plan, { approvals })).toEqual({ end: 'done' });
});

test('what the workspace asks by now holds for a plan that was made before', async () => {
  const s = stage(mainJob, params);
  const plan = await s.plan();
  const approvals = { unattended: false, irreversible: { persons: 1, roles: ['security'] } };
  expect(await s.run(plan, { approvals })).toMatchObject(parked('somebody as security'));
  expect(s.world.state.power).toBe('on');
});
