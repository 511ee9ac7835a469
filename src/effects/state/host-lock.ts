import { closeSync, fdatasyncSync, linkSync, openSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256 } from '../../core/json.ts';
import type { Lock } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { type Access, ownerOnly, shareFile } from './access.ts';
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
export function lockHost(path: string, host: string, operator: string, access: Access = ownerOnly): Result<Lock> {
  const mine: Owner = {
    pid: process.pid,
    started: startOf(process.pid) ?? '',
    boot: bootId(),
    machine: hostname(),
    operator,
  };
  return take(path, { host, mine, access }, 0);
}

/** Processes that died one after the other, each while it removed the lock of the one before. */
const mostDead = 8;

/** What a lock is taken for. */
interface Taking {
  readonly host: string;
  readonly mine: Owner;
  readonly access: Access;
}

function take(path: string, taking: Taking, depth: number): Result<Lock> {
  const { host } = taking;
  for (let attempt = 0; attempt < 3; attempt++) {
    if (create(path, taking)) return ok({ release: () => unlinkSync(path) });
    const found = textOf(path);
    if (found === undefined) continue;
    const owner = ownerOf(found);
    if (owner === undefined) {
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
    const removed = depth < mostDead ? removeStale(path, found, taking, depth) : undefined;
    if (removed?.ok !== true) {
      const what = `the stale lock of ${host} is being removed by another process`;
      return fail(trouble('locked', what, 'Try again.', removed?.error.what));
    }
  }
  return fail(trouble('locked', `the lock of ${host} is being taken by another process`, 'Try again.'));
}

/** Makes the lock as a whole, by a link to a finished file: nobody ever sees half a lock, which would have no owner. */
function create(path: string, { mine: owner, access }: Taking): boolean {
  const whole = `${path}.${owner.pid}.new`;
  try {
    const fd = openSync(whole, 'w', access.file);
    try {
      shareFile(fd, access);
      writeAll(fd, Buffer.from(`${JSON.stringify(owner)}\n`));
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    linkSync(whole, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(whole, { force: true });
  }
}

/**
 * Removes a stale lock, and only that one. Of several processes that saw it stale, the one that holds a lock on its removal may: a process
 * that was slow could otherwise remove the lock that a faster one has made since. That lock is named by what the stale one holds, and is
 * itself stale once its owner is gone: whoever dies here leaves nothing that a person has to clear.
 */
function removeStale(path: string, stale: string, taking: Taking, depth: number): Result<void> {
  const removal = take(`${path}.${sha256(Buffer.from(stale)).slice(0, 12)}.stale`, taking, depth + 1);
  if (!removal.ok) return removal;
  try {
    if (textOf(path) === stale) unlinkSync(path);
    return ok(undefined);
  } finally {
    removal.value.release();
  }
}

/** What a lock holds; undefined where there is none any more. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Who holds a lock; undefined for a text that no decom wrote. */
function ownerOf(text: string): Owner | undefined {
  try {
    const { pid, started, boot, machine, operator } = JSON.parse(text) as Partial<Owner>;
    const texts = [started, boot, machine, operator];
    if (typeof pid !== 'number' || !texts.every((value) => typeof value === 'string')) return undefined;
    return JSON.parse(text) as Owner;
  } catch {
    return undefined;
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.machine !== hostname()) return true;
  if (owner.boot !== bootId()) return false;
  const started = startOf(owner.pid);
  // Processes of others can be hidden (hidepid): one that is there, and of which nothing is told, may be the very one.
  return started === '?' || started === owner.started;
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
