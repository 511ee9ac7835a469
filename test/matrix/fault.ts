import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ended } from '../faults/program.ts';
import type { Stage } from './stage.ts';
import { type Call, readTrace, type Trace } from './trace.ts';

const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));

/** What is done to the program at one system call of its own. */
export type Fault =
  /**
   * The kernel ends it just before its nth call of that name. `path`: of the calls on that path, in whichever thread. `goingOn`: in the
   * session that goes on after an earlier death (`first-death.ts`).
   */
  | {
      readonly does: 'kill';
      readonly call: string;
      readonly nth: number;
      readonly path?: string;
      readonly goingOn?: true;
    }
  /** The power is cut just before its nth call of that name: whatever of the state folder was not synced is gone. */
  | { readonly does: 'power-cut'; readonly call: string; readonly nth: number }
  /** Its nth sync fails, and what was to be synced may be lost. */
  | { readonly does: 'EIO'; readonly call: 'fdatasync' | 'fsync'; readonly nth: number }
  /** Its nth write of a file below the state folder finds the disk full (`ENOSPC`), or room for one half of it (`short`); from then on it is full. */
  | { readonly does: 'ENOSPC' | 'short'; readonly call: 'write'; readonly nth: number };

/** How a session of the program ended that was watched. */
export interface Watched {
  readonly ended: Ended;
  readonly trace: Trace;
  /** The call that the fault met; undefined where the session never came to it. */
  readonly hit: Call | undefined;
}

/** Calls that change something outside the process. */
export const watchedCalls = [
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'fdatasync',
  'fsync',
  'rename',
  'link',
  'unlink',
  'mkdir',
  'rmdir',
  'ftruncate',
  'connect',
] as const;

/** Longer than any line of a log: what is written to it is read back from the trace. */
const wholeLine = 70_000;

/** Calls `decom ARGS` in the stage's workspace under strace, which does the fault if there is one. `everyThread`: and follows all of them. */
export async function watch(
  stage: Stage,
  args: readonly string[],
  { fault, everyThread = false }: { readonly fault?: Fault; readonly everyThread?: boolean } = {},
): Promise<Watched> {
  const { folder } = stage.bench;
  const output = join(folder, '.trace');
  const note = join(folder, '.fault-met');
  rmSync(note, { force: true });
  const onPath = fault?.does === 'kill' && fault.path !== undefined ? fault.path : undefined;
  const strace = [
    // The log is written by the main thread alone.
    ...(everyThread || (onPath !== undefined && onPath !== stage.log) ? ['-f'] : []),
    ...(onPath === undefined ? [] : ['-P', onPath]),
    ...['-o', output, '-yy', '-s', String(wholeLine), '-e', `trace=${watchedCalls.join(',')},openat,clone3`],
    ...injection(fault),
  ];
  const ended = await called(['strace', ...strace, process.execPath, bin, ...args], folder, {
    // One thread that does all of them makes "the nth" say something.
    ...(onPath === undefined ? {} : { UV_THREADPOOL_SIZE: '1' }),
    ...(fault?.does === 'ENOSPC' || fault?.does === 'short'
      ? {
          NODE_OPTIONS: `--require=${fullDisk}`,
          FULL_DISK: JSON.stringify({ ...fault, below: stage.bench.state, note }),
        }
      : {}),
  });
  const trace = readTrace(output);
  rmSync(output, { force: true });
  return { ended, trace, hit: fault === undefined ? undefined : hitBy(fault, ended, trace, note) };
}

const fullDisk = fileURLToPath(new URL('../../test/matrix/full-disk.cjs', import.meta.url));

function injection(fault: Fault | undefined): readonly string[] {
  switch (fault?.does) {
    case 'kill':
    case 'power-cut':
      return ['-e', `inject=${fault.call}:signal=SIGKILL:when=${fault.nth}`];
    case 'EIO':
      return ['-e', `inject=${fault.call}:error=EIO:when=${fault.nth}`];
    default:
      return [];
  }
}

function hitBy(fault: Fault, { signal }: Ended, { calls }: Trace, note: string): Call | undefined {
  switch (fault.does) {
    case 'kill':
    case 'power-cut':
      return signal === 'SIGKILL'
        ? calls.findLast(({ name, result }) => name === fault.call && result === undefined)
        : undefined;
    case 'EIO':
      return calls.find(({ name, injected }) => name === fault.call && injected);
    case 'ENOSPC':
    case 'short': {
      if (!existsSync(note)) return undefined;
      const { path, bytes } = JSON.parse(readFileSync(note, 'utf8')) as { path: string; bytes: string };
      return {
        name: 'write',
        thread: undefined,
        args: JSON.stringify(Buffer.from(bytes, 'base64').toString('latin1')),
        on: path,
        nth: fault.nth,
        result: undefined,
        error: undefined,
        injected: true,
      };
    }
  }
}

function called(
  [program = '', ...args]: readonly string[],
  cwd: string,
  more: { readonly [name: string]: string },
): Promise<Ended> {
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, LANG: 'C.UTF-8', ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
