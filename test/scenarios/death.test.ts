import { describe, expect, test } from 'vitest';
import { foldAll } from '../../src/core/fold.ts';
import type { OperationOf } from '../../src/core/operation.ts';
import { fakeWorld } from '../fakes/fake-world.ts';
import { readChain } from '../fakes/read-chain.ts';
import { mainJob } from './main-job.ts';
import { Death, goOn, type Stage, stage } from './stage.ts';

const params = { vault: '/vault' };

/** A person who looks at the host when asked what became of an act in doubt. */
function honest(s: Stage): void {
  s.answer = (question) => {
    if (question.ask !== 'doubt') return goOn(question);
    const done = '/marker' in s.world.state.files;
    return { answer: 'resolved', outcome: done ? 'done' : 'not-done', reason: 'looked at the host' };
  };
}

/** Runs the main job, dies once where `arm` says, and resumes until it is done. */
async function dieAndResume(
  arm: (s: Stage, die: () => void) => void,
  remembers = false,
): Promise<{ s: Stage; died: boolean; sessions: number }> {
  const s = stage(mainJob, params, fakeWorld(undefined, { remembers }));
  if (!remembers) honest(s);
  const plan = await s.plan();
  let died = false;
  arm(s, () => {
    if (died) return;
    died = true;
    throw new Death();
  });
  for (let sessions = 1; sessions < 5; sessions++) {
    try {
      const end = await s.run(plan);
      // Whoever died after the last line but for the session's finds it ended.
      expect([{ end: 'done' }, { end: 'ended', outcome: 'done' }]).toContainEqual(end);
      return { s, died, sessions };
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
  }
  throw new Error('the run was never done');
}

function expectSameEnd(s: Stage): void {
  const { state } = s.world;
  expect(state.power).toBe('off');
  expect(state.status).toBe('retired');
  expect(Object.values(state.services).map((service) => service.active)).toEqual([false, false]);
  expect(Object.keys(state.copies)).toEqual(['/vault/web01/run1-archive', '/vault/web01/run1-mirror']);
  expect(state.scratch).toEqual({});
  expect(state.files['/marker']).toBe('x');
  const reading = readChain(s.log.bytes, undefined);
  expect(reading.breach).toBeUndefined();
  expect(reading.torn).toBe(0);
  const execution = foldAll(reading.events);
  expect(execution.outcome).toBe('done');
  for (const id of ['identity', 'told', 'note', 'services', 'archive', 'mirror', 'proof', 'off', 'retire']) {
    expect([id, ['done', 'already'].includes(execution.steps[id]?.forth.status ?? '')]).toEqual([id, true]);
  }
}

describe('a run that is killed', () => {
  test('without a death the main job ends done, with everything switched off and retired', async () => {
    const { s, sessions } = await dieAndResume(() => {});
    expect(sessions).toBe(1);
    expectSameEnd(s);
  });

  test('after any line of its log it comes to the same end when it is resumed', async () => {
    let points = 0;
    for (let at = 1; ; at++) {
      const { s, died } = await dieAndResume((one, die) => {
        one.log.onAppend = (count) => {
          if (count === at) die();
        };
      });
      if (!died) break;
      points += 1;
      expectSameEnd(s);
    }
    expect(points).toBeGreaterThan(40);
  });

  test.each(['before', 'after'] as const)(
    '%s any effect it comes to the same end, and nothing that may be done once is done twice',
    async (when) => {
      let points = 0;
      for (let at = 1; ; at++) {
        const { s, died } = await dieAndResume((one, die) => {
          let count = 0;
          one.world.onEffect = (now) => {
            if (now === when && ++count === at) die();
          };
        });
        if (!died) break;
        points += 1;
        expectSameEnd(s);
        const onceActs = s.world.acts.filter(
          (o): o is OperationOf<'exec'> => o.kind === 'exec' && o.argv[0] === 'append',
        );
        expect(onceActs).toHaveLength(1);
      }
      expect(points).toBeGreaterThan(7);
    },
  );

  test('on a host that remembers what was begun on it, comes to the same end wherever it died, and nobody is asked', async () => {
    let points = 0;
    for (const when of ['line', 'before', 'after'] as const) {
      for (let at = 1; ; at++) {
        const { s, died } = await dieAndResume((one, die) => {
          let count = 0;
          if (when === 'line') {
            one.log.onAppend = (line) => {
              if (line === at) die();
            };
          } else {
            one.world.onEffect = (now) => {
              if (now === when && ++count === at) die();
            };
          }
        }, true);
        if (!died) break;
        points += 1;
        expectSameEnd(s);
        expect(s.world.acts.filter((o) => o.kind === 'exec' && o.argv[0] === 'append')).toHaveLength(1);
        expect(s.questions.filter(({ ask }) => ask === 'doubt')).toEqual([]);
      }
    }
    expect(points).toBeGreaterThan(60);
  });

  test('in the middle of writing any line, the torn tail is cut back, kept, and the repair is recorded', async () => {
    const whole = (await dieAndResume(() => {})).s.log.bytes;
    const lengths = [...whole.toString('latin1').matchAll(/\n/g)].map((m) => (m.index ?? 0) + 1);
    for (const end of lengths.slice(2)) {
      for (const cut of [end - 1, end - 2, end - 40]) {
        const s = stage(mainJob, params, fakeWorld());
        const plan = await s.plan();
        const torn = stage(mainJob, params, s.world);
        honest(torn);
        torn.log.bytes = Buffer.from(whole.subarray(0, cut));
        const reading = readChain(torn.log.bytes, undefined);
        if (reading.torn === 0) continue;
        torn.answer = () => ({ answer: 'quit', why: 'quit' });
        await torn.run(plan);
        expect(torn.events(plan).slice(reading.events.length, reading.events.length + 2)).toMatchObject([
          { type: 'session.opened' },
          { type: 'log.repaired', bytes: reading.torn },
        ]);
      }
    }
  });
});

test('what was begun is not gone on with under a new plan whose condition rules it out', async () => {
  const conditional = mainJob
    .replace('params:\n', 'params:\n  really: { type: boolean, default: true, description: whether it is to go }\n')
    .replace("when: facts.power == 'on'", 'when: params.really');
  const s = stage(conditional, params);
  const plan = await s.plan();
  s.log.onAppend = () => {
    const last = s.log.bytes.toString().trimEnd().split('\n').at(-1) ?? '';
    if (last.includes('"operation.intended"') && last.includes('"bmc.power"')) throw new Death();
  };
  await expect(s.run(plan)).rejects.toThrow(Death);
  expect(s.world.state.power).toBe('on');
  s.log.onAppend = () => {};
  const fresh = await s.replan(plan, [], conditional.replace('default: true', 'default: false'));
  await s.run(plan, { inForce: fresh });
  expect(s.events(plan).findLast((event) => event.type === 'step.skipped')).toMatchObject({ step: 'off', by: 'when' });
  expect(s.world.state.power).toBe('on');
});
