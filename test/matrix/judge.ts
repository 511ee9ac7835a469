import { existsSync, readFileSync } from 'node:fs';
import { exit } from '../../src/cli/exit.ts';
import { practiceHost } from '../../src/practice/practice-workspace.ts';
import { readChain } from '../fakes/read-chain.ts';
import type { Ended } from '../faults/program.ts';
import type { Stage } from './stage.ts';
import type { Trace } from './trace.ts';

/** What became of a run after a fault. Every list is empty where all is well. */
export interface Verdict {
  /** Acts that may happen only once and are there twice. */
  readonly twice: readonly string[];
  /** What of the log had been acknowledged and is gone, or was changed. */
  readonly lost: readonly string[];
  /** Steps and acts that are not done in the end, and whatever else is not as it should be. */
  readonly open: readonly string[];
  /** Sessions after the fault, and how each ended. */
  readonly sessions: readonly string[];
  /** Acts in doubt that were resolved, by whom. */
  readonly resolved: readonly string[];
}

/** Goes on more often than any fault should need. */
const mostSessions = 6;

/** Bytes of the log that had been synced when the session ended. */
export function acknowledged({ calls }: Trace, log: string): number {
  let written = 0;
  let synced = 0;
  for (const { name, on, result, error } of calls) {
    if (on !== log || error !== undefined) continue;
    if (name === 'write') written += result ?? 0;
    if (name === 'fdatasync' && result === 0) synced = written;
  }
  return synced;
}

/** Takes the run up until it has ended, as an operator would who does what he is told, and looks at everything. `kept`: bytes of the log that must not change. */
export async function judge(stage: Stage, kept: Buffer): Promise<Verdict> {
  const { bench, job, machine } = stage;
  const sessions: string[] = [];
  const open: string[] = [];
  let last: Ended | undefined;
  while (sessions.length < mostSessions && !isOver(stage)) {
    const begun = existsSync(`${stage.run}/plan.json`);
    last = await bench.decom(...(begun ? stage.goOn : stage.begin));
    sessions.push(`${begun ? 'resume' : 'run'} ${last.code ?? last.signal}`);
  }
  const log = existsSync(stage.log) ? readFileSync(stage.log) : Buffer.alloc(0);
  const reading = readChain(log, undefined);
  const count = (type: string, step?: string): number =>
    reading.events.filter((e) => e.type === type && (step === undefined || ('step' in e && e.step === step))).length;
  if (count('run.closed') !== 1) open.push(`run.closed ${count('run.closed')} times: ${last?.stdout}${last?.stderr}`);
  for (const id of job.ids) if (count('step.verified', id) === 0) open.push(`${id} not verified`);
  const counts = stage.counts();
  const twice = job.counters.filter((_, i) => (counts[i] ?? 0) > 1);
  open.push(...job.counters.filter((_, i) => counts[i] === 0).map((file) => `${file} not done`));
  if ((await machine.power.get()) !== 'off') open.push('the power is on');
  if (!/status: "?retired/.test(bench.read('hosts.yaml'))) open.push('not retired in the inventory');
  const audit = await bench.decom('audit', 'verify', practiceHost);
  if (audit.code !== exit.done) open.push(`audit verify ${audit.code}: ${audit.stdout}${audit.stderr}`);
  const lost = log.subarray(0, kept.length).equals(kept) ? [] : [`the first ${kept.length} bytes of the log`];
  const resolved = reading.events.flatMap((e) =>
    e.type === 'operation.resolved' ? [`${e.step} ${e.outcome} by ${e.by}`] : [],
  );
  return { twice, lost, open, sessions, resolved };
}

/** Whoever was killed after the end of the run has not closed the session: that is left to do as well. */
function isOver({ log }: Stage): boolean {
  if (!existsSync(log)) return false;
  const { events } = readChain(readFileSync(log), undefined);
  return events.some(({ type }) => type === 'run.closed') && events.at(-1)?.type === 'session.closed';
}
