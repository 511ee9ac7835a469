import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import { type Statement, type StatementOf, statementFile, statementName } from '../../src/core/statement.ts';
import { mainJob } from './main-job.ts';
import { Death, goOn, type Stage, stage } from './stage.ts';

const params = { vault: '/vault' };
type Own<S> = S extends Statement ? Omit<S, 'id' | 'run' | 'host' | 'intent' | 'by' | 'at' | 'text'> : never;

let count = 0;
/** Bob says something of the run that follows the plan. */
function says(s: Stage, plan: Plan, own: Own<Statement>, more: Partial<StatementOf<'comment'>> = {}): string {
  count++;
  const id = count.toString(16).padStart(16, '0');
  const statement = {
    ...own,
    ...{ id, run: 'run1', host: plan.intent.host.name, intent: intentDigest(plan), by: 'bob', text: 'so be it' },
    ...{ at: s.world.state.now.toISOString(), ...more },
  } as Statement;
  s.inbox.set(statementName(statement), statementFile({ statement, signed: null }));
  return id;
}
const of = <T extends Event['type']>(s: Stage, plan: Plan, type: T) =>
  s.events(plan).filter((event): event is Extract<Event, { type: T }> => event.type === type);
const tick = (item: string, done = true) => ({ kind: 'tick', step: 'told', item, done }) as const;

describe('a form', () => {
  test('that others have ticked is asked of nobody', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    says(s, plan, tick('users'), { by: 'bob' });
    says(s, plan, tick('owner'), { by: 'eve' });
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(s.questions.filter(({ ask }) => ask === 'form')).toEqual([]);
    const verified = of(s, plan, 'step.verified').find(({ step }) => step === 'told');
    expect(verified?.said).toBe('all 2 done, says bob, eve');
  });

  test('is asked for what nobody has ticked, or ticked as not done', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    says(s, plan, tick('users'));
    says(s, plan, tick('owner'));
    says(s, plan, tick('owner', false));
    expect(await s.run(plan)).toEqual({ end: 'done' });
    const [form] = s.questions.filter((question) => question.ask === 'form');
    expect(form?.ask === 'form' && form.items.map(({ id }) => id)).toEqual(['owner']);
  });

  test('of a step whose name every object knows is asked as any other', async () => {
    const s = stage(mainJob.replace('- id: told', '- id: constructor'), params);
    expect(await s.run(await s.plan())).toEqual({ end: 'done' });
  });

  test('that was left to others parks the run until they have answered it, also for whoever does not say so again', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (question) => (question.ask === 'form' ? { answer: 'left' } : goOn(question));
    const parked = { end: 'parked', step: 'told', until: null };
    expect(await s.run(plan)).toMatchObject(parked);
    s.answer = (question) => (question.ask === 'form' ? { answer: 'missing', what: '', fix: '' } : goOn(question));
    says(s, plan, tick('users'));
    expect(await s.run(plan)).toMatchObject({ ...parked, why: 'others answer owner: decom tick run1 told ITEM' });
    says(s, plan, tick('owner'));
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });
});

