import { describe, expect, test } from 'vitest';
import { foldAll } from '../../src/core/fold.ts';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import { seen } from '../../src/core/result.ts';
import { type Statement, statementFile, statementName } from '../../src/core/statement.ts';
import type { SessionRow } from '../../src/core/survey.ts';
import type { WatchedRow } from '../../src/core/use.ts';
import { goOn, type Stage, stage } from './stage.ts';

const day = 86_400_000;
const book = (input = '{ watch: 15m }', off = '', stop = '') => `decom: 1
name: job
not_kept: [{ path: /, why: the system is installed anew, by: ada }]
phases:
  - phase: only
    steps:
      - { id: identity, uses: identity.check }
      - { id: unused, uses: use.check, with: ${input} }
      - { id: services, uses: service.stop, with: { units: [nginx.service, app.service] }${stop} }
      - { id: copy, uses: backup.archive, with: { from: [/srv, /etc], to: /vault } }
      - { id: proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
      - { id: "off", uses: power.off${off} }
`;
const client = (peer: string): WatchedRow => ({
  ...{ proto: 'tcp', local: { address: '192.0.2.10', port: 443 }, peer: { address: peer, port: 50_000 } },
  ...{ incoming: true, process: { name: 'nginx', pid: 5 }, own: false, samples: 12, early: false, closed: false },
});
const alice: SessionRow = { user: 'alice', tty: 'pts/3', from: '203.0.113.8', since: 'today', own: false };
const sessions = (...rows: readonly SessionRow[]) => ({ sessions: seen({ rows, total: rows.length }) });

let numbers = 0;
/** Bob answers for what the step found last. */
function waives(s: Stage, plan: Plan, gate: string, found?: string): void {
  numbers += 1;
  const list = foldAll(s.events(plan) as never).found.unused?.at(-1)?.list.sha256;
  const statement = {
    ...{ kind: 'waive', step: 'unused', gate, id: String(numbers).padStart(16, '0'), run: 'run1' },
    ...{ host: plan.intent.host.name, intent: intentDigest(plan), by: 'bob', text: 'it is a scanner' },
    ...{ at: s.world.state.now.toISOString(), found: found ?? list },
  } as Statement;
  s.inbox.set(statementName(statement), statementFile({ statement, signed: null }));
}
const inUse = { end: 'blocked', step: 'unused', trouble: { code: 'in-use' } };

async function used(s: Stage): Promise<Plan> {
  s.world.state.use.connections = [client('203.0.113.7')];
  const plan = await s.plan();
  expect(plan.facts.blockers).toEqual([]);
  expect(await s.run(plan)).toMatchObject(inUse);
  expect(s.world.acts).toEqual([]);
  return plan;
}

describe('a host that is in use', () => {
  test('blocks before anything is stopped, and goes on once nobody uses it', async () => {
    const s = stage(book());
    const plan = await used(s);
    s.world.state.use.connections = [];
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  test('blocks again and again, and asks nobody whether it should', async () => {
    const s = stage(book());
    const plan = await used(s);
    s.answer = (question) => (question.ask === 'failed' ? { answer: 'skip', reason: 'no matter' } : goOn(question));
    expect(await s.run(plan)).toMatchObject(inUse);
    expect(s.questions).toEqual([]);
  });

  test('is not switched off by whoever leaves the step out', async () => {
    const s = stage(book('{ watch: 15m }').replace('use.check, with', "use.check, when: facts.power == 'off', with"));
    s.world.state.use.connections = [client('203.0.113.7')];
    const plan = await s.plan();
    expect(plan.facts.blockers.map(({ trouble: { what } }) => what)).toEqual([
      'step "off" demands "host.unused", and step "unused", which yields it, may be skipped',
    ]);
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'evidence-missing' } });
    expect(s.world.state.power).toBe('on');
  });

  test('is told as such by its plan, which has no blocker for it, and blocks its rehearsal', async () => {
    const s = stage(book());
    s.world.state.use.survey = sessions(alice);
    const plan = await s.plan();
    expect(plan.facts.steps.unused?.remarks).toEqual([
      'in use at this moment: alice is logged in (pts/3, from 203.0.113.8, since today)',
    ]);
    expect(await s.run(plan, { rehearsal: true })).toMatchObject({
      end: 'rehearsed',
      blocked: [
        // No run is there yet to be gone on with, or to answer in.
        { step: 'unused', trouble: { code: 'in-use', fix: expect.not.stringContaining('decom ') } },
        { step: 'off' },
      ],
    });
  });
});

