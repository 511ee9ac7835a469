import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine, Secrets } from '../../src/core/ports.ts';
import { ok } from '../../src/core/result.ts';
import { secret } from '../../src/core/secret.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { got, machineContract, text } from '../contracts/machine.ts';
import { type Account, makeAccount } from './account.ts';
import { type Sshd, startSshd } from './sshd.ts';

const name = `decom-p${process.pid}`;
const word = `pass word'"\\$${process.pid}é`;

/** An account that sudo asks for its password, and lets do everything then. */
function askedAccount(rule = 'ALL=(root) ALL', defaults = ''): Account {
  const account = makeAccount(name, `${rule}${defaults === '' ? '' : `\nDefaults:${name} ${defaults}`}`);
  execFileSync('chpasswd', { input: `${name}:${word}\n` });
  return account;
}

const targetAt = (sshd: Sshd): SshTarget => ({
  name: 'web01',
  address: sshd.address,
  port: sshd.port,
  user: name,
  identityFiles: [sshd.userKey],
  hostKeys: sshd.hostKeys,
  sudo: true,
  sudoPassword: { env: 'SUDO_PASSWORD' },
});

const transports = [
  ['ssh2', (target: SshTarget, deps: SshDeps) => sshMachine(target, deps)],
  ['the ssh program', (target: SshTarget, deps: SshDeps) => opensshMachine(target, { config: 'none' }, deps)],
] as const;

for (const [by, make] of transports) {
  machineContract(`a machine over ${by}, by sudo with a password,`, async () => {
    const account = askedAccount();
    const sshd = await startSshd({ user: name });
    const secrets: Secrets = async () => ok(secret(word));
    const patience = { settle: 500, abort: 1000 };
    const machine = make(targetAt(sshd), { home: '/nonexistent', secrets, patience });
    return {
      machine: {
        ...machine,
        exec: (command, options) => machine.exec({ ...command, root: true }, options),
        start: (command, options) => machine.start({ ...command, root: true }, options),
      },
      close: async () => {
        await sshd.stop();
        account.remove();
      },
    };
  });
}

describe.each(transports)('over %s, sudo', (_by, make) => {
  let sshd: Sshd;
  let folder: string;
  let account: Account | undefined;
  const open: Machine[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'decom-sudo-'));
    sshd = await startSshd({ user: name });
  });
  afterAll(async () => {
    for (const machine of open) await machine.close();
    await sshd.stop();
    account?.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const asked: string[] = [];
  const machineAt = (password: string): Machine => {
    asked.length = 0;
    const secrets: Secrets = async (ref, what) => {
      asked.push(`${JSON.stringify(ref)} ${what}`);
      return ok(secret(password));
    };
    const machine = make(targetAt(sshd), { home: '/nonexistent', secrets });
    open.push(machine);
    return machine;
  };
  const whoAmI = { argv: ['id', '-u'], root: true };

  it('that asks is told the password, which is in no argument vector and no environment', async () => {
    account = askedAccount();
    const machine = machineAt(word);
    expect(text(got(await machine.exec(whoAmI)).stdout)).toBe('0\n');
    expect(text(got(await machine.exec({ ...whoAmI, root: false })).stdout)).not.toBe('0\n');
    const started = got(await machine.start({ argv: ['sh', '-c', 'echo here; read -r line; env'], root: true }));
    started.stderr.resume();
    await new Promise((resolve) => started.stdout.once('data', resolve));
    const seen = everyProcess();
    expect(seen).toContain('read -r line; env');
    expect(seen).not.toContain(word);
    let said = '';
    started.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    started.stdin.end('go on\n');
    expect(await started.ended).toEqual({ how: 'exit', code: 0 });
    expect(said).not.toContain(word);
    expect(new Set(asked)).toEqual(
      new Set([`{"env":"SUDO_PASSWORD"} the password that sudo on web01 asks ${name} for`]),
    );
    account.remove();
  });

  it.each([
    ['asks', 'ALL=(root) ALL'],
    ['does not ask', 'ALL=(root) NOPASSWD: ALL'],
  ])('that %s leaves what a program reads exactly as it was sent', async (_what, rule) => {
    account = askedAccount(rule);
    const machine = machineAt(word);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const output = got(await machine.exec({ argv: ['cat'], root: true }, { stdin: bytes, limit: 400_000 }));
    expect(Buffer.compare(Buffer.from(output.stdout), bytes)).toBe(0);
    expect(text(output.stderr)).toBe('');
    expect(text(got(await machine.exec({ argv: ['wc', '-c'], root: true })).stdout)).toBe('0\n');
    account.remove();
  });

  it('that refuses the password is told it once, however many programs want root, and what to check', async () => {
    const log = join(folder, 'sudo.log');
    account = askedAccount('ALL=(root) ALL', `logfile=${log}`);
    const machine = machineAt('not this one');
    const mark = join(folder, 'never');
    const results = await Promise.all(
      Array.from({ length: 8 }, () => machine.exec({ argv: ['touch', mark], root: true })),
    );
    for (const result of [...results, await machine.start({ argv: ['touch', mark], root: true })]) {
      expect(result).toMatchObject({
        ok: false,
        error: {
          code: 'sudo-password-wrong',
          what: `sudo on web01 does not take the password of ${name}: it was told once, and will not be told again`,
        },
      });
    }
    expect(existsSync(mark)).toBe(false);
    expect(readFileSync(log, 'utf8').match(/incorrect password attempt/g)).toHaveLength(1);
    expect(readFileSync(log, 'utf8')).toContain('1 incorrect password attempt');
    account.remove();
  });

  it('that allows nothing, or not sh, is told as such', async () => {
    account = askedAccount('ALL=(root) /bin/true');
    expect(await machineAt(word).exec(whoAmI)).toMatchObject({ ok: false, error: { code: 'sudo-refused' } });
    account.remove();
  });
});

/** The arguments and the environment of every process. */
const everyProcess = (): string =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => ['cmdline', 'environ'].map((file) => `/proc/${pid}/${file}`))
    .map((file) => {
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');
