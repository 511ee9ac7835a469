import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** A process as the system lists it. */
interface Listed {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly zombie: boolean;
  readonly marked: boolean;
}

/** The name of the environment variable that everything started on a practice machine carries. */
export const marker = 'PRACTICE_MACHINE';

/**
 * The pids of everything that runs on a practice machine: what is in the groups that it started, their descendants, and (on Linux)
 * whatever left those behind with `setsid` but still carries the marker in its environment. Zombies are gone already.
 */
export async function processesOf(groups: ReadonlySet<number>, mark: string): Promise<readonly number[]> {
  const listed = process.platform === 'linux' ? fromProc(mark) : await fromPs();
  const found = new Set<number>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const p of listed) {
      if (found.has(p.pid) || p.pid === process.pid) continue;
      if (p.marked || groups.has(p.group) || found.has(p.parent)) {
        found.add(p.pid);
        grew = true;
      }
    }
  }
  return listed.filter((p) => found.has(p.pid) && !p.zombie).map((p) => p.pid);
}

/** Kills all of it at once, as a power cut would, and returns when nothing is left. */
export async function killProcesses(groups: ReadonlySet<number>, mark: string): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const alive = await processesOf(groups, mark);
    if (alive.length === 0) return;
    for (const pid of alive) send(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('processes of the practice machine survive SIGKILL');
}

/** Sends a signal; false if the process (or, for a negative pid, the group) is gone. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

function fromProc(mark: string): readonly Listed[] {
  const needle = Buffer.from(`${marker}=${mark}\0`);
  const listed: Listed[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      // The program's name stands in parentheses and may hold anything, so the fields begin after the last one.
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      listed.push({
        pid: Number(name),
        parent: Number(fields[1]),
        group: Number(fields[2]),
        zombie: fields[0] === 'Z' || fields[0] === 'X',
        marked: carries(name, needle),
      });
    } catch {
      // It ended between the listing and the look.
    }
  }
  return listed;
}

function carries(pid: string, needle: Buffer): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(needle);
  } catch {
    return false;
  }
}

async function fromPs(): Promise<readonly Listed[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat='], { maxBuffer: 16_777_216 });
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, group, state] = line.trim().split(/\s+/);
    if (pid === undefined || parent === undefined || group === undefined) return [];
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        zombie: state?.startsWith('Z') === true,
        marked: false,
      },
    ];
  });
}
