import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fault } from '../matrix/fault.ts';
import { tryRecording } from '../matrix/one-recording.ts';
import { openStage, type Stage } from '../matrix/stage.ts';
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

const kill = (call: string, nth: number): Fault => ({ does: 'kill', call, nth });

/** What each fault has to meet: a sample that met something else would be another one. */
const sample: readonly (readonly [fault: Fault, name: string])[] = [
  [kill('rename', 4), 'rename: state/runs/practice/RUN/plan.json'],
  [kill('fdatasync', 56), 'line synced: operation.intended (second)'],
  [kill('fdatasync', 58), 'line synced: operation.done (second)'],
  [kill('rename', 14), 'vault'],
  [kill('write', 300), 'writ'],
  [{ does: 'EIO', call: 'fdatasync', nth: 31 }, 'line synced: operation.intended (first)'],
  [{ does: 'EIO', call: 'fsync', nth: 13 }, 'sync: state/runs/practice/RUN'],
  [{ does: 'power-cut', call: 'fdatasync', nth: 58 }, 'line synced: operation.done (second)'],
  [{ does: 'ENOSPC', call: 'write', nth: 58 }, 'line written: operation.done (second)'],
  [{ does: 'short', call: 'write', nth: 56 }, 'line written: operation.intended (second)'],
];

test('a run that dies at one of ten points, or whose disk fails there, is gone on with: nothing is lost, and nothing done twice', async () => {
  const queue = [...sample];
  const tried: (readonly [Tried, string])[] = [];
  await Promise.all(
    stages.map(async (stage) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [fault, name] = next;
        tried.push([await tryPoint(stage, fault), name]);
      }
    }),
  );
  process.stdout.write(`kill matrix: ${tried.length} points tried; all of them: npm run kill-matrix\n`);
  for (const [one, name] of tried) {
    expect(one.name, JSON.stringify(one)).toContain(name);
    expect(isWell(one), JSON.stringify(one)).toBe(true);
  }
  expect(tried).toHaveLength(sample.length);
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
