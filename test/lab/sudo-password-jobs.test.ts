import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actOf } from '../../src/core/act.ts';
import type { OperationOf } from '../../src/core/operation.ts';
import type { Machine } from '../../src/core/ports.ts';
import { ok } from '../../src/core/result.ts';
import { secret } from '../../src/core/secret.ts';
import { jobsOn } from '../../src/effects/host/handlers.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { got, until } from '../contracts/machine.ts';
import { type Account, makeAccount } from './account.ts';
import { type Sshd, signal, startSshd } from './sshd.ts';

/*
 * Acts that outlive their connection where sudo wants a password: the job is root's own, and needs none once it has begun.
 */
const name = `decom-j${process.pid}`;
/** Nobody else sleeps that long. */
const seconds = 100_000 + process.pid;
const word = `pass word'"\\$${process.pid}é`;
const transports = [
  ['ssh2', (target: SshTarget, deps: SshDeps) => sshMachine(target, deps)],
  ['the ssh program', (target: SshTarget, deps: SshDeps) => opensshMachine(target, { config: 'none' }, deps)],
] as const;

describe.each([
  ['', ''],
  ['in a terminal of sudo’s own', 'use_pty'],
] as const)('with a sudo that asks for a password %s', (_how, defaults) => {
  describe.each(transports)('over %s', (_by, make) => {
    let account: Account;
    let sshd: Sshd;
    let folder: string;
    const open: Machine[] = [];
    beforeAll(async () => {
      account = makeAccount(name, `ALL=(root) ALL${defaults === '' ? '' : `\nDefaults:${name} ${defaults}`}`);
      execFileSync('chpasswd', { input: `${name}:${word}\n` });
      sshd = await startSshd({ user: name });
      folder = mkdtempSync(join(tmpdir(), 'decom-jobs-'));
    });
    afterAll(async () => {
      for (const machine of open) await machine.close();
      await sshd.stop();
      account.remove();
      rmSync(folder, { recursive: true, force: true });
    });
    const jobs = (password = word) => {
      const machine = make(
        {
          ...{ name: 'web01', address: sshd.address, port: sshd.port, user: name, sudo: true },
          ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys, sudoPassword: { env: 'SUDO_PASSWORD' } },
        },
        { home: '/nonexistent', secrets: async () => ok(secret(password)) },
      );
      open.push(machine);
      return jobsOn({ machine, clock: systemClock, sudo: 'password' });
    };
    const place = (step: string) => ({ run: `run${process.pid}`, step, direction: 'forth', attempt: 1, n: 0 }) as const;
    const operation = (script: string) =>
      ({ kind: 'exec', on: 'host', argv: ['sh', '-c', script], root: true }) satisfies OperationOf<'exec'>;
    const never = new AbortController().signal;
    const cut = (): void => {
      for (const pid of sshd.sessions()) {
        if (/^sshd:/.test(commandOf(pid))) signal(pid, 'SIGKILL');
      }
    };

    it('a command as root outlives its connection, and its true end is learnt; the password is asked for by nothing of it', async () => {
      const all = jobs();
      const work = operation(
        `id -u >> ${folder}/began; while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo "$WORD"; exit 3`,
      );
      const there = got(await all.prepare(work, place('work')));
      if (there === null) throw new Error('no act was prepared');
      expect(there.folder).toMatch(/^\/run\/decom\//);
      const ended = all.run({ ...work, environment: { WORD: 'two\nlines' } }, actOf(there, place('work')), never);
      await until(() => existsSync(`${folder}/began`) || undefined);
      expect(everyArgument()).not.toContain(word);
      cut();
      writeFileSync(`${folder}/go`, '');
      expect(await ended).toMatchObject({
        outcome: 'failed',
        receipt: { exit: 3, stdout_tail: 'two\nlines', lost: expect.any(String) },
      });
      expect(readFileSync(`${folder}/began`, 'utf8')).toBe('0\n');
      await all.forget(`run${process.pid}`);
      expect(existsSync(there.folder)).toBe(false);
    });

    it('another process learns its end, and without the right password it is not reached instead of never begun', async () => {
      const first = jobs();
      const work = operation(`echo x >> ${folder}/once; while [ ! -e ${folder}/later ]; do sleep 0.05; done`);
      const there = got(await first.prepare(work, place('once')));
      if (there === null) throw new Error('no act was prepared');
      const act = actOf(there, place('once'));
      const lost = first.run(work, act, never);
      await until(() => existsSync(`${folder}/once`) || undefined);
      expect(await jobs('wrong').recall(work, act, { signal: never })).toMatchObject({
        outcome: 'unreached',
        trouble: { code: 'sudo-password-wrong' },
      });
      cut();
      const recalled = jobs().recall(work, act, { signal: never });
      writeFileSync(`${folder}/later`, '');
      expect(await recalled).toMatchObject({ outcome: 'done', receipt: { exit: 0 } });
      expect(await lost).toMatchObject({ outcome: 'done' });
      expect(readFileSync(`${folder}/once`, 'utf8')).toBe('x\n');
      await first.forget(`run${process.pid}`);
    });

    it('an operator who stops it ends it with all that it started', async () => {
      const all = jobs();
      const work = operation(`setsid sleep ${seconds} & : > ${folder}/stop; sleep ${seconds}`);
      const there = got(await all.prepare(work, place('stop')));
      if (there === null) throw new Error('no act was prepared');
      const abort = new AbortController();
      const ended = all.run(work, actOf(there, place('stop')), abort.signal);
      await until(() => existsSync(`${folder}/stop`) || undefined);
      abort.abort();
      expect(await ended).toMatchObject({ outcome: 'unknown', trouble: { code: 'aborted' } });
      expect(everyArgument()).not.toContain(`sleep ${seconds}`);
      await all.forget(`run${process.pid}`);
    });
  });
});

const commandOf = (pid: number | string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};
const everyArgument = (): string =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(commandOf)
    .join('\n');
