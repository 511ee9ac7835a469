import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { digestOf, sha256 } from '../../src/core/json.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Statement } from '../../src/core/statement.ts';
import { statementFile } from '../../src/core/statement.ts';
import { mainJob } from './main-job.ts';
import { goOn, type Stage, stage } from './stage.ts';

const hour = 3_600_000;
const params = { vault: '/vault' };
/** The fake world begins on Friday, 2026-01-02, at 03:04 UTC. */
const nightly = mainJob.replace(
  '  - phase: shutdown\n',
  '  - phase: shutdown\n    window: { from: "22:00", to: "02:00", except: [2026-01-02] }\n',
);
const held =
  'its window 22:00–02:00 daily (UTC), not on 2026-01-02 is closed: it is 2026-01-02T03:04:05+00:00, and it may be begun from 2026-01-03T22:00:00+00:00';

const acts = (s: Stage): readonly string[] => s.world.acts.map(({ kind }) => kind);
const ofType = <T extends Event['type']>(s: Stage, plan: Plan, type: T) =>
  s.events(plan).filter((e): e is Extract<Event, { type: T }> => e.type === type);

describe('a window', () => {
  it('parks the run before the step that changes something, and what changes nothing goes on', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    const end = await s.run(plan);
    expect(end).toEqual({ end: 'parked', step: 'services', until: '2026-01-03T22:00:00.000Z', why: held });
    expect(acts(s)).toEqual(['exec']);
    expect(ofType(s, plan, 'step.verified').map(({ step }) => step)).toEqual(['identity', 'told', 'note', 'unused']);
    expect(s.questions.map((q) => ('step' in q ? q.step.id : ''))).not.toContain('services');
  });

  it('parks it again when it is taken up too early, and lets it go on once it is open', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    await s.run(plan);
    s.pass(24 * hour);
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'services', until: '2026-01-03T22:00:00.000Z' });
    s.pass(19 * hour);
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  it('that closes while a person decides lets nothing be begun', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    s.pass(43 * hour);
    s.answer = (question) => {
      if (question.ask === 'begin' && question.step.id === 'services') s.pass(5 * hour);
      return goOn(question);
    };
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'services', until: '2026-01-04T22:00:00.000Z' });
    expect(acts(s)).toEqual(['exec']);
  });

  it('that closes while a step is under way lets that one be finished, and no other be begun', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    s.pass(43 * hour);
    let lines = 0;
    s.log.onAppend = () => {
      lines++;
      const last = s.log.bytes.subarray(s.log.bytes.lastIndexOf('\n', -2) + 1).toString();
      if (last.includes('"operation.intended"') && last.includes('"services"')) s.pass(5 * hour);
    };
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'archive' });
    expect(lines).toBeGreaterThan(0);
    expect(ofType(s, plan, 'step.verified').map(({ step }) => step)).toContain('services');
  });

  it('of a step holds before that of its phase, and that before the runbook’s', async () => {
    const book = nightly
      .replace('phases:\n', 'window: { from: "03:00", to: "04:00" }\nphases:\n')
      .replace(
        '        uses: service.stop\n',
        '        uses: service.stop\n        window: { cron: "0 3 * * *", for: 2h }\n',
      );
    const s = stage(book, params);
    const plan = await s.plan();
    expect(
      plan.intent.steps.map(({ id, window }) => [
        id,
        window === undefined ? null : 'cron' in window ? window.cron : window.from,
      ]),
    ).toEqual([
      ['identity', null],
      ['told', null],
      ['note', '03:00'],
      ['unused', null],
      ['services', '0 3 * * *'],
      ['archive', '22:00'],
      ['mirror', '22:00'],
      ['proof', '22:00'],
      ['off', '22:00'],
      ['retire', '22:00'],
    ]);
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'archive' });
  });

  it('is bound by the plan, and told in it', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    expect(plan.facts.closed).toEqual([
      {
        steps: ['services', 'archive', 'mirror', 'proof', 'off', 'retire'],
        until: '2026-01-03T22:00:00.000Z',
        why: held,
      },
    ]);
    const other = stage(nightly.replace('"02:00"', '"03:00"'), params);
    const windowOf = (p: Plan) => digestOf(p.intent.steps.map(({ window }) => window ?? null));
    expect(windowOf(await other.plan())).not.toBe(windowOf(plan));
  });

  it('that is closed is told in a rehearsal as still to come, and fails nothing', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    expect(await s.run(plan, { rehearsal: true })).toEqual({ end: 'rehearsed', blocked: [] });
    expect(ofType(s, plan, 'step.previewed').find(({ step }) => step === 'services')?.said).toBe(
      `4 operations; the run would park first: ${held}`,
    );
  });

  it('that cannot be judged blocks the step, and the plan', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    Object.assign(s.engine, { nextOpening: undefined });
    expect(await s.run(plan)).toMatchObject({
      end: 'blocked',
      step: 'services',
      trouble: { code: 'window-unreadable' },
    });
    expect(acts(s)).toEqual(['exec']);
    expect((await s.plan()).facts.blockers.map(({ trouble }) => trouble.code)).toContain('window-unreadable');
  });

  it('does not hold a rollback: giving the machine back is never too early', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    s.pass(43 * hour);
    s.answer = (question) =>
      question.ask === 'begin' && question.step.id === 'archive' ? { answer: 'quit', why: 'quit' } : goOn(question);
    await s.run(plan);
    s.answer = goOn;
    s.pass(10 * hour);
    s.freezes = [{ from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', why: 'the books are closed' }];
    expect(await s.rollBack(plan)).toMatchObject({ end: 'rolled-back' });
  });
});

