import * as Type from 'typebox';
import { describe, expect, test, vi } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { type AnyAction, action } from '../../src/core/action.ts';
import { foldAll } from '../../src/core/fold.ts';
import type { Operation, Receipt } from '../../src/core/operation.ts';
import type { CommandSeen } from '../../src/core/probe.ts';
import { type Seen, trouble } from '../../src/core/result.ts';
import { fakeWorld } from '../fakes/fake-world.ts';
import { readChain } from '../fakes/read-chain.ts';
import { Death, goOn, type Stage, stage } from './stage.ts';

vi.setConfig({ testTimeout: 240_000 });

const Input = Type.Object({}, { additionalProperties: false, description: 'Nothing.' });
type Facts = readonly Seen<CommandSeen>[];
const files = ['/one', '/two'] as const;
const append = (file: string): Operation => ({ kind: 'exec', on: 'host', argv: ['append', file], root: false });
const there = (seen: Seen<CommandSeen> | undefined): boolean => seen?.known === true && seen.value.exit === 0;

/** Two acts that may each be done once. `looks`: its plan leaves out what it sees; else only the log and the host know. */
const twice = (looks: boolean, proven: (receipts: readonly Receipt[]) => void = () => {}) =>
  action<typeof Input, Facts>({
    kind: 'test.twice',
    about: 'Leaves two files.',
    effect: 'changes',
    once: true,
    irreversible: false,
    input: Input,
    inspect: async (_input, probe) =>
      Promise.all(files.map((file) => probe({ kind: 'command', argv: ['test', '-e', file], root: false }))),
    plan: (_input, seen) => files.filter((_, i) => !looks || !there(seen[i])).map(append),
    examine: async (_input, receipts, { probe }) => {
      proven(receipts);
      return Promise.all(files.map((file) => probe({ kind: 'command', argv: ['test', '-e', file], root: false })));
    },
    verify: (_input, seen) =>
      seen.every(there)
        ? { ok: true, output: {}, evidence: [], said: 'both are there' }
        : { ok: false, trouble: trouble('not-there', 'not both are there', 'Look.') },
  }) as AnyAction;

const job = `decom: 1
name: twice
title: Twice
phases:
  - phase: all
    title: All
    steps:
      - { id: act, title: Act, uses: test.twice }
`;

const done = (s: Stage): readonly string[] => s.world.acts.map((o) => (o.kind === 'exec' ? (o.argv[1] ?? '') : o.kind));

async function dieAndResume(make: () => Stage, when: 'line' | 'before' | 'after', at: number) {
  const s = make();
  const plan = await s.plan();
  let count = 0;
  const step = () => {
    if (++count === at) throw new Death();
  };
  if (when === 'line') s.log.onAppend = step;
  else
    s.world.onEffect = (now) => {
      if (now === when) step();
    };
  for (let session = 1; session < 5; session++) {
    try {
      // Whoever died after the last line but for the session's finds it ended.
      expect([{ end: 'done' }, { end: 'ended', outcome: 'done' }]).toContainEqual(await s.run(plan));
      return { s, died: count >= at };
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
  }
  throw new Error('the run was never done');
}

describe.each([
  ['that leaves out what it sees', true],
  ['whose plan cannot tell', false],
])('an action of two acts %s', (_what, looks) => {
  test.each([true, false])(
    'does each exactly once, wherever it is killed (the host remembers: %s)',
    async (remembers) => {
      const make = () => {
        const s = stage(job, {}, fakeWorld(undefined, { remembers }), [...actions, twice(looks)]);
        s.answer = (question) => {
          if (question.ask !== 'doubt') return goOn(question);
          const file = /append (\S+)/.exec(question.what)?.[1] ?? '';
          return { answer: 'resolved', outcome: file in s.world.state.files ? 'done' : 'not-done', reason: 'looked' };
        };
        return s;
      };
      let points = 0;
      for (const when of ['line', 'before', 'after'] as const) {
        for (let at = 1; ; at++) {
          const { s, died } = await dieAndResume(make, when, at);
          expect(done(s)).toEqual(files);
          expect(foldAll(readChain(s.log.bytes, undefined).events).outcome).toBe('done');
          if (!died) break;
          points += 1;
        }
      }
      expect(points).toBeGreaterThan(10);
    },
  );
});

test('the proof gets what both acts came to, though they were done in two attempts', async () => {
  const seen: (readonly Receipt[])[] = [];
  const s = stage(job, {}, fakeWorld(undefined, { remembers: true }), [
    ...actions,
    twice(false, (receipts) => seen.push(receipts)),
  ]);
  const plan = await s.plan();
  let acts = 0;
  s.world.onEffect = (when) => {
    if (when === 'before' && ++acts === 2) throw new Death();
  };
  await expect(s.run(plan)).rejects.toBeInstanceOf(Death);
  expect(done(s)).toEqual(['/one']);
  s.world.onEffect = () => {};
  expect(await s.run(plan)).toEqual({ end: 'done' });
  expect(seen.at(-1)).toHaveLength(2);
  const asked = s.questions.filter(({ ask }) => ask === 'begin').at(-1);
  expect(asked).toMatchObject({ details: [expect.stringContaining('/two')] });
});
