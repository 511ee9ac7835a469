import { existsSync, readFileSync } from 'node:fs';
import { type Fault, watch } from './fault.ts';
import { acknowledged, judge, type Verdict } from './judge.ts';
import { nameOf } from './name-of.ts';
import type { Stage } from './stage.ts';

/** One point of the matrix, tried. */
export interface Tried extends Verdict {
  readonly fault: Fault;
  /** What the fault met; undefined where it was never come to, which proves nothing. */
  readonly name: string | undefined;
  /** How the session ended that met it. */
  readonly ended: string;
  /** Bytes of the log that had been acknowledged. */
  readonly acknowledged: number;
}

export const isWell = ({ twice, lost, open }: Verdict): boolean => twice.length + lost.length + open.length === 0;

/** Begins the run anew, does one fault to it, goes on with it until it has ended, and looks whether anything was lost or done twice. */
export async function tryPoint(stage: Stage, fault: Fault): Promise<Tried> {
  await stage.reset();
  const { ended, trace, hit } = await watch(stage, stage.begin, { fault });
  const left = existsSync(stage.log) ? readFileSync(stage.log) : Buffer.alloc(0);
  const sure = acknowledged(trace, stage.log);
  // Without a loss of power whole lines stay, synced or not; only what was torn may be cut off.
  const kept = left.subarray(0, Math.max(sure, left.lastIndexOf(0x0a) + 1));
  const verdict = await judge(stage, kept);
  return {
    fault,
    name: hit === undefined ? undefined : nameOf(hit, trace.calls, stage),
    ended: String(ended.code ?? ended.signal),
    acknowledged: sure,
    ...verdict,
    lost: [...verdict.lost, ...(left.length < sure ? [`${sure - left.length} synced bytes are not in the log`] : [])],
  };
}
