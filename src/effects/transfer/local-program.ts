import { type ChildProcess, spawn } from 'node:child_process';
import { fail, ok, type Result, type Trouble } from '../../core/result.ts';
import { toolMissing } from './source-tools.ts';

/** How a program here ended, with the last 8 KiB that it wrote to stderr. */
export interface LocalEnd {
  readonly code: number | null;
  readonly stderr: string;
}

interface Options {
  readonly signal?: AbortSignal;
  /** The Debian package that holds it, named where it is missing. */
  readonly pkg: string;
  readonly directory?: string;
  readonly stdout?: (chunk: Buffer) => void;
  readonly stderrLine?: (line: string) => void;
}

/** Runs a program here, by argument vector, with nothing on stdin and only PATH in its environment. */
export function runHere(argv: readonly [string, ...string[]], options: Options): Promise<Result<LocalEnd, Trouble>> {
  const [program, ...args] = argv;
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' },
    stdio: ['ignore', options.stdout === undefined ? 'ignore' : 'pipe', 'pipe'],
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
  });
  const stop = (): void => {
    child.kill('SIGTERM');
  };
  options.signal?.addEventListener('abort', stop);
  if (options.signal?.aborted === true) stop();
  let stderr = '';
  let rest = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-8192);
    if (options.stderrLine === undefined) return;
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(options.stderrLine);
  });
  if (options.stdout !== undefined) child.stdout?.on('data', options.stdout);
  return new Promise((resolve) => {
    child.on('error', (error) => {
      options.signal?.removeEventListener('abort', stop);
      if ('code' in error && error.code === 'ENOENT') resolve(fail(toolMissing('this machine', program, options.pkg)));
      else resolve(ok({ code: null, stderr: String(error) }));
    });
    child.on('close', (code) => {
      options.signal?.removeEventListener('abort', stop);
      resolve(ok({ code, stderr }));
    });
  });
}
