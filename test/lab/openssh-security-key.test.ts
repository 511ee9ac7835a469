import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { actOf } from '../../src/core/act.ts';
import { jobsOn } from '../../src/effects/host/handlers.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { got, machineContract, text, until } from '../contracts/machine.ts';
import { waitFor } from '../faults/hold.ts';
import { authenticatorLibrary, securityKey, skHelper } from './authenticator.ts';
import { byConfiguration, configured, runsPrograms, troubleOf } from './by-configuration.ts';
import { type Sshd, signal, startSshd } from './sshd.ts';
import { setVariables } from './variables.ts';

const types = ['ed25519-sk', 'ecdsa-sk'] as const;

/** A host that lets in nothing but a key on the authenticator. */
async function lockedHost(type: (typeof types)[number], options: readonly string[] = []) {
  const library = await authenticatorLibrary();
  const sshd = await startSshd();
  const key = join(sshd.folder, 'on-the-key');
  writeFileSync(join(sshd.folder, 'authorized_keys'), `${securityKey(library, type, key, options)}\n`);
  const lines = [`SecurityKeyProvider ${library}`, `IdentityFile ${key}`, 'IdentityAgent none'];
  return { sshd, key, library, lines };
}

machineContract('a machine that lets in a security key only', async () => {
  const { sshd, lines } = await lockedHost('ed25519-sk');
  const way = await byConfiguration(sshd, lines);
  return {
    machine: way.machine,
    close: async () => {
      await way.close();
      await sshd.stop();
    },
  };
});

describe.each(types)('a login with a key of type %s', (type) => {
  let host: Awaited<ReturnType<typeof lockedHost>>;
  let folder: string;
  const { reached, close } = configured(() => host.sshd);
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'decom-security-key-'));
    host = await lockedHost(type);
  });
  afterAll(async () => {
    await close();
    await host.sshd.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has the ssh program chosen, and the plan says why', async () => {
    const { machine, chosen } = await reached(host.lines);
    expect(chosen).toEqual({
      by: 'openssh',
      otherwise: false,
      words: [`over SSH by the ssh program: web01: its key is on a security key (${host.key})`],
    });
    await runsPrograms(machine);
  });

  it('is found where ssh looks for it, and no setting names it', async () => {
    const name = `id_${type.replace('-', '_')}`;
    const { chosen } = await reached([], { keys: { [name]: readFileSync(host.key) } });
    expect(chosen).toMatchObject({ by: 'openssh', words: [expect.stringContaining(`/.ssh/${name})`)] });
  });

  it('that is cut loses the end of a command, and the next call logs in anew', async () => {
    const { machine } = await reached(host.lines);
    const [began, go] = [join(folder, 'began'), join(folder, 'go')];
    const running = machine.exec({ argv: ['sh', '-c', `echo x >> ${began}; ${waitFor(go)}`], root: false });
    await until(() => existsSync(began) || undefined);
    cut(host.sshd);
    expect(got(await running).ended).toMatchObject({ how: 'lost', trouble: { code: 'connection-lost' } });
    expect(text(got(await machine.exec({ argv: ['cat', began], root: false })).stdout)).toBe('x\n');
    writeFileSync(go, '');
  });

  it('that is cut in the middle of an act learns its end over a new one', async () => {
    const { machine } = await reached(host.lines);
    const jobs = jobsOn({ machine, clock: systemClock, sudo: 'no' });
    const run = `run${process.pid}-${type}`;
    const place = { run, step: 'work', direction: 'forth', attempt: 1, n: 0 } as const;
    const [began, go] = [join(folder, 'act-began'), join(folder, 'act-go')];
    const script = `echo x >> ${began}; ${waitFor(go)}; exit 3`;
    const work = { kind: 'exec', on: 'host', argv: ['sh', '-c', script], root: true } as const;
    const there = got(await jobs.prepare(work, place));
    if (there === null) throw new Error('no act was prepared');
    const ended = jobs.run(work, actOf(there, place), new AbortController().signal);
    await until(() => existsSync(began) || undefined);
    cut(host.sshd);
    writeFileSync(go, '');
    expect(await ended).toMatchObject({ outcome: 'failed', receipt: { exit: 3, lost: expect.any(String) } });
    expect(readFileSync(began, 'utf8')).toBe('x\n');
    await jobs.forget(run);
  });

  it('does not let a host in that shows another key', async () => {
    const other = await startSshd();
    const { machine } = await reached(host.lines, { hostKeys: other.hostKeys });
    expect(await troubleOf(machine)).toMatchObject({ code: 'host-key-changed' });
    await other.stop();
  });
});

