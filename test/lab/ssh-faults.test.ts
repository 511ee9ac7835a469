import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ended, Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { alive, got, text, until } from '../contracts/machine.ts';
import { waitFor } from '../faults/hold.ts';
import { makeAccount } from './account.ts';
import { freePort, keygen, type Sshd, signal, startSshd } from './sshd.ts';

let sshd: Sshd;
let folder: string;
const open: Machine[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-faults-'));
  sshd = await startSshd({ keys: ['ed25519', 'ecdsa', 'rsa'] });
});
afterAll(async () => {
  for (const machine of open) await machine.close();
  await sshd.stop();
  rmSync(folder, { recursive: true, force: true });
});

function machineAt(more: Partial<SshTarget> = {}, deps: Partial<SshDeps> = {}): Machine {
  const base: SshTarget = {
    name: 'web01',
    address: sshd.address,
    port: sshd.port,
    user: sshd.user,
    identityFiles: [sshd.userKey],
    knownHosts: sshd.knownHosts,
    sudo: false,
  };
  const machine = sshMachine({ ...base, ...more }, { home: join(folder, 'home'), ...deps });
  open.push(machine);
  return machine;
}

const exec = (machine: Machine, ...argv: string[]) => machine.exec({ argv, root: false });
const troubleOf = async (machine: Machine) => {
  const result = await exec(machine, 'true');
  return result.ok ? undefined : result.error;
};
const write = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const known = (lines: (name: string, keys: readonly string[]) => readonly string[]): string =>
  write('known_hosts', `${lines(`[127.0.0.1]:${sshd.port}`, sshd.hostKeys).join('\n')}\n`);
const fingerprintOf = (type: string): string =>
  execFileSync('ssh-keygen', ['-lf', join(sshd.folder, `host_${type}.pub`)], { encoding: 'utf8' }).split(' ')[1] ?? '';
const key = (type: string): string => sshd.hostKeys.find((k) => k.includes(type)) ?? '';

