import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fail, ok, type Result, trouble } from '../../../core/result.ts';
import { sync } from '../copy-folder.ts';
import { diskTrouble } from '../disk-trouble.ts';

/** Lies beside a scratch folder, never in it: what runs there may write into it, and this says whom to end. */
const recordOf = (scratch: string): string => `${scratch}.decom-server`;

interface Recorded {
  readonly pid: number;
  /** Of the process, in ticks since the boot: another one of the same number has another. */
  readonly started: string;
  readonly boot: string;
  readonly stop: NodeJS.Signals;
}

/** Keeps on the disk which process serves a scratch folder, before it serves it. */
export function recordServer(scratch: string, pid: number, stop: NodeJS.Signals): void {
  const started = startOf(pid);
  if (started === undefined) throw new Error(`process ${pid} is not there`);
  const record: Recorded = { pid, started, boot: bootId(), stop };
  writeFileSync(recordOf(scratch), `${JSON.stringify(record)}\n`, { mode: 0o600 });
  sync(recordOf(scratch));
}

export const forgetServer = (scratch: string): void => rmSync(recordOf(scratch), { force: true });

/** Ends the server that a process which was killed left in a scratch folder, and only that one. */
export async function endLeftServer(scratch: string): Promise<Result<void>> {
  try {
    const left = readRecord(scratch);
    if (left !== undefined && !(await endProcess(left))) {
      return fail(
        trouble(
          'server-stays',
          `the database server that an earlier proof started in ${scratch} cannot be ended (process ${left.pid})`,
          'End that process by hand, then try again.',
        ),
      );
    }
    forgetServer(scratch);
    return ok(undefined);
  } catch (error) {
    return fail(diskTrouble(error, recordOf(scratch)));
  }
}

function readRecord(scratch: string): Recorded | undefined {
  let text: string;
  try {
    text = readFileSync(recordOf(scratch), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as Recorded;
  } catch {
    // Cut off before it was whole: whoever wrote it had not let the server begin.
    return undefined;
  }
}

/** Asked in its own way, then ended. Whether it is gone. */
async function endProcess({ pid, started, boot, stop }: Recorded): Promise<boolean> {
  if (boot !== bootId()) return true;
  const lives = (): boolean => startOf(pid) === started;
  for (const signal of [stop, 'SIGQUIT', 'SIGKILL'] as const) {
    if (!lives()) return true;
    try {
      process.kill(pid, signal);
    } catch {
      // It went in between, or is not ours: the next look tells.
    }
    for (let looks = 0; looks < 100 && lives(); looks++) await pause(50);
  }
  return !lives();
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Field 22 of stat; undefined where there is no such process, or only what is left of it until its parent looks. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
