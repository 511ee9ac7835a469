import { type ChildProcess, spawn } from 'node:child_process';
import { fail, ok, type Result, type Trouble } from '../../core/result.ts';
import { hearStderr, type ProgramEnd, type ProgramOptions } from './program.ts';
import { toolMissing } from './source-tools.ts';

/** Runs a program here, by argument vector, with nothing on stdin and only PATH in its environment. */
export function runHere(
  argv: readonly [string, ...string[]],
  options: ProgramOptions & { readonly directory?: string },
): Promise<Result<ProgramEnd, Trouble>> {
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
  const stderr = hearStderr(child.stderr, options.stderrLine);
  if (options.stdout !== undefined) child.stdout?.on('data', options.stdout);
  return new Promise((resolve) => {
    child.on('error', (error) => {
      options.signal?.removeEventListener('abort', stop);
      if ('code' in error && error.code === 'ENOENT') resolve(fail(toolMissing('this machine', program, options.pkg)));
      else resolve(ok({ code: null, stderr: String(error) }));
    });
    child.on('close', (code) => {
      options.signal?.removeEventListener('abort', stop);
      resolve(ok({ code, stderr: stderr.text() }));
    });
  });
}