/** What a person says who answers for a gate. */
function waive(s: Stage, plan: Plan, step: string, gate: string): void {
  const statement: Statement = {
    ...{ kind: 'waive', id: sha256(`${step}/${gate}`).slice(0, 16), run: 'run1', host: plan.intent.host.name },
    ...{
      intent: digestOf(plan.intent),
      by: 'olga',
      at: s.world.state.now.toISOString(),
      text: 'the rack loses power tonight',
    },
    ...{ step, gate },
  };
  s.inbox.set(`1-${step}.json`, statementFile({ statement, signed: null }));
}

describe('a window that somebody answers for', () => {
  it('is passed by name for that step alone, which is on record', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    await s.run(plan);
    waive(s, plan, 'services', 'window');
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'archive' });
    expect(ofType(s, plan, 'gate.waived')).toMatchObject([
      {
        step: 'services',
        gate: 'window',
        by: 'olga',
        reason: 'the rack loses power tonight',
        trouble: { code: 'window-closed' },
      },
    ]);
  });

  it('stays shut while changes are frozen, for which nobody alone can answer', async () => {
    const s = stage(nightly, params);
    const plan = await s.plan();
    await s.run(plan);
    waive(s, plan, 'services', 'window');
    s.freezes = [{ from: '2026-01-01T00:00:00Z', to: '2026-01-05T00:00:00Z', why: 'the books are closed' }];
    expect(await s.run(plan)).toMatchObject({ end: 'parked', until: '2026-01-05T00:00:00.000Z' });
    waive(s, plan, 'services', 'freeze');
    expect(await s.run(plan)).toMatchObject({ end: 'parked', until: '2026-01-05T00:00:00.000Z' });
    expect(ofType(s, plan, 'statement.refused')).toMatchObject([
      { trouble: { what: expect.stringContaining('nobody can answer for the gate "freeze" of step "services"') } },
    ]);
  });
});

describe('a freeze', () => {
  const freeze = { from: '2026-01-02T00:00:00Z', to: '2026-01-04T12:00:00Z', why: 'the books are closed' };

  it('parks the run until it is over, then until the window opens', async () => {
    const s = stage(nightly, params);
    s.freezes = [freeze];
    const plan = await s.plan();
    expect(await s.run(plan)).toEqual({
      ...{ end: 'parked', step: 'note', until: '2026-01-04T12:00:00.000Z' },
      why: 'changes are frozen from 2026-01-02T00:00:00+00:00 until 2026-01-04T12:00:00+00:00: the books are closed',
    });
    expect(acts(s)).toEqual([]);
    expect(plan.facts.freezes).toEqual([freeze]);
    s.pass(57 * hour);
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'services', until: '2026-01-04T22:00:00.000Z' });
  });

  it('that is decided on after the plan was made holds as well', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (question) => {
      if (question.ask === 'begin' && question.step.id === 'services') s.freezes = [freeze];
      return goOn(question);
    };
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'services', until: '2026-01-04T12:00:00.000Z' });
    s.freezes = [];
    s.answer = goOn;
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  it('that begins where another ends is waited for as well', async () => {
    const s = stage(nightly, params);
    s.freezes = [
      { from: '2026-01-03T21:00:00Z', to: '2026-01-04T21:00:00Z', why: 'a second' },
      { from: '2026-01-04T21:00:00Z', to: '2026-01-05T03:00:00Z', why: 'a third' },
      freeze,
    ];
    const plan = await s.plan();
    await s.run(plan);
    s.pass(10 * hour);
    expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'note', until: '2026-01-05T03:00:00.000Z' });
    expect(plan.facts.closed?.map(({ steps, until }) => [steps[0], until])).toEqual([
      ['note', '2026-01-05T03:00:00.000Z'],
      ['services', '2026-01-05T22:00:00.000Z'],
    ]);
  });

  it('of which nothing can be read blocks', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.freezes = 'whether changes are frozen cannot be told: decom.yaml is not there';
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'note', trouble: { code: 'freezes-unreadable' } });
    expect(acts(s)).toEqual([]);
  });
});
