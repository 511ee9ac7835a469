import { spawn } from 'node:child_process';
import type { Command, Ended, Machine, RemoteProcess } from '../../../src/core/ports.ts';
import { fail, ok, type Result, trouble } from '../../../src/core/result.ts';

/** A `Machine` that is this one: programs run as child processes, each in a process group of its own. */
export function localMachine(options: { readonly path?: string; readonly name?: string } = {}): Machine {
  const start = async (
    command: Command,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Result<RemoteProcess>> => {
    const [program = '', ...args] = command.argv;
    if (signal?.aborted === true) return fail(stopped);
    const child = spawn(program, args, {
      detached: true,
      env: { PATH: options.path ?? process.env['PATH'] ?? '/usr/bin:/bin' },
      ...(command.directory === undefined ? {} : { cwd: command.directory }),
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on('error', (error) =>
        resolve({ how: 'lost', trouble: trouble('not-started', String(error), 'Try again.') }),
      );
      child.on('close', (code, killed) => {
        if (signal?.aborted === true) resolve({ how: 'aborted', trouble: stopped });
        else if (code === null) resolve({ how: 'signal', signal: killed ?? 'unknown' });
        else resolve({ how: 'exit', code });
      });
    });
    signal?.addEventListener('abort', () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    });
    return ok({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended });
  };
  return {
    name: options.name ?? 'web01',
    start,
    async exec(command, { signal, stdin, limit = 65_536 } = {}) {
      const started = await start(command, signal === undefined ? {} : { signal });
      if (!started.ok) return started;
      const child = started.value;
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      child.stdin.on('error', () => undefined);
      child.stdin.end(stdin);
      const ended = await child.ended;
      return ok({
        ended,
        stdout: Buffer.concat(out).subarray(0, limit),
        stderr: Buffer.concat(err).subarray(0, limit),
      });
    },
    hostKey: async () => ok('ssh-ed25519 AAAA'),
    reachable: async () => 'yes',
    close: async () => undefined,
  };
}

const stopped = trouble('aborted', 'the program was stopped', 'Resume.');
