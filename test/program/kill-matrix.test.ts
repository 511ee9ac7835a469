import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fault, watch } from '../matrix/fault.ts';
import { nameOf } from '../matrix/name-of.ts';
import { tryRecording } from '../matrix/one-recording.ts';
import { openStage, type Stage } from '../matrix/stage.ts';
import type { Call } from '../matrix/trace.ts';
import { isWell, type Tried, tryPoint } from '../matrix/try-point.ts';

/*
 * A fixed sample of the matrix that `npm run kill-matrix` tries as a whole: a run of twenty steps by the built program is killed, or its
 * disk fails, at one system call; it is gone on with; and what is on the host, in the log and in the inventory is judged.
 */
let stages: readonly Stage[];
beforeAll(async () => {
  stages = await Promise.all([openStage(), openStage(), openStage()]);
});
afterAll(() => Promise.all(stages.map((stage) => stage.close())));

/**
 * What each fault has to meet: the first call of that name at a place of that name, or the last one; or one in the middle of the longest stretch of them,
 * as how many packets there are before differs a little from run to run.
 */
interface Sample {
  readonly does: Fault['does'];
  readonly call: 'rename' | 'write' | 'fdatasync' | 'fsync';
  readonly at: string;
  readonly which?: 'last' | 'middle';
}
const sample: readonly Sample[] = [
  { does: 'kill', call: 'rename', at: 'rename: state/runs/practice/RUN/plan.json' },
  // What the run was approved with has to be in its inbox by then.
  { does: 'kill', call: 'fsync', at: 'sync: state/runs/practice/RUN', which: 'last' },
  { does: 'kill', call: 'fdatasync', at: 'line synced: operation.intended (second)' },
  { does: 'kill', call: 'fdatasync', at: 'line synced: operation.done (second)' },
  { does: 'kill', call: 'rename', at: 'rename: vault/practice/RUN-etc-copy' },
  { does: 'kill', call: 'write', at: 'write: to the host', which: 'middle' },
  { does: 'EIO', call: 'fdatasync', at: 'line synced: operation.intended (first)' },
  { does: 'EIO', call: 'fsync', at: 'sync: state/runs/practice/RUN/inbox' },
  { does: 'power-cut', call: 'fdatasync', at: 'line synced: operation.done (second)' },
  { does: 'ENOSPC', call: 'write', at: 'line written: operation.done (second)' },
  { does: 'short', call: 'write', at: 'line written: operation.intended (second)' },
];

/** Calls that are there, with nothing between them that is not. */
function stretchesOf(calls: readonly Call[], isThere: (call: Call) => boolean): readonly (readonly Call[])[] {
  const stretches: Call[][] = [];
  let goesOn = false;
  for (const call of calls) {
    const there = isThere(call);
    if (there && goesOn) stretches.at(-1)?.push(call);
    else if (there) stretches.push([call]);
    goesOn = there;
  }
  return stretches;
}

/**
 * The faults, by their numbers in a run that is left alone. Where a call is one of many, how many stand before it depends on what the computer does besides: several places are named then, and
 * the next one is aimed at where one was missed.
 */
async function counted(stage: Stage): Promise<readonly (readonly [faults: readonly Fault[], at: string])[]> {
  await stage.reset();
  const { calls } = (await watch(stage, stage.begin)).trace;
  const below = (call: Call): boolean => call.name === 'write' && call.on.startsWith(`${stage.bench.state}/`);
  return sample.map(({ does, call, at, which }) => {
    const stretches = stretchesOf(
      calls.filter(({ name }) => name === call),
      (one) => nameOf(one, calls, stage) === at,
    );
    const longest = stretches.toSorted((a, b) => b.length - a.length)[0] ?? [];
    const found =
      which === 'middle'
        ? [0.5, 0.25, 0.75].flatMap((part) => longest[Math.floor(longest.length * part)] ?? [])
        : [which === 'last' ? stretches.at(-1)?.at(-1) : stretches[0]?.[0]].flatMap((one) => one ?? []);
    if (found.length === 0) throw new Error(`a run never comes to ${at}`);
    // A full disk counts what is written below the state folder.
    const whole = does === 'ENOSPC' || does === 'short';
    const faults = found.map((one) => {
      const nth = whole ? calls.filter(below).indexOf(one) + 1 : one.nth;
      return { does, call, nth } as Fault;
    });
    return [faults, at];
  });
}

test('a run that dies at one of eleven points, or whose disk fails there, is gone on with: nothing is lost, and nothing done twice', async () => {
  const [first] = stages;
  if (first === undefined) throw new Error('no stage');
  const queue = [...(await counted(first))];
  const wanted = [...queue];
  const tried: Tried[] = [];
  const met = new Set<(typeof wanted)[number]>();
  await Promise.all(
    stages.map(async (stage) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [faults, at] = next;
        for (const fault of faults) {
          const one = await tryPoint(stage, fault);
          tried.push(one);
          if (one.name !== at) continue;
          met.add(next);
          break;
        }
      }
    }),
  );
  process.stdout.write(`kill matrix: ${tried.length} points tried; all of them: npm run kill-matrix\n`);
  for (const one of tried) expect(isWell(one), JSON.stringify(one)).toBe(true);
  expect(wanted.filter((one) => !met.has(one)).map(([, at]) => at)).toEqual([]);
  expect(wanted).toHaveLength(sample.length);
});

test('a power cut at any moment of a run leaves a log that goes on from every synced line, and a log cut anywhere is torn, never broken', async () => {
  const [stage] = stages;
  if (stage === undefined) throw new Error('no stage');
  const { power, log } = await tryRecording(stage, { random: 1, every: 97 });
  process.stdout.write(`power cut: ${power.moments} moments, ${power.states} states; log cut: ${log.tried} lengths\n`);
  expect(power.wrong).toEqual([]);
  expect(log.wrong).toEqual([]);
  expect(power.moments).toBeGreaterThan(400);
  expect(power.differing).toBeGreaterThan(power.moments);
  expect(log.tried).toBeGreaterThan(400);
});
