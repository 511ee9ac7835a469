import { join } from 'node:path';
import { sha256 } from '../../src/core/json.ts';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import { referredBlob } from '../../src/core/referred-blobs.ts';
import { readChain } from '../fakes/read-chain.ts';
import { emptyDisk, type Leaves } from './disk.ts';
import type { Call } from './trace.ts';

/** What was tried of a run whose power was cut after each of its calls, and what came of it. */
export interface PowerCuts {
  /** Moments at which the power was cut. */
  readonly moments: number;
  /** States of the disk that were looked at. */
  readonly states: number;
  /** Of them, those that differ from what was there before the cut. */
  readonly differing: number;
  readonly wrong: readonly string[];
}

/**
 * Cuts the power after every call that changes the state folder, and looks at what may then be on the disk: only what was synced, and
 * `random` mixtures of everything else. The log, the plan and what the log refers to must be readable, and every synced line be there.
 */
export function cutPower(
  calls: readonly Call[],
  { state, run, log }: { readonly state: string; readonly run: string; readonly log: string },
  random: number,
): PowerCuts {
  const disk = emptyDisk(state.slice(0, state.lastIndexOf('/')));
  const wrong: string[] = [];
  let [moments, states, differing, synced] = [0, 0, 0, 0];
  const seeds = generator(20_261_122);
  for (const [at, call] of calls.entries()) {
    disk.apply(call);
    if (!`${call.on} ${call.args}`.includes(state)) continue;
    moments += 1;
    const now = disk.now();
    const written = now.get(log)?.length ?? 0;
    if (call.name === 'fdatasync' && call.on === log && call.error === undefined) synced = written;
    if (call.name === 'ftruncate' && call.on === log) synced = Math.min(synced, written);
    const kept = now.get(log)?.subarray(0, synced) ?? Buffer.alloc(0);
    for (let i = 0; i <= random; i++) {
      const leaves: Leaves = i === 0 ? () => 0 : seeds;
      const files = disk.afterPowerCut(leaves);
      states += 1;
      if (differs(files, now)) differing += 1;
      const what = complaint(files, run, log, kept);
      if (what !== undefined)
        wrong.push(
          `after call ${at} (${call.name} ${call.on || call.args.slice(0, 120)}), ${i === 0 ? 'nothing but what was synced' : 'a mixture'}: ${what}`,
        );
    }
  }
  return { moments, states, differing, wrong };
}

/** Why nobody could go on from these files, or would go on from less than was on record. */
function complaint(files: ReadonlyMap<string, Buffer>, run: string, log: string, kept: Buffer): string | undefined {
  const bytes = files.get(log);
  if (bytes === undefined || bytes.length < kept.length) {
    if (kept.length === 0) return undefined;
    return bytes === undefined ? 'the log is gone' : 'synced lines are gone';
  }
  if (!bytes.subarray(0, kept.length).equals(kept)) return 'synced lines were changed';
  const plan = files.get(join(run, 'plan.json'));
  if (plan === undefined)
    return kept.length === 0 ? undefined : 'the plan is gone, and the plan of a run may be used again';
  const digest = intentDigest(JSON.parse(plan.toString()) as Plan);
  const { breach, events } = readChain(bytes, digest);
  if (breach !== undefined) return `line ${breach.line}: ${breach.what}`;
  for (const event of events) {
    const blob = referredBlob(event);
    if (blob === undefined) continue;
    const line = event.seq + 1;
    const there = files.get(join(run, 'out', blob.sha256));
    if (there === undefined) return `line ${line} refers to a file that is gone`;
    if (sha256(there) !== blob.sha256) return `line ${line} refers to a file that is not what was written`;
  }
  const begun = events.some(({ type }) => type === 'run.opened');
  const strays = [...files.keys()].some((path) => path.startsWith(`${join(run, 'out')}/`));
  return !begun && strays ? 'what lines refer to is there, and the first lines are not' : undefined;
}

const differs = (a: ReadonlyMap<string, Buffer>, b: ReadonlyMap<string, Buffer>): boolean =>
  a.size !== b.size || [...a].some(([path, bytes]) => b.get(path)?.equals(bytes) !== true);

/** mulberry32: numbers from 0 to 1 that a seed repeats. */
export function generator(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
