import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poll } from './poll.ts';

/** A token in software (SoftHSM) with one key that wants a PIN to sign. */
export interface Token {
  /** The PKCS#11 library. */
  readonly provider: string;
  /** Tells the library where the token is. */
  readonly environment: Readonly<Record<string, string>>;
  /** `ecdsa-sha2-nistp256 AAAA…` */
  readonly publicKey: string;
  /** An agent of its own that was given the token and its PIN. */
  agent(): Promise<{ readonly socket: string; readonly pid: number; stop(): Promise<void> }>;
  remove(): void;
}

const pin = '4321';

export function makeToken(): Token {
  const folder = mkdtempSync(join(tmpdir(), 'decom-token-'));
  const at = (name: string): string => join(folder, name);
  const provider = realpathSync('/usr/lib/softhsm/libsofthsm2.so');
  mkdirSync(at('tokens'));
  writeFileSync(at('softhsm2.conf'), `directories.tokendir = ${at('tokens')}\nlog.level = ERROR\n`);
  const environment = { SOFTHSM2_CONF: at('softhsm2.conf') };
  const run = (program: string, ...args: readonly string[]): string =>
    execFileSync(program, args, {
      env: { ...process.env, ...environment },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  run('softhsm2-util', '--init-token', '--free', '--label', 'lab', '--so-pin', '1234', '--pin', pin);
  run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at('key.pem'));
  run('softhsm2-util', '--import', at('key.pem'), '--token', 'lab', '--label', 'key', '--id', 'a1', '--pin', pin);
  // Nowhere but in the token.
  rmSync(at('key.pem'));
  return {
    provider,
    environment,
    publicKey: run('ssh-keygen', '-D', provider).trim(),
    agent: async () => {
      const socket = at('agent');
      const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', 'ssh-agent', '-D', '-a', socket, '-P', provider], {
        env: { ...process.env, ...environment },
        stdio: 'ignore',
      });
      const { pid } = child;
      if (pid === undefined) throw new Error('ssh-agent did not start');
      const ask = at('ask');
      writeFileSync(ask, `#!/bin/sh\necho ${pin}\n`, { mode: 0o700 });
      const asked = { SSH_AUTH_SOCK: socket, SSH_ASKPASS: ask, SSH_ASKPASS_REQUIRE: 'force' };
      await poll('the agent answers', () => answers(socket) || undefined, 20);
      execFileSync('ssh-add', ['-q', '-s', provider], {
        env: { ...process.env, ...environment, ...asked },
        stdio: 'pipe',
      });
      return {
        socket,
        pid,
        stop: async () => {
          const ended = new Promise((resolve) => child.once('exit', resolve));
          if (child.exitCode === null && child.signalCode === null && child.kill()) await ended;
        },
      };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** ssh-add ends with 1 where an agent holds nothing, with 2 where there is none. */
function answers(socket: string): boolean {
  try {
    execFileSync('ssh-add', ['-l'], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as { readonly status?: number }).status === 1;
  }
}