describe('a security key that does not sign', () => {
  let host: Awaited<ReturnType<typeof lockedHost>>;
  let restore: () => void = () => undefined;
  const { reached, close } = configured(() => host.sshd);
  beforeAll(async () => {
    host = await lockedHost('ed25519-sk');
  });
  afterEach(() => restore());
  afterAll(async () => {
    await close();
    await host.sshd.stop();
  });
  const by = (helper: Parameters<typeof skHelper>[1]): void => {
    restore = setVariables({ SSH_SK_HELPER: skHelper(join(host.sshd.folder, 'helper'), helper) });
  };

  it('because it is not plugged in is told as that', async () => {
    const [, ...lines] = host.lines;
    // Without the authenticator in software, ssh looks for one on this computer's USB.
    const { machine } = await reached(lines);
    expect(await troubleOf(machine)).toMatchObject({
      code: 'auth-refused',
      what: `the login as root@web01 (127.0.0.1, port ${host.sshd.port}) needs the security key of ${host.key}, and it did not sign: device not found`,
      fix: expect.stringMatching(/^Plug it in, and touch it when it blinks.* By hand: ssh /),
    });
  });

  it('because its library is not there is told', async () => {
    const [, ...lines] = host.lines;
    const { machine } = await reached(['SecurityKeyProvider /nonexistent/sk.so', ...lines]);
    expect(await troubleOf(machine)).toMatchObject({
      code: 'auth-refused',
      what: expect.stringContaining('it was not touched in time, or could not be asked'),
      fix: expect.stringContaining('SecurityKeyProvider'),
    });
  });

  it('because it wants a PIN is told, and ssh has no terminal to ask for it', async () => {
    const sessions = join(host.sshd.folder, 'sessions');
    // SSH_ERR_KEY_WRONG_PASSPHRASE: what "PIN required" of an authenticator comes to.
    by({ before: `ps -o sid= -p $$ >> '${sessions}'`, error: 43 });
    const { machine } = await reached(host.lines);
    expect(await troubleOf(machine)).toMatchObject({
      code: 'auth-refused',
      what: expect.stringMatching(/ did not sign: it wants its PIN$/),
      fix: expect.stringContaining('SSH_ASKPASS'),
    });
    const own = execFileSync('ps', ['-o', 'sid=', '-p', String(process.pid)], { encoding: 'utf8' }).trim();
    const theirs = readFileSync(sessions, 'utf8').trim().split(/\s+/);
    expect(theirs.length).toBeGreaterThan(0);
    expect(theirs).not.toContain(own);
  });

  it('because nobody touches it is given up on, and the message says what it may have waited for', async () => {
    by({ before: waitFor(join(host.sshd.folder, 'touched')) });
    const { machine } = await reached(host.lines, { patience: { ready: 2000, touch: 1000 } });
    expect(await troubleOf(machine)).toMatchObject({
      code: 'timeout',
      what: expect.stringMatching(/^web01 .* showed its key, and the login did not end within 3 s$/),
      fix: expect.stringContaining('touch'),
    });
    writeFileSync(join(host.sshd.folder, 'touched'), '');
  });

  it('at once, but when it is touched, is waited for', async () => {
    const [asked, touched] = ['late-asked', 'late-touched'].map((name) => join(host.sshd.folder, name)) as [
      string,
      string,
    ];
    by({ before: `: > '${asked}'; ${waitFor(touched)}` });
    const told: string[] = [];
    const patience = { ready: 2000, hint: 100 };
    const { machine } = await reached(host.lines, { patience, tell: (line) => told.push(line) });
    const trouble = troubleOf(machine);
    await until(() => existsSync(asked) || undefined);
    await until(() => told.length > 0 || undefined);
    expect(told).toEqual([
      `web01: its key is on a security key (${host.key}); the login waits: touch it when it blinks`,
    ]);
    writeFileSync(touched, '');
    expect(await trouble).toBeUndefined();
  });
});

const cut = (sshd: Sshd): void => {
  for (const pid of sshd.sessions()) {
    if (/^sshd:/.test(commandOf(pid))) signal(pid, 'SIGKILL');
  }
};
const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};
