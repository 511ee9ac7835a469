import { spawn } from 'node:child_process';
import { fail, ok, type Result, trouble } from '../../core/result.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: Uint8Array;
  /** Names of environment variables that the program gets besides PATH and HOME. */
  readonly environment?: readonly string[];
  /** Lets it ask a person: a passphrase at the terminal, a touch of a key. */
  readonly asks?: boolean;
}

/** Runs one of OpenSSH's programs here, with what it says. A program that is missing is trouble. */
export function openssh(
  program: 'ssh-keygen' | 'ssh-add',
  args: readonly string[],
  options: RunOptions = {},
): Promise<Result<Ended>> {
  const env = Object.fromEntries(
    ['PATH', 'HOME', ...(options.environment ?? [])].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const child = spawn(program, args, {
    env: options.asks === true ? env : { ...env, SSH_ASKPASS_REQUIRE: 'never' },
    // Without a person it gets a session of its own: no terminal is there to be asked at.
    detached: options.asks !== true,
    stdio: [options.asks === true ? 'inherit' : 'pipe', 'pipe', options.asks === true ? 'inherit' : 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.stdin);
  return new Promise((resolve) => {
    child.on('error', (error) =>
      resolve(
        fail(
          trouble(
            'tool-missing',
            `${program} cannot be run: ${error.message}`,
            'Install OpenSSH’s client: openssh-client.',
          ),
        ),
      ),
    );
    child.on('close', (code) =>
      resolve(ok({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })),
    );
  });
}
