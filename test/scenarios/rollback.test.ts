import * as Type from 'typebox';
import { expect, test, vi } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import type { Acts } from '../../src/core/act.ts';
import { type AnyAction, action } from '../../src/core/action.ts';
import type { Execution } from '../../src/core/execution.ts';
import { foldAll } from '../../src/core/fold.ts';
import type { Operation } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { CommandSeen } from '../../src/core/probe.ts';
import { type Seen, trouble } from '../../src/core/result.ts';
import { fakeState, fakeWorld } from '../fakes/fake-world.ts';
import { readChain } from '../fakes/read-chain.ts';
import { mainJob } from './main-job.ts';
import { Death, goOn, type Stage, stage } from './stage.ts';

vi.setConfig({ testTimeout: 240_000 });

const params = { vault: '/vault' };
const execution = (s: Stage): Execution => foldAll(readChain(s.log.bytes, undefined).events);
const typesOf = (s: Stage, step: string, direction: 'forth' | 'back'): readonly string[] =>
  readChain(s.log.bytes, undefined).events.flatMap((e) =>
    'step' in e && e.step === step && 'direction' in e && e.direction === direction ? [e.type] : [],
  );

/** Lets the main job end, dies once in its rollback where `arm` says, and resumes until the machine is given back. */
async function dieInRollback(
  make: () => Stage,
  arm: (s: Stage, die: () => void) => void,
): Promise<{ readonly s: Stage; readonly died: boolean; readonly before: number }> {
  const s = make();
  const plan = await s.plan();
  expect(await s.run(plan)).toEqual({ end: 'done' });
  const before = s.world.acts.length;
  let died = false;
  arm(s, () => {
    if (died) return;
    died = true;
    throw new Death();
  });
  for (let session = 1; session < 5; session++) {
    try {
      const opened = execution(s).direction === 'back';
      const end = await (opened ? s.run(plan) : s.rollBack(plan));
      expect(end.end === 'ended' ? end.outcome : end.end).toBe('rolled-back');
      return { s, died, before };
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
  }
  throw new Error('it was never given back');
}

async function everywhere(make: () => Stage, check: (s: Stage, before: number) => void): Promise<number> {
  let points = 0;
  for (const when of ['line', 'before', 'after'] as const) {
    for (let at = 1; ; at++) {
      const { s, died, before } = await dieInRollback(make, (one, die) => {
        let count = 0;
        const step = () => {
          if (++count === at) die();
        };
        if (when === 'line') one.log.onAppend = step;
        else
          one.world.onEffect = (now) => {
            if (now === when) step();
          };
      });
      check(s, before);
      if (!died) break;
      points += 1;
    }
  }
  return points;
}

const texts = (operations: readonly Operation[]): readonly string[] => operations.map((o) => JSON.stringify(o)).sort();

test('a rollback that is killed anywhere comes to the same end, and nothing is done twice', async () => {
  const whole = await dieInRollback(
    () => stage(mainJob, params),
    () => {},
  );
  const back = texts(whole.s.world.acts.slice(whole.before));
  expect(new Set(back).size).toBe(back.length);
  const points = await everywhere(
    () => stage(mainJob, params),
    (s, before) => {
      const { state } = s.world;
      expect([state.power, state.status]).toEqual(['on', 'active']);
      expect(state.services).toEqual(fakeState().services);
      expect(Object.keys(state.copies)).toHaveLength(2);
      expect(texts(s.world.acts.slice(before))).toEqual(back);
      expect(execution(s).outcome).toBe('rolled-back');
    },
  );
  expect(points).toBeGreaterThan(20);
});

const Input = Type.Object({}, { additionalProperties: false, description: 'Nothing.' });
type Facts = { readonly there: Seen<CommandSeen>; readonly undone: Seen<CommandSeen> };
const append = (file: string): Operation => ({ kind: 'exec', on: 'host', argv: ['append', file], root: false });
const holds = (seen: Seen<CommandSeen>): boolean => seen.known && seen.value.exit === 0;
const said = (ok: boolean) =>
  ok
    ? ({ ok: true, output: {}, evidence: [], said: 'it is there' } as const)
    : ({ ok: false, trouble: trouble('not-there', 'it is not there', 'Look.') } as const);

/** What may be done once, and taken back once: its rollback is an act of its own. */
const once = action<typeof Input, Facts>({
  kind: 'test.once',
  about: 'Leaves a file, and another one when it is taken back.',
  effect: 'changes',
  once: true,
  irreversible: false,
  input: Input,
  inspect: async (_input, probe) => ({
    there: await probe({ kind: 'command', argv: ['test', '-e', '/there'], root: false }),
    undone: await probe({ kind: 'command', argv: ['test', '-e', '/undone'], root: false }),
  }),
  plan: (_input, { there }) => (holds(there) ? [] : [append('/there')]),
  verify: (_input, { there }) => said(holds(there)),
  rollback: {
    // It never looks whether it was taken back, so that only the log and the host can know.
    plan: () => [append('/undone')],
    verify: (_input, _before, { undone }) => said(holds(undone)),
  },
}) as AnyAction;

const onceJob = `decom: 1
name: once
title: Once
phases:
  - phase: all
    title: All
    steps:
      - { id: act, title: Act, uses: test.once }
`;

test('what may be done once is taken back once, wherever the rollback was killed, and nobody is asked', async () => {
  const points = await everywhere(
    () => stage(onceJob, {}, fakeWorld(undefined, { remembers: true }), [...actions, once]),
    (s) => {
      expect(s.world.acts.map((o) => (o.kind === 'exec' ? o.argv[1] : o.kind))).toEqual(['/there', '/undone']);
      expect(s.questions.filter(({ ask }) => ask === 'doubt')).toEqual([]);
    },
  );
  expect(points).toBeGreaterThan(8);
});

test('where the host does not remember, a person is asked what became of it; it is not guessed', async () => {
  let asked = 0;
  const points = await everywhere(
    () => {
      const s = stage(onceJob, {}, fakeWorld(), [...actions, once]);
      s.answer = (question) => {
        if (question.ask !== 'doubt') return goOn(question);
        asked += 1;
        const done = '/undone' in s.world.state.files;
        return { answer: 'resolved', outcome: done ? 'done' : 'not-done', reason: 'looked at the host' };
      };
      return s;
    },
    (s) => expect(s.world.acts).toHaveLength(2),
  );
  expect(points).toBeGreaterThan(8);
  expect(asked).toBeGreaterThan(1);
});

/** A run that was killed in the moment after its command took effect. */
async function killedAfterCommand(keeps: Partial<Acts> = {}): Promise<{ readonly s: Stage; readonly plan: Plan }> {
  const base = fakeWorld(undefined, { remembers: true });
  const world = base.keeps === undefined ? base : Object.assign(base, { keeps: { ...base.keeps, ...keeps } });
  const s = stage(mainJob, params, world);
  s.world.onEffect = (when, operation) => {
    if (when === 'after' && operation.kind === 'exec' && operation.argv[0] === 'append') throw new Death();
  };
  const plan = await s.plan();
  await expect(s.run(plan)).rejects.toBeInstanceOf(Death);
  return { s, plan };
}

test('a command that was under way is asked for on the host before anything is given back', async () => {
  const { s, plan } = await killedAfterCommand();
  expect(await s.rollBack(plan)).toEqual({ end: 'rolled-back', kept: ['note'] });
  expect(typesOf(s, 'note', 'forth').at(-1)).toBe('operation.done');
});

test('while the host cannot be asked what became of it, the rollback waits', async () => {
  const gone = trouble('no-route', 'there is no route to web01', 'Wait.');
  const { s, plan } = await killedAfterCommand({ recall: async () => ({ outcome: 'unreached', trouble: gone }) });
  expect(await s.rollBack(plan)).toEqual({ end: 'blocked', step: 'note', trouble: gone });
  expect(execution(s).status).toBe('stopped');
});

test('of a command whose end the host does not know either, that stays in the log', async () => {
  const lost = trouble('job-gone', 'it left no end', 'Look.');
  const { s, plan } = await killedAfterCommand({ recall: async () => ({ outcome: 'unknown', trouble: lost }) });
  expect(await s.rollBack(plan)).toEqual({ end: 'rolled-back', kept: ['note'] });
  expect(typesOf(s, 'note', 'forth').at(-1)).toBe('operation.in-doubt');
});
