import { expect, test, vi } from 'vitest';
import { fakeWorld } from '../fakes/fake-world.ts';
import { readChain } from '../fakes/read-chain.ts';
import { mainJob } from './main-job.ts';
import { Death, goOn, type Stage, stage } from './stage.ts';

vi.setConfig({ testTimeout: 240_000 });

/*
 * A host behind a ProxyCommand that is switched off: nothing but its BMC says so, and that counts for as long as the host's last answer does.
 */
const hour = 3_600_000;

function proxied(): Stage {
  const world = fakeWorld();
  world.state.proxied = true;
  return stage(mainJob, { vault: '/vault' }, world);
}
/** What was found when it was off. */
const off = (s: Stage): unknown =>
  readChain(s.log.bytes, undefined).events.flatMap((e) =>
    e.type === 'step.verified' && e.step === 'off' ? [e.evidence] : [],
  );

test('that it answered counts from the last time, which is right before it is switched off', async () => {
  const s = proxied();
  const plan = await s.plan();
  let asked: number | undefined;
  s.answer = (question) => {
    if (question.ask === 'begin' && question.step.id === 'off') {
      // The question stands for two days, and then the host is asked once more who it is.
      s.pass(48 * hour);
      asked = s.world.state.now.getTime();
    }
    return goOn(question);
  };
  expect(await s.run(plan)).toEqual({ end: 'done' });
  const since = /"silent_since":"([^"]+)"/.exec(JSON.stringify(off(s)))?.[1] ?? '';
  expect(Date.parse(since)).toBeGreaterThanOrEqual(asked ?? Number.NaN);
});

test('after two days of silence the BMC alone is not believed; switched on again, it answers and is switched off once more', async () => {
  const s = proxied();
  const plan = await s.plan();
  s.world.onEffect = (when, operation) => {
    if (when === 'after' && operation.kind === 'bmc.power') throw new Death();
  };
  await expect(s.run(plan)).rejects.toThrow(Death);
  expect(s.world.state.power).toBe('off');
  s.world.onEffect = () => {};
  s.pass(48 * hour);
  expect(await s.run(plan)).toMatchObject({ end: 'failed', step: 'off', trouble: { code: 'way-unknown' } });
  expect(off(s)).toEqual([]);
  s.world.state.power = 'on';
  expect(await s.run(plan)).toEqual({ end: 'done' });
  expect(s.world.state.power).toBe('off');
});

test('after an hour it is believed', async () => {
  const s = proxied();
  const plan = await s.plan();
  s.world.onEffect = (when, operation) => {
    if (when === 'after' && operation.kind === 'bmc.power') throw new Death();
  };
  await expect(s.run(plan)).rejects.toThrow(Death);
  s.world.onEffect = () => {};
  s.pass(hour);
  expect(await s.run(plan)).toEqual({ end: 'done' });
});
