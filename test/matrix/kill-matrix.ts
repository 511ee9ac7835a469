import { appendFileSync, writeFileSync } from 'node:fs';
import type { Fault } from './fault.ts';
import { tryRecording } from './one-recording.ts';
import { allPoints } from './points.ts';
import { openStage, type Stage } from './stage.ts';
import { summary, type TriedOfKind } from './summary.ts';
import { isWell, tryPoint } from './try-point.ts';

export interface Options {
  /** Machines that are retired at the same time. */
  readonly machines: number;
  /** Tries every nth point of each kind only, beginning with the `from`th (from 0). */
  readonly every: number;
  readonly from: number;
  /** Kinds whose name holds this; all where it is empty. */
  readonly only: string;
  /** A file that each point is told to, as a line of JSON. */
  readonly out?: string;
}

interface Todo {
  readonly kind: string;
  readonly fault: Fault;
}

/** The whole matrix. Tells what it comes to, and gives whether nothing was lost or done twice. */
export async function killMatrix(options: Options, say: (line: string) => void): Promise<boolean> {
  const stages = await Promise.all(Array.from({ length: options.machines }, openStage));
  try {
    return await onStages(stages, options, say);
  } finally {
    await Promise.all(stages.map((stage) => stage.close()));
  }
}

async function onStages(stages: readonly Stage[], options: Options, say: (line: string) => void): Promise<boolean> {
  const [first] = stages;
  if (first === undefined) throw new Error('no machine');
  const points = await allPoints(first);
  const todo = inStrides(
    Object.entries(points.kinds)
      .filter(([kind]) => kind.includes(options.only))
      .map(([kind, faults]) =>
        faults.filter((_, i) => i % options.every === options.from).map((fault): Todo => ({ kind, fault })),
      ),
  );
  say(`${todo.length} points on ${stages.length} machines`);
  if (options.out !== undefined) writeFileSync(options.out, '');
  const tried: TriedOfKind[] = [];
  const queue = [...todo];
  const began = Date.now();
  await Promise.all(
    stages.map(async (stage) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { kind, fault } = next;
        const one = { kind, ...(await tryPoint(stage, onStage(fault, first, stage))) };
        tried.push(one);
        if (options.out !== undefined) appendFileSync(options.out, `${JSON.stringify(one)}\n`);
        if (!isWell(one)) say(`NOT WELL ${JSON.stringify(one)}`);
        if (tried.length % 50 === 0)
          say(`${tried.length} of ${todo.length}, ${Math.round((Date.now() - began) / 1000)} s`);
      }
    }),
  );
  for (const line of summary(tried, points)) say(line);
  if (options.only !== '') return tried.every(isWell);
  const { power, log } = await tryRecording(first, { random: 20, every: 1 });
  say(
    `power cut after each of ${power.moments} calls: ${power.states} states of the disk, ${power.differing} of them less than was written, ${power.wrong.length} wrong`,
  );
  say(`log cut at every byte: ${log.tried} cuts, ${log.wrong.length} wrong`);
  for (const what of [...power.wrong, ...log.wrong]) say(`WRONG ${what}`);
  return tried.every(isWell) && power.wrong.length + log.wrong.length === 0;
}

/** An eighth of every kind, then the next one: what is stopped early has been all along the run, with every kind of fault. */
const inStrides = (kinds: readonly (readonly Todo[])[]): readonly Todo[] =>
  Array.from({ length: 8 }, (_, start) => kinds.flatMap((todo) => todo.filter((_todo, i) => i % 8 === start))).flat();

/** Paths of the stage that was counted on, as those of another one. */
function onStage(fault: Fault, counted: Stage, stage: Stage): Fault {
  if (fault.does !== 'kill' || fault.path === undefined) return fault;
  const ids = [counted, stage].map(({ run }) => run.split('/').at(-1) ?? '') as [string, string];
  return { ...fault, path: fault.path.replace(counted.bench.folder, stage.bench.folder).replaceAll(ids[0], ids[1]) };
}