describe('a host key', () => {
  it('that is not known stops the login, with its fingerprint and what to do', async () => {
    const knownHosts = known(() => []);
    expect(await troubleOf(machineAt({ knownHosts }))).toEqual({
      code: 'host-key-unknown',
      what: `the host key of web01 (127.0.0.1, port ${sshd.port}) is not known: ssh-ed25519 ${fingerprintOf('ed25519')}`,
      fix:
        "Compare it at the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then put the key into " +
        `ssh.host_keys of web01 in hosts.yaml, or accept it with: echo '[127.0.0.1]:${sshd.port} ${key('ed25519')}' >> ${knownHosts}`,
      detail: key('ed25519'),
    });
  });

  it('is accepted once the command that the trouble names has been run', async () => {
    const knownHosts = join(folder, 'new_known_hosts');
    const fix = (await troubleOf(machineAt({ knownHosts })))?.fix ?? '';
    execFileSync('sh', ['-c', fix.slice(fix.indexOf('echo '))]);
    expect(await troubleOf(machineAt({ knownHosts }))).toBeUndefined();
  });

  it('that is not the known one stops the login', async () => {
    keygen('ed25519', join(folder, 'other'));
    const other = readFileSync(join(folder, 'other.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    const trouble = await troubleOf(machineAt({ knownHosts: known((name) => [`${name} ${other}`]) }));
    expect(trouble?.code).toBe('host-key-changed');
    expect(trouble?.what).toContain(fingerprintOf('ed25519'));
    expect(await troubleOf(machineAt({ hostKeys: [other] }))).toMatchObject({ code: 'host-key-changed' });
  });

  it.each(['ed25519', 'ecdsa', 'rsa'])('is asked for by the type that is known: %s', async (type) => {
    const machine = machineAt({ knownHosts: known((name) => [`${name} ${key(type)}`]) });
    expect(got(await machine.hostKey())).toBe(key(type));
  });

  it('of another type than the known one is a changed key, not an unknown one', async () => {
    const ecdsaOnly = await startSshd({ keys: ['ecdsa'] });
    const machine = machineAt({ port: ecdsaOnly.port, identityFiles: [ecdsaOnly.userKey], hostKeys: [key('ed25519')] });
    expect((await troubleOf(machine))?.code).toBe('host-key-changed');
    await ecdsaOnly.stop();
  });

  it('that is revoked is refused, also where another line knows it', async () => {
    const knownHosts = known((name) => [`${name} ${key('ed25519')}`, `@revoked * ${key('ed25519')}`]);
    expect(await troubleOf(machineAt({ knownHosts }))).toMatchObject({ code: 'host-key-revoked' });
  });

  it('behind a certificate authority only is refused, and why is said', async () => {
    const knownHosts = known((name) => [`@cert-authority ${name} ${key('rsa')}`]);
    expect(await troubleOf(machineAt({ knownHosts }))).toMatchObject({ code: 'host-key-authority' });
  });

  it('in a hashed known_hosts is found', async () => {
    const knownHosts = known((name, keys) => keys.map((k) => `${name} ${k}`));
    execFileSync('ssh-keygen', ['-H', '-f', knownHosts], { stdio: 'ignore' });
    expect(readFileSync(knownHosts, 'utf8')).toMatch(/^\|1\|/);
    expect(await troubleOf(machineAt({ knownHosts }))).toBeUndefined();
  });

  it('cannot be checked where known_hosts cannot be read, and nothing goes on', async () => {
    const knownHosts = join(folder, 'a-folder');
    mkdirSync(knownHosts, { recursive: true });
    expect(await troubleOf(machineAt({ knownHosts }))).toMatchObject({ code: 'host-key-unreadable' });
    expect(await troubleOf(machineAt({ hostKeys: ['ssh-ed25519 nonsense'] }))).toMatchObject({
      code: 'host-key-unreadable',
    });
  });

  it('in the inventory counts alone, whatever known_hosts says', async () => {
    const knownHosts = known(() => []);
    expect(await troubleOf(machineAt({ knownHosts, hostKeys: [`${key('ed25519')} root@web01`] }))).toBeUndefined();
  });
});

describe('a login', () => {
  it('with a key that the account does not accept is refused', async () => {
    keygen('ed25519', join(folder, 'stranger'));
    expect(await troubleOf(machineAt({ identityFiles: [join(folder, 'stranger')] }))).toMatchObject({
      code: 'auth-refused',
      what: `root@web01 (127.0.0.1, port ${sshd.port}) refused the login; offered: ${join(folder, 'stranger')}`,
    });
  });

  it('with nothing to offer says so', async () => {
    const { identityFiles: _, ...target } = { identityFiles: undefined };
    const machine = sshMachine(
      {
        name: 'web01',
        address: sshd.address,
        port: sshd.port,
        user: 'root',
        knownHosts: sshd.knownHosts,
        sudo: false,
        ...target,
      },
      { home: join(folder, 'nobody') },
    );
    open.push(machine);
    expect(await troubleOf(machine)).toMatchObject({ code: 'no-key' });
  });

  it('with a key that has a passphrase asks for an agent, and works with one', async () => {
    const file = join(folder, 'locked');
    keygen('ed25519', file, 'open sesame');
    expect(await troubleOf(machineAt({ identityFiles: [file] }))).toMatchObject({
      code: 'key-encrypted',
      fix: `Start an agent and hand it the key: eval "$(ssh-agent)" && ssh-add ${file}; or say where its passphrase is kept: ssh.passphrase in hosts.yaml.`,
    });
    appendFileSync(join(sshd.folder, 'authorized_keys'), readFileSync(`${file}.pub`));
    const agent = await startAgent(file, 'open sesame');
    expect(await troubleOf(machineAt({ identityFiles: [file] }, { agent: agent.socket }))).toBeUndefined();
    agent.stop();
  });

  it('goes on to the key files where the agent does not answer', async () => {
    mkdirSync(join(folder, 'home/.ssh'), { recursive: true });
    writeFileSync(join(folder, 'home/.ssh/id_ed25519'), readFileSync(sshd.userKey), { mode: 0o600 });
    const machine = sshMachine(
      { name: 'web01', address: sshd.address, port: sshd.port, user: 'root', knownHosts: sshd.knownHosts, sudo: false },
      { home: join(folder, 'home'), agent: join(folder, 'no-agent.sock') },
    );
    open.push(machine);
    expect(await troubleOf(machine)).toBeUndefined();
  });
});

describe('a host that cannot be reached', () => {
  it('because nothing listens there', async () => {
    const port = await freePort();
    const machine = machineAt({ port });
    expect(await troubleOf(machine)).toMatchObject({ code: 'refused' });
    expect(await machine.reachable(1000)).toEqual({ known: true, value: 'no' });
  });

  it('because its name is unknown', async () => {
    expect(await troubleOf(machineAt({ address: 'no-such-host.invalid' }))).toMatchObject({ code: 'name-unknown' });
  });

  it('because there is no route', async () => {
    // The broadcast address of loopback: the kernel refuses it for TCP, and sends nothing.
    expect(await troubleOf(machineAt({ address: '127.255.255.255' }))).toMatchObject({ code: 'no-route' });
  });

  it('because what listens says nothing', async () => {
    const silent = await listen(() => undefined);
    const machine = machineAt({ port: silent.port }, { patience: { ready: 300 } });
    expect(await troubleOf(machine)).toMatchObject({ code: 'timeout' });
    await silent.close();
  });

  it('because what listens is no SSH server', async () => {
    const web = await listen((socket) => socket.end('HTTP/1.0 400 Bad Request\r\n\r\n'));
    expect(['ssh-failed', 'dropped']).toContain((await troubleOf(machineAt({ port: web.port })))?.code);
    await web.close();
  });

  it('because it closes every connection: five attempts, then trouble', async () => {
    let attempts = 0;
    const closing = await listen((socket) => {
      attempts++;
      socket.destroy();
    });
    expect(await troubleOf(machineAt({ port: closing.port }))).toMatchObject({ code: 'dropped' });
    expect(attempts).toBe(5);
    await closing.close();
  });

  it('is not waited for once the caller has given up', async () => {
    const silent = await listen(() => undefined);
    const machine = machineAt({ port: silent.port }, { patience: { ready: 60_000 } });
    const abort = new AbortController();
    const running = machine.exec({ argv: ['true'], root: false }, { signal: abort.signal });
    await until(() => (silent.connections() > 0 ? true : undefined));
    abort.abort();
    expect(await running).toMatchObject({ ok: false, error: { code: 'aborted' } });
    await machine.close();
    await silent.close();
  });
});

describe('a connection that is lost', () => {
  it('in the middle of a command leaves its end unknown, and the next call connects again', async () => {
    const own = await startSshd();
    const machine = machineAt({ port: own.port, identityFiles: [own.userKey], hostKeys: own.hostKeys });
    const file = join(folder, 'runs');
    const go = join(folder, 'go');
    const running = exec(machine, 'sh', '-c', `echo run >> '${file}'; ${waitFor(go)}`);
    await until(() => (existsSync(file) ? true : undefined));
    for (const pid of own.sessions()) if (commandOf(pid).startsWith('sshd:')) signal(pid, 'SIGKILL');
    expect(got(await running).ended).toMatchObject({ how: 'lost', trouble: { code: 'connection-lost' } });
    expect(text(got(await exec(machine, 'cat', file)).stdout)).toBe('run\n');
    writeFileSync(go, '');
    await machine.close();
    await own.stop();
  });

  it('ends a stream, whose end says that it is not whole', async () => {
    const own = await startSshd();
    const machine = machineAt({ port: own.port, identityFiles: [own.userKey], hostKeys: own.hostKeys });
    const started = got(await machine.start({ argv: ['cat', '/dev/zero'], root: false }));
    started.stderr.resume();
    let bytes = 0;
    for await (const chunk of started.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > 10_000_000) {
        bytes = Number.NEGATIVE_INFINITY;
        for (const pid of own.sessions()) signal(pid, 'SIGKILL');
      }
    }
    expect(await started.ended).toMatchObject({ how: 'lost' });
    await machine.close();
    await own.stop();
  });

  it('because the server is frozen is noticed by keepalives', async () => {
    const own = await startSshd();
    const machine = machineAt(
      { port: own.port, identityFiles: [own.userKey], hostKeys: own.hostKeys },
      { patience: { keepalive: 2000 } },
    );
    const running = exec(machine, 'sleep', '60');
    const frozen = await until(() => {
      const pids = own.sessions();
      return pids.some((pid) => commandOf(pid).startsWith('sleep')) ? pids : undefined;
    });
    for (const pid of frozen) signal(pid, 'SIGSTOP');
    const ended: Ended = got(await running).ended;
    expect(ended).toMatchObject({
      how: 'lost',
      trouble: { what: 'the SSH connection to web01 was lost: it stopped answering' },
    });
    await machine.close();
    await own.stop();
  });

  it('while aborting leaves the end unknown', async () => {
    const own = await startSshd();
    const machine = machineAt({ port: own.port, identityFiles: [own.userKey], hostKeys: own.hostKeys });
    const abort = new AbortController();
    const started = got(await machine.start({ argv: ['sleep', '60'], root: false }, { signal: abort.signal }));
    started.stdout.resume();
    started.stderr.resume();
    for (const pid of own.sessions()) signal(pid, 'SIGSTOP');
    abort.abort();
    for (const pid of own.sessions()) signal(pid, 'SIGKILL');
    expect(await started.ended).toMatchObject({ how: 'lost' });
    await machine.close();
    await own.stop();
  });

  it('by close ends what runs, and nothing starts afterwards', async () => {
    const machine = machineAt();
    const [began, ended] = [join(folder, 'began'), join(folder, 'ended')];
    const running = exec(machine, 'sh', '-c', `: > '${began}'; ${waitFor(ended)}`);
    await until(() => (existsSync(began) ? true : undefined));
    await machine.close();
    expect(got(await running).ended).toMatchObject({ how: 'lost', trouble: { code: 'connection-closed' } });
    expect(await exec(machine, 'true')).toMatchObject({ ok: false, error: { code: 'connection-closed' } });
    writeFileSync(ended, '');
  });
});

describe('a server that runs no programs', () => {
  it('because a forced command replaces them is told as such, and nothing counts as done', async () => {
    const own = await startSshd({ config: ['ForceCommand echo this account is closed >&2'] });
    const machine = machineAt({ port: own.port, identityFiles: [own.userKey], hostKeys: own.hostKeys });
    expect(await troubleOf(machine)).toMatchObject({ code: 'no-shell', detail: 'this account is closed' });
    await own.stop();
  });

  it('because it allows no session is told as such', async () => {
    const own = await startSshd({ config: ['MaxSessions 0'] });
    const machine = machineAt({ port: own.port, identityFiles: [own.userKey], hostKeys: own.hostKeys });
    expect(await troubleOf(machine)).toMatchObject({ code: 'no-channel' });
    await own.stop();
  });
});

describe('root', () => {
  const name = `decom-r${process.pid}`;
  let own: Sshd;
  beforeAll(async () => {
    own = await startSshd({ user: name });
  });
  afterAll(() => own.stop());
  const as = (sudo: boolean): Machine =>
    machineAt({ port: own.port, user: name, identityFiles: [own.userKey], hostKeys: own.hostKeys, sudo });
  const whoAmI = { argv: ['id', '-u'], root: true };

  it('without sudo in the inventory is trouble for a login that is not root', async () => {
    const account = makeAccount(name, 'ALL=(root) NOPASSWD: ALL');
    expect(await as(false).exec(whoAmI)).toMatchObject({
      ok: false,
      error: { code: 'root-needed', fix: 'Set ssh.sudo: true for web01 in hosts.yaml, or log in as root.' },
    });
    account.remove();
  });

  it('comes by sudo, and only where it is asked for', async () => {
    const account = makeAccount(name, 'ALL=(root) NOPASSWD: ALL');
    const machine = as(true);
    expect(text(got(await machine.exec(whoAmI)).stdout)).toBe('0\n');
    expect(text(got(await machine.exec({ ...whoAmI, root: false })).stdout)).not.toBe('0\n');
    expect(got(await machine.exec({ argv: ['no-such-program'], root: true })).ended).toEqual({
      how: 'exit',
      code: 127,
    });
    expect(got(await machine.exec({ argv: ['false'], root: true })).ended).toEqual({ how: 'exit', code: 1 });
    account.remove();
  });

  it.each([
    ['there is no rule', undefined],
    ['a password is wanted', 'ALL=(root) ALL'],
    ['another program is allowed', 'ALL=(root) NOPASSWD: /bin/true'],
  ])('is refused by sudo where %s, before anything runs', async (_why, rule) => {
    const account = makeAccount(name, rule);
    const machine = as(true);
    const refused = { ok: false, error: { code: 'sudo-refused' } };
    expect(await machine.exec(whoAmI)).toMatchObject(refused);
    expect(await machine.exec({ ...whoAmI, directory: '/tmp' })).toMatchObject(refused);
    expect(await machine.start(whoAmI)).toMatchObject(refused);
    account.remove();
  });

  it('by a rule for one program is enough for that program', async () => {
    const account = makeAccount(name, 'ALL=(root) NOPASSWD: /usr/bin/id -u');
    expect(text(got(await as(true).exec(whoAmI)).stdout)).toBe('0\n');
    account.remove();
  });

  it('is kept from a program whose abort sudo does not allow: it is not called gone', async () => {
    const account = makeAccount(name, 'ALL=(root) NOPASSWD: /bin/sleep 61');
    const abort = new AbortController();
    const running = as(true).exec({ argv: ['/bin/sleep', '61'], root: true }, { signal: abort.signal });
    const pid = await until(() => own.sessions().find((p) => commandOf(p) === '/bin/sleep 61'));
    abort.abort();
    expect(got(await running).ended).toMatchObject({ how: 'aborted', trouble: { code: 'abort-unconfirmed' } });
    expect(alive(pid)).toBe(true);
    signal(pid, 'SIGKILL');
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

interface Listener {
  readonly port: number;
  connections(): number;
  close(): Promise<void>;
}

function listen(serve: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        connections: () => sockets.size,
        close: () => {
          for (const socket of sockets) socket.destroy();
          return new Promise((done) => server.close(() => done()));
        },
      });
    });
  });
}

async function startAgent(file: string, passphrase: string): Promise<{ readonly socket: string; stop(): void }> {
  const socket = join(folder, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  await until(() => (existsSync(socket) ? true : undefined));
  const askpass = join(folder, 'askpass');
  writeFileSync(askpass, `#!/bin/sh\necho '${passphrase}'\n`, { mode: 0o700 });
  execFileSync('ssh-add', ['-q', file], {
    env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' },
    stdio: 'ignore',
  });
  return { socket, stop: () => agent.kill() };
}
