import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { emptyDisk } from './disk.ts';
import { type Fault, watch } from './fault.ts';
import { dieOnce } from './first-death.ts';
import { acknowledged, judge, type Verdict } from './judge.ts';
import { nameOf } from './name-of.ts';
import type { Stage } from './stage.ts';
import type { Trace } from './trace.ts';

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
  const goingOn = fault.does === 'kill' && fault.goingOn === true;
  if (goingOn) await dieOnce(stage);
  else await stage.reset();
  const before = goingOn ? wholeLines(readFileSync(stage.log)) : Buffer.alloc(0);
  const { ended, trace, hit } = await watch(stage, goingOn ? stage.goOn : stage.begin, { fault });
  if (fault.does === 'power-cut') leaveSynced(stage, trace);
  const left = existsSync(stage.log) ? readFileSync(stage.log) : Buffer.alloc(0);
  const sure = goingOn ? before.length : acknowledged(trace, stage.log);
  // Without a loss of power whole lines stay, synced or not; only what was torn may be cut off.
  const kept = sure > left.length ? left : left.subarray(0, Math.max(sure, wholeLines(left).length));
  const verdict = await judge(stage, left.subarray(0, before.length).equals(before) ? kept : before);
  return {
    fault,
    name: hit === undefined ? undefined : nameOf(hit, trace.calls, stage),
    ended: String(ended.code ?? ended.signal),
    acknowledged: sure,
    ...verdict,
    lost: [...verdict.lost, ...(left.length < sure ? [`${sure - left.length} synced bytes are not in the log`] : [])],
  };
}

const wholeLines = (log: Buffer): Buffer => log.subarray(0, log.lastIndexOf(0x0a) + 1);

/** Puts in the place of the state folder what a disk without power is sure to keep of it: what was synced. */
function leaveSynced({ bench }: Stage, { calls }: Trace): void {
  const disk = emptyDisk(bench.folder);
  for (const call of calls) disk.apply(call);
  rmSync(bench.state, { recursive: true, force: true });
  for (const [path, bytes] of disk.afterPowerCut(() => 0)) {
    if (!path.startsWith(`${bench.state}/`)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, bytes, { mode: 0o600 });
  }
}
