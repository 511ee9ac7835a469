import { expect, test, vi } from 'vitest';
import type { Execution } from '../../src/core/execution.ts';
import { foldAll } from '../../src/core/fold.ts';
import { fakeWorld } from '../fakes/fake-world.ts';
import { readChain } from '../fakes/read-chain.ts';
import { mainJob } from './main-job.ts';
import { goOn, type Stage, stage } from './stage.ts';

vi.setConfig({ testTimeout: 240_000 });

const hour = 3_600_000;
const params = { vault: '/vault' };
const execution = (s: Stage): Execution => foldAll(readChain(s.log.bytes, undefined).events);
const jump = (s: Stage, ms: number): void => {
  s.world.state.now = new Date(s.world.state.now.getTime() + ms);
};
const codes = (s: Stage): readonly string[] =>
  readChain(s.log.bytes, undefined).events.flatMap((e) => (e.type === 'gate.blocked' ? [e.trouble.code] : []));

/** Runs the main job with the clock set right once, by so much, after a line of the log. */
async function jumped(ms: number, at: number) {
  const s = stage(mainJob, params, fakeWorld());
  let lines = 0;
  s.log.onAppend = () => {
    if (++lines === at) jump(s, ms);
  };
  const plan = await s.plan();
  const end = await s.run(plan);
  return { s, plan, end, lines };
}

test.each([
  ['backwards by five hours', -5 * hour],
  ['forwards by five hours', 5 * hour],
  ['backwards by years', -20_000 * hour],
])('a clock that jumps %s at any line of the log changes nothing that is done, or the run waits', async (_how, ms) => {
  let points = 0;
  const waited: string[] = [];
  for (let at = 1; ; at++) {
    const { s, end, lines } = await jumped(ms, at);
    if (lines < at) break;
    points += 1;
    const reading = readChain(s.log.bytes, undefined);
    expect(reading.breach).toBeUndefined();
    expect(new Set(s.world.acts.map((o) => JSON.stringify(o))).size).toBe(s.world.acts.length);
    if (end.end === 'done') expect(execution(s).outcome).toBe('done');
    else {
      // Only an age that cannot be told stands in the way, and then nothing irreversible was done.
      expect(end).toMatchObject({ end: 'blocked', step: 'off' });
      waited.push(...codes(s));
      expect(s.world.state.power).toBe('on');
    }
  }
  expect(points).toBeGreaterThan(40);
  expect(new Set(waited)).toEqual(new Set(ms < 0 ? ['evidence-time'] : []));
});

test('a clock that jumps forwards by weeks makes the proof old, and the run waits for a new one', async () => {
  const { s, plan, end } = await jumped(0, 0);
  expect(end).toEqual({ end: 'done' });
  const proven = readChain(s.log.bytes, undefined).events.findIndex(
    (e) => e.type === 'step.verified' && e.step === 'proof',
  );
  const late = await jumped(20 * 24 * hour, proven + 1);
  expect(late.end).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'evidence-old' } });
  const fresh = await late.s.replan(plan, ['archive', 'proof']);
  expect(await late.s.run(plan, { inForce: fresh })).toEqual({ end: 'done' });
});

/** The copy and its proof stand before the services are stopped. */
const backwards = mainJob
  .replace(/ {6}- id: services\n {8}uses: service.stop\n {8}with: .*\n/, '')
  .replace(
    /( {6}- id: "off"\n)/,
    '      - id: services\n        uses: service.stop\n        with: { units: [nginx.service, app.service] }\n$1',
  );

test('a copy from before the services were stopped is not taken for a later one because the clock was ahead then', async () => {
  const s = stage(backwards, params, fakeWorld());
  const plan = await s.plan();
  jump(s, 5 * hour);
  s.answer = (q) => {
    if (q.ask !== 'begin' || q.step.id !== 'services') return goOn(q);
    jump(s, -5 * hour);
    return goOn(q);
  };
  await s.run(plan);
  // By now the times alone would say that the copy was made after the stop.
  jump(s, 6 * hour);
  s.answer = goOn;
  expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'evidence-early' } });
  expect(s.world.state.power).toBe('on');
});
