import * as Type from 'typebox';
import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import type { AnyAction } from '../../src/core/action.ts';
import type { Event } from '../../src/core/event.ts';
import { fakeState, fakeWorld } from '../fakes/fake-world.ts';
import { goOn, type Stage, stage } from './stage.ts';

/*
 * Between the last look at a machine and the act another one may come to answer: the host is asked in the command that acts.
 */

/** What destroys: no action that is shipped does yet. Done once its program has run. */
const wipe: AnyAction = {
  kind: 'disk.wipe',
  about: 'Wipes a disk.',
  effect: 'destroys',
  once: true,
  irreversible: true,
  input: Type.Object({}, { additionalProperties: false }),
  demands: () => [],
  inspect: async (_input, probe) => probe({ kind: 'command', argv: ['test', '-e', '/wiped'], root: false }),
  plan: (_input, seen) => (isWiped(seen) ? [] : [{ kind: 'exec', on: 'host', argv: ['touch', '/wiped'], root: true }]),
  verify: (_input, seen) =>
    isWiped(seen)
      ? { ok: true, output: {}, evidence: [], said: 'it is wiped' }
      : { ok: false, trouble: { code: 'not-wiped', what: 'it is not wiped', fix: 'Look.' } },
};
const isWiped = (seen: unknown): boolean => (seen as { readonly value?: { exit: number } }).value?.exit === 0;

const book = (steps: readonly string[]): string =>
  ['decom: 1', 'name: b', 'title: B', 'phases:', '  - phase: p', '    title: P', '    steps:']
    .concat(steps.map((step) => `      - { ${step} }`))
    .join('\n');
const identity = 'id: identity, title: Who, uses: identity.check';
const wiping = 'id: wipe, title: Wipe, uses: disk.wipe';
const stopping =
  'id: stop, title: Stop, uses: service.stop, with: { unit: app.service }, retry: { attempts: 3, delay: 1s }';

const was = fakeState();

/** A stage on which something happens to the machine while a person is asked whether to begin `step`. */
const onStage = (steps: readonly string[], step: string, meanwhile: (s: Stage) => void): Stage => {
  const s = stage(book(steps), {}, fakeWorld(fakeState(), { remembers: true }), [...actions, wipe]);
  let happened = false;
  s.answer = (question) => {
    if (question.ask === 'begin' && question.step.id === step && !happened) {
      happened = true;
      meanwhile(s);
    }
    return goOn(question);
  };
  return s;
};

const told = (events: readonly Event[], step: string): readonly string[] =>
  events.flatMap((event) => ('step' in event && event.step === step ? [event.type] : []));
const begun = (s: Stage): readonly string[] => s.world.acts.map(({ kind }) => kind);

describe('what destroys', () => {
  test.each<[string, (s: Stage) => void, string, string]>([
    [
      'has another serial',
      (s) => Object.assign(s.world.state, { serial: 'SN-9' }),
      'another-machine',
      '"SN-0012345" was expected, "SN-9" was seen',
    ],
    [
      'has another UUID',
      (s) => Object.assign(s.world.state, { uuid: 'b1234567-89ab-4def-8123-456789abcdef' }),
      'another-machine',
      'UUID',
    ],
    [
      'has another machine-id',
      (s) => Object.assign(s.world.state, { machineId: '1'.padEnd(32, '2') }),
      'another-machine',
      'machine-id',
    ],
    [
      'was restarted',
      (s) => Object.assign(s.world.state, { bootId: '6f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060' }),
      'restarted-since',
      'it was restarted since its identity was last looked at',
    ],
  ])('is not begun, and not tried again, where the machine meanwhile %s', async (_what, meanwhile, code, what) => {
    const s = onStage([identity, wiping], 'wipe', meanwhile);
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({
      end: 'blocked',
      step: 'wipe',
      trouble: { code, what: expect.stringContaining(what) as string },
    });
    expect(begun(s)).toEqual([]);
    const events = s.events(plan);
    expect(told(events, 'wipe')).toEqual([
      'step.started',
      'step.agreed',
      'step.planned',
      'operation.intended',
      'operation.resolved',
      'gate.blocked',
    ]);
    expect(events.find(({ type }) => type === 'operation.intended')).toMatchObject({
      precondition: { serial: was.serial, uuid: was.uuid, machine_id: was.machineId, boot: was.bootId },
    });
    expect(events.find(({ type }) => type === 'operation.resolved')).toMatchObject({
      outcome: 'not-done',
      by: 'probe',
    });
    expect(events.find(({ type }) => type === 'gate.blocked')).toMatchObject({ gate: 'identity', trouble: { code } });
  });

  test('is begun after a restart only once the identity was looked at anew', async () => {
    const boot = '6f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060';
    const s = onStage([identity, wiping], 'wipe', ({ world }) => {
      world.state.bootId = boot;
    });
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({ end: 'blocked' });
    s.world.state.serial = 'SN-9';
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', trouble: { code: 'identity-contradicts' } });
    expect(begun(s)).toEqual([]);
    s.world.state.serial = was.serial;
    await s.run(plan);
    expect(begun(s)).toEqual(['exec']);
    expect(s.events(plan).findLast(({ type }) => type === 'operation.intended')).toMatchObject({
      precondition: { boot },
    });
  });

  test('is not begun where no step of the run has looked at the identity', async () => {
    const s = onStage([wiping], 'wipe', () => {});
    expect(await s.run(await s.plan())).toMatchObject({
      end: 'blocked',
      trouble: { code: 'identity-unconfirmed', fix: 'Add a step "identity.check" before it, then: decom replan' },
    });
    expect(begun(s)).toEqual([]);
  });

  test('is planned with what the host has to say', async () => {
    const s = onStage([identity, wiping, stopping], 'wipe', () => {});
    const { intent } = await s.plan();
    expect(intent.steps.map(({ precondition }) => precondition)).toEqual([
      undefined,
      { serial: was.serial, uuid: was.uuid, machine_id: was.machineId },
      undefined,
    ]);
  });
});

describe('any other act on the host', () => {
  test('is not begun on a machine that was restarted; taken up again, it looks who answers, and goes on', async () => {
    const s = onStage([identity, stopping], 'stop', ({ world }) => {
      world.state.bootId = '6f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060';
    });
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'stop', trouble: { code: 'restarted-since' } });
    expect(begun(s)).toEqual([]);
    expect(await s.run(plan)).toEqual({ end: 'done' });
    const events = s.events(plan);
    expect(events.filter(({ type }) => type === 'operation.intended').at(-1)).toMatchObject({
      precondition: { machine_id: was.machineId, boot: '6f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060' },
    });
    expect(told(events, 'identity').filter((type) => type === 'step.verified')).toHaveLength(2);
  });

  test('is begun without a precondition where no step has looked', async () => {
    const s = onStage([stopping], 'stop', () => {});
    const plan = await s.plan();
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(s.events(plan).find(({ type }) => type === 'operation.intended')).not.toHaveProperty('precondition');
  });

  test('is given back to a machine that was restarted, and to no other', async () => {
    const s = onStage([identity, stopping], 'stop', () => {});
    const plan = await s.plan();
    expect(await s.run(plan)).toEqual({ end: 'done' });
    const before = begun(s).length;
    Object.assign(s.world.state, { bootId: '6f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060', machineId: '1'.padEnd(32, '2') });
    expect(await s.rollBack(plan)).toMatchObject({ end: 'blocked', trouble: { code: 'another-machine' } });
    expect(begun(s)).toHaveLength(before);
    s.world.state.machineId = was.machineId;
    expect(await s.rollBack(plan)).toMatchObject({ end: 'rolled-back' });
  });
});
