import { expect, it } from 'vitest';
import { type CountedHost, defaultCaps } from '../../src/core/caps.ts';
import { foldAll } from '../../src/core/fold.ts';
import type { Counting } from '../../src/core/ports.ts';
import { readChain } from '../fakes/read-chain.ts';
import { mainJob } from './main-job.ts';
import { type Stage, stage } from './stage.ts';

const params = { vault: '/vault' };
const other = (n: number): CountedHost => ({ host: `web${n}`, run: `run-of-web${n}` });
const counted = (s: Stage) =>
  readChain(s.log.bytes, undefined).events.flatMap((e) =>
    e.type === 'host.counted' ? [`${e.step} ${e.as} ${e.others}/${e.cap}`] : [],
  );
const lastType = (s: Stage): string | undefined => readChain(s.log.bytes, undefined).events.at(-1)?.type;

/** So many others are under change, and so many were ended within the hour. */
function others(changed: number, ended: number): Counting {
  const list = { changed, ended };
  return {
    caps: () => ({ ok: true, value: { hosts_at_once: 2, per_hour: 3 } }),
    others: (as) => Array.from({ length: list[as] }, (_, i) => other(i + 1)),
    alone: async (work) => ({ ok: true, value: work() }),
  };
}

it('a host counts from the run’s first change, and again from its first irreversible step, once each', async () => {
  const s = stage(mainJob, params);
  s.counting = others(1, 2);
  const plan = await s.plan();
  expect(await s.run(plan)).toEqual({ end: 'done' });
  expect(counted(s)).toEqual(['note changed 1/2', 'off ended 2/3']);
});

it('a run that finds no room begins nothing, and says who has it and how to go on', async () => {
  const s = stage(mainJob, params);
  s.counting = others(2, 0);
  const plan = await s.plan();
  expect(await s.run(plan)).toEqual({
    end: 'blocked',
    step: 'note',
    trouble: {
      code: 'cap-reached',
      what: '2 other hosts are under change, and caps.hosts_at_once is 2',
      fix: 'Let one of them come to its end (decom status), or end it: decom abandon RUN --reason TEXT. If so many are meant, raise the caps for this run alone: decom resume run1 --raise-caps 3 --raise-caps-reason TEXT',
      detail: 'web1 (run run-of-web1)\nweb2 (run run-of-web2)',
    },
  });
  expect(s.world.acts).toEqual([]);
  expect(counted(s)).toEqual([]);
  s.counting = others(1, 0);
  expect(await s.run(plan)).toEqual({ end: 'done' });
});

it('after as many irreversible steps as an hour may see, none is begun on another host', async () => {
  const s = stage(mainJob, params);
  s.counting = others(0, 3);
  const plan = await s.plan();
  expect(await s.run(plan)).toMatchObject({
    end: 'blocked',
    step: 'off',
    trouble: {
      what: 'an irreversible step was begun on 3 other hosts within the last hour, and caps.per_hour is 3',
      fix: 'Wait. If so many are meant, raise the caps for this run alone: decom resume run1 --raise-caps 4 --raise-caps-reason TEXT',
    },
  });
  expect(s.world.state.power).toBe('on');
  s.counting = others(0, 2);
  expect(await s.run(plan)).toEqual({ end: 'done' });
});

it('that room was found is on record before anybody else may count', async () => {
  const s = stage(mainJob, params);
  const left: (string | undefined)[] = [];
  s.counting = {
    ...others(0, 0),
    async alone(work) {
      const value = work();
      left.push(lastType(s));
      return { ok: true, value };
    },
  };
  const plan = await s.plan();
  await s.run(plan);
  expect(left).toEqual(['host.counted', 'host.counted']);
});

it('where nobody can count, or the caps cannot be read, nothing is begun', async () => {
  const s = stage(mainJob, params);
  const plan = await s.plan();
  const why = { code: 'caps-unreadable', what: 'how many hosts may be changed cannot be told', fix: 'Correct it.' };
  s.counting = { ...others(0, 0), caps: () => ({ ok: false, error: why }) };
  expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'note', trouble: why });
  s.counting = { ...others(0, 0), alone: async () => ({ ok: false, error: { ...why, code: 'caps-uncounted' } }) };
  expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'note', trouble: { code: 'caps-uncounted' } });
  expect(s.world.acts).toEqual([]);
});

it('a rehearsal is neither counted nor held', async () => {
  const s = stage(mainJob, params);
  s.counting = others(9, 9);
  const plan = await s.plan();
  expect(await s.run(plan, { rehearsal: true })).toEqual({ end: 'rehearsed', blocked: [] });
});

it('the caps where none are set are low enough for a person to follow', () => {
  expect(defaultCaps).toEqual({ hosts_at_once: 5, per_hour: 5 });
  expect(foldAll([])).toMatchObject({ counted: { changed: null, ended: null }, capsRaised: null });
});