describe('somebody answers for what was found', () => {
  test('by name and reason, which stand in the log with all that they answer for', async () => {
    const s = stage(book());
    const plan = await used(s);
    waives(s, plan, 'connections');
    expect(await s.run(plan)).toEqual({ end: 'done' });
    const events = s.events(plan);
    expect(events.filter(({ type }) => type === 'gate.waived')).toEqual([
      expect.objectContaining({
        ...{ step: 'unused', gate: 'connections', by: 'bob', reason: 'it is a scanner' },
        trouble: expect.objectContaining({
          detail: 'connections: 203.0.113.7 came to tcp port 443 (nginx): 1 connection, in 12 of 900 looks',
        }),
      }),
    ]);
    expect(events.find((event) => event.type === 'step.verified' && event.step === 'unused')).toMatchObject({
      evidence: [{ kind: 'host.unused', waived: [{ gate: 'connections', by: 'bob' }] }],
    });
  });

  test('and it holds for nobody who comes later: a new peer blocks until somebody answers for it too', async () => {
    const s = stage(book());
    const plan = await used(s);
    waives(s, plan, 'connections');
    s.world.state.use.connections = [client('203.0.113.7'), client('203.0.113.70')];
    expect(await s.run(plan)).toMatchObject({ ...inUse, trouble: { detail: expect.not.stringContaining('.7 ') } });
    waives(s, plan, 'connections');
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  test('and it holds for no other kind', async () => {
    const s = stage(book());
    const plan = await used(s);
    waives(s, plan, 'connections');
    s.world.state.use.survey = sessions(alice);
    expect(await s.run(plan)).toMatchObject({ ...inUse, trouble: { what: 'web01 is in use: sessions (1)' } });
  });

  test('and a new plan wants it said anew', async () => {
    const s = stage(book());
    const plan = await used(s);
    waives(s, plan, 'connections');
    s.inbox.clear();
    const fresh = await s.replan(plan, []);
    waives(s, plan, 'connections');
    expect(await s.run(plan, { inForce: fresh })).toMatchObject(inUse);
    expect(s.events(plan).find(({ type }) => type === 'statement.refused')).toMatchObject({
      trouble: { what: expect.stringContaining('it was said of another plan than the one in force') },
    });
  });

  test.each([
    [
      'of a protected kind',
      '{ protect: [connections, unknown] }',
      'connections',
      undefined,
      'nobody can answer for the gate "connections"',
    ],
    [
      'of what was never found',
      '{ watch: 15m }',
      'connections',
      'ab'.repeat(32),
      'step "unused" did not find what it speaks of',
    ],
    [
      'of a kind that was not found',
      '{ watch: 15m }',
      'sessions',
      undefined,
      'step "unused" did not find what it speaks of',
    ],
    [
      'of the evidence itself',
      '{ watch: 15m }',
      'host.unused',
      undefined,
      'nobody can answer for the gate "host.unused"',
    ],
  ])('but not %s', async (_what, input, gate, found, why) => {
    const s = stage(book(input));
    const plan = await used(s);
    waives(s, plan, gate, found);
    expect(await s.run(plan)).toMatchObject(inUse);
    expect(s.events(plan).find(({ type }) => type === 'statement.refused')).toMatchObject({
      trouble: { what: expect.stringContaining(why) },
    });
  });

  test('but nothing passes where the host cannot be asked', async () => {
    const s = stage(book());
    const plan = await used(s);
    waives(s, plan, 'connections');
    s.world.state.reachable = false;
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'unused', trouble: { code: 'timeout' } });
  });
});

test('of a watch that was lost nothing is claimed: the step fails, and is watched whole once more', async () => {
  const s = stage(book());
  const plan = await s.plan();
  s.world.state.use.lost = true;
  expect(await s.run(plan)).toMatchObject({ end: 'failed', step: 'unused', trouble: { code: 'watch-lost' } });
  s.world.state.use.lost = false;
  expect(await s.run(plan)).toEqual({ end: 'done' });
});

