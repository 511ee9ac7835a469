import { readFileSync, truncateSync } from 'node:fs';
import { type Fault, watch } from './fault.ts';
import { lineName, nameOf } from './name-of.ts';
import type { Stage } from './stage.ts';

/** The line whose sync the first death comes before: the intent of a command that may happen only once. */
const tornLine = 'operation.intended (second)';

/** Which `fdatasync` of the log makes that line safe, in a whole run. */
let nth: number | undefined;

/**
 * Begins the run and kills it between a line and its sync, of which half comes to the disk: it leaves a stale lock, a torn log, and an
 * act of which nobody knows. The next session has all of that to put right.
 */
export async function dieOnce(stage: Stage): Promise<void> {
  nth ??= await syncOf(stage);
  await stage.reset();
  const fault: Fault = { does: 'kill', call: 'fdatasync', nth, path: stage.log };
  const { hit, trace } = await watch(stage, stage.begin, { fault });
  const name = hit === undefined ? 'nothing' : nameOf(hit, trace.calls, stage);
  if (name !== `line synced: ${tornLine}`) throw new Error(`the first death was to meet ${tornLine}, and met ${name}`);
  const log = readFileSync(stage.log);
  const line = log.lastIndexOf(0x0a, log.length - 2) + 1;
  truncateSync(stage.log, line + Math.floor((log.length - line) / 2));
}

async function syncOf(stage: Stage): Promise<number> {
  await stage.reset();
  const { calls } = (await watch(stage, stage.begin)).trace;
  const line = calls.findIndex((call) => call.name === 'write' && call.on === stage.log && lineName(call) === tornLine);
  if (line === -1) throw new Error(`no line ${tornLine}`);
  return calls.slice(0, line).filter(({ name, on }) => name === 'fdatasync' && on === stage.log).length + 1;
}
