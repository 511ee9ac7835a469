import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { commandLine, findMark } from '../../src/effects/ssh/command-line.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import type { Patience, SshTarget } from '../../src/effects/ssh/target.ts';
import { alive, got, text, until } from '../contracts/machine.ts';
import { type Account, makeAccount } from './account.ts';
import { type Sshd, startSshd } from './sshd.ts';

const transports = [
  ['ssh2', (target: SshTarget, patience: Partial<Patience>) => sshMachine(target, { home: '/nonexistent', patience })],
  [
    'the ssh program',
    (target: SshTarget, patience: Partial<Patience>) =>
      opensshMachine(target, { config: 'none' }, { home: '/nonexistent', patience }),
  ],
] as const;

describe.each(transports)('over %s,', (_name, make) => {
  const name = `decom-s${process.pid}`;
  const open: Machine[] = [];
  let folder: string;
  let sshd: Sshd;
  let account: Account | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'decom-shells-'));
    execFileSync('chmod', ['777', folder]);
    sshd = await startSshd({ user: name });
  });
  afterAll(async () => {
    for (const machine of open) await machine.close();
    await sshd.stop();
    account?.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const machineAt = (at = sshd, patience: Partial<Patience> = {}): Machine => {
    const machine = make(
      {
        name: 'web01',
        address: at.address,
        port: at.port,
        user: name,
        identityFiles: [at.userKey],
        hostKeys: at.hostKeys,
        sudo: false,
      },
      { settle: 500, abort: 1000, ...patience },
    );
    open.push(machine);
    return machine;
  };
  const home = (file: string, content: string): void => {
    const path = join('/home', name, file);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    execFileSync('chown', ['-R', name, join('/home', name)]);
  };

  const nasty = [
    "it's",
    'a\\b\\\\',
    '!history !1 !!',
    '$HOME `id` $(id)',
    'two\nlines\n',
    "touch ran'\ntouch ran\n'",
    '%n',
    '"',
    '#{}',
  ];

  it.each(['/usr/bin/fish', '/usr/bin/tcsh', '/bin/dash', '/bin/bash', '/bin/sh'])(
    '%s as login shell runs programs as any other',
    async (shell) => {
      account = makeAccount(name, undefined, shell);
      const machine = machineAt();
      const printed = got(await machine.exec({ argv: ['printf', '%s\\0', ...nasty], root: false }));
      expect(text(printed.stdout).split('\0').slice(0, -1)).toEqual(nasty);
      expect(text(printed.stderr)).toBe('');
      expect(got(await machine.exec({ argv: ['sh', '-c', 'exit 200'], root: false })).ended).toEqual({
        how: 'exit',
        code: 200,
      });
      const inside = join(folder, "it's\na !folder\\");
      await machine.exec({ argv: ['mkdir', '-p', inside], root: false });
      const output = got(
        await machine.exec(
          {
            argv: ['sh', '-c', 'pwd; printf "%s|" "$ONE"; cat'],
            root: false,
            directory: inside,
            environment: { ONE: "a\n'!b\\" },
          },
          { stdin: 'rest' },
        ),
      );
      expect(text(output.stdout)).toBe(`${inside}\na\n'!b\\|rest`);
      const abort = new AbortController();
      const running = machine.exec(
        { argv: ['sh', '-c', `echo $$ > '${folder}/pid'; sleep 600`], root: false },
        { signal: abort.signal },
      );
      const pid = await until(() => {
        const said = existsSync(join(folder, 'pid')) ? Number(readFileSync(join(folder, 'pid'), 'utf8')) : 0;
        return said > 0 && alive(said) ? said : undefined;
      });
      abort.abort();
      expect(got(await running).ended).toMatchObject({ how: 'aborted', trouble: { code: 'aborted' } });
      expect(alive(pid)).toBe(false);
      expect(existsSync(join('/home', name, 'ran'))).toBe(false);
      // What csh makes of a redirection that it does not know.
      expect(existsSync(join('/home', name, '2'))).toBe(false);
      await machine.close();
      account.remove();
    },
  );

  it('an account without a login shell is told as one, with its words, and nothing runs', async () => {
    account = makeAccount(name, undefined, '/usr/sbin/nologin');
    expect(await machineAt().exec({ argv: ['true'], root: false })).toMatchObject({
      ok: false,
      error: { code: 'no-shell', detail: 'This account is currently not available.' },
    });
    account.remove();
  });

  it('what login scripts print is not taken for the words of a program', async () => {
    account = makeAccount(name, undefined, '/bin/bash');
    home('.bashrc', 'echo "welcome to web01"; printf "no newline"; echo "quota exceeded" >&2\n');
    const output = got(await machineAt().exec({ argv: ['sh', '-c', 'echo out; echo err >&2'], root: false }));
    expect([text(output.stdout), text(output.stderr)]).toEqual(['out\n', 'err\n']);
    account.remove();
  });

  it('login scripts that wait for ever are not waited for, and what was asked for never begins', async () => {
    account = makeAccount(name, undefined, '/bin/bash');
    const gate = join(folder, 'gate');
    home('.bashrc', `while [ ! -e '${gate}' ]; do sleep 0.1; done; echo $$ > '${folder}/woken'\n`);
    const machine = machineAt(sshd, { ready: 2000 });
    const started = await machine.exec({ argv: ['touch', join(folder, 'begun')], root: false });
    expect(got(started).ended).toMatchObject({ how: 'lost', trouble: { code: 'shell-hangs' } });
    writeFileSync(gate, '');
    const woken = await until(() => {
      const pid = existsSync(join(folder, 'woken')) ? Number(readFileSync(join(folder, 'woken'), 'utf8')) : 0;
      return pid > 0 ? pid : undefined;
    });
    await until(() => (alive(woken) ? undefined : true));
    expect(existsSync(join(folder, 'begun'))).toBe(false);
    rmSync(gate);
    account.remove();
  });

  it('a server that allows one session at a time runs programs one after another, and says what it could not stop', async () => {
    account = makeAccount(name, undefined, '/bin/bash');
    const one = await startSshd({ user: name, config: ['MaxSessions 1'] });
    const machine = machineAt(one);
    const outputs = await Promise.all(
      [1, 2, 3].map((n) => machine.exec({ argv: ['sh', '-c', `echo ${n}; sleep 0.1`], root: false })),
    );
    expect(outputs.map((output) => text(got(output).stdout))).toEqual(['1\n', '2\n', '3\n']);
    const abort = new AbortController();
    const running = machine.exec({ argv: ['sleep', '3'], root: false }, { signal: abort.signal });
    await until(() => (one.sessions().some((pid) => commandOf(pid) === 'sleep 3') ? true : undefined));
    abort.abort();
    expect(got(await running).ended).toMatchObject({ how: 'aborted', trouble: { code: 'abort-unconfirmed' } });
    await one.stop();
    account.remove();
  });

  it('a banner before the login is in nobody’s output', async () => {
    account = makeAccount(name, undefined, '/bin/bash');
    writeFileSync(join(folder, 'banner'), `Authorized use only.\n${'x'.repeat(20_000)}\n`);
    const own = await startSshd({ user: name, config: [`Banner ${join(folder, 'banner')}`] });
    const output = got(await machineAt(own).exec({ argv: ['sh', '-c', 'echo out; echo err >&2'], root: false }));
    expect([text(output.stdout), text(output.stderr)]).toEqual(['out\n', 'err\n']);
    await own.stop();
    account.remove();
  });
});

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};

it.each([
  ['/usr/bin/fish', 'unknown'],
  ['/usr/bin/tcsh', 'unknown'],
  ['/bin/dash', 'plain'],
])('%s is %s as a login shell, though the environment says that it is sh', (shell, wanted) => {
  const line = got(commandLine({ argv: ['true'], root: false }, 'login', 'mark'));
  const { stderr } = spawnSync(shell, ['-c', line.text], { env: { PATH: process.env.PATH ?? '', SHELL: '/bin/sh' } });
  expect(findMark(stderr, 'mark')).toMatchObject({ directory: true, shell: wanted });
});