describe('a waiver', () => {
  /** The job without its proof: the power-off lacks it. */
  const unproven = mainJob.replace(/ {6}- id: proof[\s\S]*?needs: \[archive\]\n/, '').replace('needs: [proof]', '');
  const waive = { kind: 'waive', step: 'off', gate: 'restore.proven' } as const;

  test('of missing evidence lets a step pass that can be taken back, and stands in the log with what stood in the way', async () => {
    const s = stage(unproven, params);
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'evidence-missing' } });
    const id = says(s, plan, waive, { text: 'scratch host' });
    // Of each file system that nothing is kept of somebody has to answer by itself.
    const srv = says(s, plan, { ...waive, gate: 'coverage:/srv' }, { text: 'scratch host' });
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(of(s, plan, 'gate.waived')).toEqual([
      expect.objectContaining({
        ...{ step: 'off', gate: 'restore.proven', by: 'bob', reason: 'scratch host', statement: id },
        trouble: expect.objectContaining({ code: 'evidence-missing' }),
      }),
      expect.objectContaining({
        ...{ step: 'off', gate: 'coverage:/srv', by: 'bob', reason: 'scratch host', statement: srv },
        trouble: expect.objectContaining({ code: 'not-covered' }),
      }),
    ]);
  });

  test.each([
    ['of another gate', { ...waive, gate: 'identity.confirmed' }, {}, 'nobody can answer for the gate'],
    ['of a step that the plan lacks', { ...waive, step: 'none' }, {}, 'the plan has no step "none"'],
    ['of another plan', waive, { intent: 'ab'.repeat(32) }, 'another plan than the one in force'],
    ['of another run', waive, { run: 'run2' }, 'it speaks of run run2'],
    ['of a time to come', waive, { at: '2099-01-01T00:00:00.000Z' }, 'it is of a time to come'],
    ['without a reason', waive, { text: ' ' }, 'its text is empty'],
  ] as const)('%s passes nothing, and is on record as refused', async (_name, own, more, why) => {
    const s = stage(unproven, params);
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'off' });
    says(s, plan, own, more);
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'off' });
    expect(of(s, plan, 'gate.waived')).toEqual([]);
    expect(of(s, plan, 'statement.refused').map(({ trouble }) => trouble.what)).toEqual([expect.stringContaining(why)]);
    expect(s.world.state.power).toBe('on');
  });

  test('does not outlive its plan', async () => {
    const s = stage(unproven, params);
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'off' });
    says(s, plan, waive);
    says(s, plan, { ...waive, gate: 'coverage:/srv' });
    s.answer = (question) =>
      question.ask === 'begin' && question.step.id === 'off' ? { answer: 'quit', why: 'quit' } : goOn(question);
    expect(await s.run(plan)).toMatchObject({ end: 'quit', step: 'off' });
    const amended = await s.replan(plan, []);
    s.answer = goOn;
    expect(await s.run(plan, { inForce: amended })).toMatchObject({ end: 'blocked', step: 'off' });
    expect(s.world.state.power).toBe('on');
  });
});

describe('what lies in the inbox', () => {
  test('is on record once, although the process that took it in was killed before it was out of the inbox', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (question) => (question.ask === 'form' ? { answer: 'left' } : goOn(question));
    await s.run(plan);
    says(s, plan, tick('users'));
    s.onTaken = () => {
      throw new Death();
    };
    await expect(s.run(plan)).rejects.toThrow(Death);
    s.onTaken = () => {};
    expect(s.inbox.size).toBe(1);
    await s.run(plan);
    expect(s.inbox.size).toBe(0);
    expect(of(s, plan, 'statement.taken')).toHaveLength(1);
    expect(of(s, plan, 'statement.refused')).toEqual([]);
  });

  test('with the number of another statement is refused', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (question) => (question.ask === 'form' ? { answer: 'left' } : goOn(question));
    await s.run(plan);
    const id = says(s, plan, { kind: 'comment' });
    await s.run(plan);
    says(s, plan, { kind: 'comment' }, { id, text: 'something else' });
    await s.run(plan);
    expect(of(s, plan, 'statement.refused').map(({ trouble }) => trouble.what)).toEqual([
      'what bob said (comment) was not taken: another one with its number is on record',
    ]);
  });

  test('may vouch for the log as it stood, and for no other', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (question) => (question.ask === 'form' ? { answer: 'left' } : goOn(question));
    await s.run(plan);
    const sign = { kind: 'sign', role: null, size: 1, hash: 'ab'.repeat(32) } as const;
    says(s, plan, sign);
    await s.run(plan);
    expect(of(s, plan, 'statement.refused').map(({ trouble }) => trouble.what)).toEqual([
      'what bob said (sign) was not taken: the log’s line 1 is not the one that was signed',
    ]);
  });
});
