import { closeSync, fdatasyncSync, openSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Lock } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { writeAll } from './durable.ts';

/** Who holds a lock. A process is the same only if its start time and the machine's boot are the same as well. */
interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
  readonly machine: string;
  readonly operator: string;
}

/**
 * Takes the lock of a host, or says who holds it. A lock is stale only when the very process that made it is gone on this machine;
 * its age never matters (an erase can run for ten hours). A lock made on another machine is never stale by itself.
 */
export function lockHost(path: string, host: string, operator: string): Result<Lock> {
  const mine: Owner = {
    pid: process.pid,
    started: startOf(process.pid) ?? '',
    boot: bootId(),
    machine: hostname(),
    operator,
  };
  for (let attempt = 0; attempt < 3; attempt++) {
    if (create(path, mine)) return ok({ release: () => unlinkSync(path) });
    const owner = ownerOf(path);
    if (owner === 'gone') continue;
    if (owner === 'unreadable') {
      return fail(
        trouble(
          'locked',
          `${path} holds a lock of ${host} that cannot be read`,
          `If no decom runs for ${host}, remove that file.`,
        ),
      );
    }
    if (isAlive(owner)) {
      return fail(
        trouble(
          'locked',
          `${host} is being worked on by ${owner.operator} on ${owner.machine} (process ${owner.pid})`,
          'Wait until it ends, or end it there; see: decom status',
        ),
      );
    }
    // Moved aside first, so that of two processes that find it stale only one removes it.
    const aside = `${path}.stale.${process.pid}`;
    try {
      renameSync(path, aside);
      unlinkSync(aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return fail(trouble('locked', `the lock of ${host} is being taken by another process`, 'Try again.'));
}

function create(path: string, owner: Owner): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeAll(fd, Buffer.from(`${JSON.stringify(owner)}\n`));
    fdatasyncSync(fd);
  } catch (error) {
    // Half a lock has no owner, and nobody could tell that it is stale.
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
  return true;
}

function ownerOf(path: string): Owner | 'gone' | 'unreadable' {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : 'unreadable';
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.machine !== hostname()) return true;
  if (owner.boot !== bootId()) return false;
  return startOf(owner.pid) === owner.started;
}

/** The start time of a process in the kernel's own words; undefined if there is none, `?` where the system does not tell. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    try {
      process.kill(pid, 0);
      return '?';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM' ? '?' : undefined;
    }
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '?';
  }
}
