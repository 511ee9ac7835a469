import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));

/** How a call of the built program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built program while it runs, without a terminal. */
export interface Called {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What stood on stderr so far. */
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
}

export interface CallOptions {
  readonly cwd: string;
  readonly env?: { readonly [name: string]: string };
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly stdin?: string;
}

const running = new Set<ChildProcess>();

/** Starts `decom ARGS`. HOME and the state of the caller are kept out of it. */
export function call(args: readonly string[], { cwd, env = {}, stdin = '' }: CallOptions): Called {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, LANG: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  // The program may end before it has read any of it.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    stderr: () => stderr,
    signal: (signal) => {
      child.kill(signal);
    },
  };
}

/** Kills what a failed test left running. */
export async function endCalls(): Promise<void> {
  const left = [...running];
  const gone = left.map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(gone);
}
