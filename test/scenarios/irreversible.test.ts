import { describe, expect, test } from 'vitest';
import type { Question } from '../../src/core/ports.ts';
import { fakeWorld } from '../fakes/fake-world.ts';
import { mainJob } from './main-job.ts';
import { goOn, type Stage, stage } from './stage.ts';

const params = { vault: '/vault' };
const day = 86_400_000;

/** The main job, with something done to the world while the question before a step stands. */
async function meanwhile(step: string, change: (s: Stage) => void): Promise<{ s: Stage; end: unknown }> {
  const s = stage(mainJob, params);
  const plan = await s.plan();
  s.answer = (question: Question) => {
    if (question.ask === 'begin' && question.step.id === step) change(s);
    return goOn(question);
  };
  return { s, end: await s.run(plan) };
}

const restart = (s: Stage): void => {
  const service = s.world.state.services['nginx.service'];
  if (service !== undefined) service.active = true;
};
const reboot = (s: Stage): void => {
  s.world.state.bootId = '00000000-1111-4222-8333-444444444444';
};
const later = (s: Stage, ms: number): void => {
  s.pass(ms);
};

/** The time that the copy's description gives for its manifest is changed once it is made. */
async function manifestOf(time: string): Promise<{ s: Stage; end: unknown }> {
  const s = stage(mainJob, params);
  const plan = await s.plan();
  s.world.onEffect = (when, operation) => {
    if (when !== 'after' || operation.kind !== 'copy.archive') return;
    const copy = s.world.state.copies[operation.to];
    if (copy !== undefined) s.world.state.copies[operation.to] = { ...copy, manifest_started: time };
  };
  return { s, end: await s.run(plan) };
}

describe('the power is not switched off', () => {
  test('on a proof whose time cannot be read', async () => {
    const { s, end } = await manifestOf('last week');
    expect(end).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'evidence-time' } });
    expect(s.world.state.power).toBe('on');
  });

  test('on a proof of a time that is still to come', async () => {
    const { s, end } = await manifestOf('2099-01-01T00:00:00.000Z');
    expect(end).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'evidence-time' } });
    expect(s.world.state.power).toBe('on');
  });

  test('on a proof that leaves out files which vanished while they were copied', async () => {
    const world = fakeWorld();
    const s = stage(mainJob, params, {
      ...world,
      probe: async (question, context) => {
        const answer = await world.probe(question, context);
        const vanished = { count: 2, names: ['./srv/a', './srv/b'] };
        if (question.kind === 'tree.compare' && answer.known) Object.assign(answer.value as object, { vanished });
        return answer;
      },
    });
    expect(await s.run(await s.plan())).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: {
        code: 'evidence-partial',
        what: 'the evidence "restore.proven" is not of every file: 2 of /vault/web01/run1-archive vanished while they were copied',
        fix: 'Something may still write there: stop it, then copy and prove once more, with: decom replan run1 --redo archive --redo proof',
      },
    });
    expect(s.world.state.power).toBe('on');
  });

  test('after the host was booted since the writers were stopped', async () => {
    const { s, end } = await meanwhile('mirror', reboot);
    expect(end).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: {
        code: 'evidence-rebooted',
        fix: expect.stringContaining('decom replan run1 --redo services --redo archive --redo proof'),
      },
    });
    expect(s.world.state.power).toBe('on');
  });

  test('while a service that was stopped runs again', async () => {
    const { s, end } = await meanwhile('proof', restart);
    expect(end).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: {
        code: 'evidence-void',
        what: expect.stringContaining('nginx.service'),
        fix: 'Do that step once more, and the copy and its proof after it: decom replan run1 --redo services --redo archive --redo proof',
      },
    });
    expect(s.world.state.power).toBe('on');
  });

  test.each([
    [
      'another machine answers',
      'identity-contradicts',
      (s: Stage) => {
        s.world.state.machineId = '1234abcd'.repeat(4);
      },
    ],
    ['a service was started', 'evidence-void', restart],
    ['the host was booted', 'evidence-rebooted', reboot],
    ['the proof has become too old', 'evidence-old', (s: Stage) => later(s, 8 * day)],
    [
      'the BMC is of another machine',
      'bmc-other-machine',
      (s: Stage) => {
        s.world.state.bmcGuid = 'b1234567-89ab-4def-8123-456789abcdef';
      },
    ],
  ])('where %s while the question stands', async (_what, code, change) => {
    const { s, end } = await meanwhile('off', (at) => {
      later(at, 60_000);
      change(at);
    });
    expect(end).toMatchObject({ end: 'blocked', step: 'off', trouble: { code } });
    expect(s.world.acts.filter((o) => o.kind === 'bmc.power')).toEqual([]);
  });
});

test('the power is switched off where nothing has changed while the question stood', async () => {
  const { s, end } = await meanwhile('off', (at) => later(at, 60_000));
  expect(end).toEqual({ end: 'done' });
  expect(s.world.state.power).toBe('off');
});

test('a machine that went off by itself while the question stood is told nothing', async () => {
  const { s, end } = await meanwhile('off', (at) => {
    later(at, 60_000);
    at.world.state.power = 'off';
  });
  expect(end).toEqual({ end: 'done' });
  expect(s.world.acts.filter((o) => o.kind === 'bmc.power')).toEqual([]);
});
