import { type ChildProcess, spawn } from 'node:child_process';
import type { Ended, RemoteProcess } from '../../../core/ports.ts';

/** What a program here is given of the environment: nothing of ours. */
const environment = { PATH: `${process.env.PATH ?? ''}:/usr/bin:/bin:/usr/sbin:/sbin`, LC_ALL: 'C', TZ: 'UTC' };

/** Starts a program here in a process group of its own, so that Ctrl-C at the terminal does not reach it. */
export function startHere(
  argv: readonly string[],
  signal?: AbortSignal,
): RemoteProcess & { readonly pid: number | undefined } {
  const [program = '', ...rest] = argv;
  const child: ChildProcess = spawn(program, rest, { env: environment, cwd: '/', detached: true, stdio: 'pipe' });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('its streams are piped');
  stdin.on('error', () => undefined);
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  const ended = new Promise<Ended>((resolve) => {
    child.on('error', () => resolve({ how: 'exit', code: 127 }));
    child.on('close', (code, name) => {
      signal?.removeEventListener('abort', stop);
      resolve(code === null ? { how: 'signal', signal: name ?? 'a signal' } : { how: 'exit', code });
    });
  });
  return { stdin, stdout, stderr, ended, pid: child.pid };
}

/** Runs one to its end, and keeps the first MiB of what it said. */
export async function runToEnd(
  argv: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly ended: Ended; readonly stdout: string; readonly stderr: string }> {
  const program = startHere(argv, signal);
  program.stdin.end();
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    program[name].on('data', (chunk: Buffer) => {
      if (said[name].length < 1 << 20) said[name] += chunk.toString();
    });
  }
  return { ended: await program.ended, ...said };
}