test('who was cut off cannot be seen any more: a watch after the services were stopped counts for nothing', async () => {
  const s = stage(book('{ watch: 15m }', ', approvals: { persons: 1 }'));
  const plan = await s.plan();
  expect(await s.run(plan)).toMatchObject({ end: 'parked', step: 'off' });
  s.pass(31 * day);
  expect(await s.run(plan)).toMatchObject({
    end: 'blocked',
    step: 'off',
    trouble: {
      code: 'evidence-old',
      what: 'the evidence "host.unused" is 31 d old; the limit is 30 d',
      fix: expect.stringContaining('give it back (decom rollback run1), then begin anew'),
    },
  });
  const fresh = await s.replan(plan, ['unused', 'services', 'copy', 'proof']);
  expect(await s.run(plan, { inForce: fresh })).toMatchObject({
    end: 'blocked',
    step: 'off',
    trouble: { code: 'evidence-old' },
  });
  expect(s.world.state.power).toBe('on');
});

test('a watch that was never made before the services were stopped cannot be made up for', async () => {
  const s = stage(book().replace('use.check, with', "use.check, when: facts.power == 'off', with"));
  const plan = await s.plan();
  await s.run(plan);
  const steps = plan.intent.steps.map((step) => (step.id === 'unused' ? { ...step, when: null } : step));
  const fresh = await s.replan(plan, ['unused']);
  const watched = { ...fresh, intent: { ...fresh.intent, steps } };
  expect(await s.run(plan, { inForce: watched })).toMatchObject({
    end: 'blocked',
    step: 'off',
    trouble: {
      code: 'evidence-late',
      what: 'the evidence "host.unused" was taken after step "services" had cut off whoever it looks for',
    },
  });
});

describe('a plan that says something else of a step that is done', () => {
  /** Driven until it asks whether to switch off; from then on it is agreed to. */
  async function asked(s: Stage): Promise<Plan> {
    s.answer = (question) =>
      question.ask === 'begin' && question.step.id === 'off' ? { answer: 'quit', why: 'quit' } : goOn(question);
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({ end: 'quit', step: 'off' });
    s.answer = goOn;
    return plan;
  }
  const lax = book('{ watch: 1s, allow: [{ process: nginx, why: everybody }] }');
  const other = (step: string, kind: string, fix = 'Write it as it was, and: decom replan run1.') => ({
    end: 'blocked',
    step: 'off',
    trouble: {
      code: 'evidence-outdated',
      what: `the evidence "${kind}" is of step "${step}" as an earlier plan had it, and the plan in force says something else of it`,
      fix: expect.stringContaining(fix),
    },
  });

  test('does not take over what was watched for less, by a laxer list; and does once it says the same again', async () => {
    const s = stage(lax);
    s.world.state.use.connections = [client('203.0.113.7')];
    const plan = await asked(s);
    const strict = await s.replan(plan, [], book());
    expect(await s.run(plan, { inForce: strict })).toMatchObject(other('unused', 'host.unused'));
    expect(s.world.state.power).toBe('on');
    const again = await s.replan(plan, [], lax);
    expect(await s.run(plan, { inForce: again })).toEqual({ end: 'done' });
  });

  test('nor by another parameter, or another step in its place', async () => {
    const params = 'params: { watch: { type: string, default: 1s } }\nphases:';
    const first = book('{ watch: "${{ params.watch }}" }').replace('phases:', params);
    const s = stage(first);
    const plan = await asked(s);
    const longer = await s.replan(plan, [], first.replace('default: 1s', 'default: 15m'));
    expect(await s.run(plan, { inForce: longer })).toMatchObject(other('unused', 'host.unused'));
    const renamed = await s.replan(plan, [], first.replace('id: unused', 'id: watched'));
    expect(await s.run(plan, { inForce: renamed })).toMatchObject({ end: 'blocked', step: 'off' });
    expect(s.world.state.power).toBe('on');
  });

  test('nor that all services were stopped before the copy, where another one is named that was stopped after it', async () => {
    const s = stage(book());
    const plan = await asked(s);
    const fewer = book().replace('nginx.service, app.service', 'nginx.service');
    const changed = await s.replan(plan, [], fewer);
    expect(await s.run(plan, { inForce: changed })).toMatchObject(
      other('services', 'writers.stopped', 'decom replan run1 --redo services --redo copy --redo proof'),
    );
    expect(s.world.state.power).toBe('on');
  });
});
