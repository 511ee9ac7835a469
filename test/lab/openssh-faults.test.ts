import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import { routedMachine } from '../../src/effects/ssh/routed-machine.ts';
import { routeTo } from '../../src/effects/ssh/settings.ts';
import { newShared } from '../../src/effects/ssh/shared.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { chooseTransport, type WantedTransport } from '../../src/effects/ssh/transport.ts';
import { alive, got, text, until } from '../contracts/machine.ts';
import { waitFor } from '../faults/hold.ts';
import { poll } from './poll.ts';
import { freePort, keygen, type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let folder: string;
const open: Machine[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-openssh-'));
  sshd = await startSshd({ keys: ['ed25519', 'ecdsa', 'rsa'] });
});
afterAll(async () => {
  for (const machine of open) await machine.close();
  await sshd.stop();
  rmSync(folder, { recursive: true, force: true });
});

type More = Partial<SshTarget> & { readonly config?: string; readonly destination?: string };

function targetAt(at: Sshd, more: Partial<SshTarget>): SshTarget {
  return {
    name: 'web01',
    address: at.address,
    port: at.port,
    user: at.user,
    identityFiles: [at.userKey],
    knownHosts: at.knownHosts,
    sudo: false,
    ...more,
  };
}

function machineAt({ config, destination, ...more }: More = {}, deps: Partial<SshDeps> = {}, at = sshd): Machine {
  const settings = {
    config: config === undefined ? '/dev/null' : write('config', config),
    ...(destination === undefined ? {} : { destination }),
  };
  const machine = opensshMachine(targetAt(at, more), settings, { home: join(folder, 'home'), ...deps });
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
const key = (type: string): string => sshd.hostKeys.find((k) => k.includes(type)) ?? '';
/** The `ssh` processes that hold a connection to a port, by their arguments. */
const masters = (port: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => alive(pid) && /^ssh .*-M .*/.test(commandOf(pid)) && commandOf(pid).includes(` -p ${port} `));
const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};

describe('by the ssh program, a host key', () => {
  it('that is not known, changed or revoked is told in the words of the other transport', async () => {
    keygen('ed25519', join(folder, 'other'));
    const other = readFileSync(join(folder, 'other.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    for (const [code, more] of [
      ['host-key-unknown', { knownHosts: known(() => []) }],
      ['host-key-changed', { knownHosts: write('changed', `[127.0.0.1]:${sshd.port} ${other}\n`) }],
      ['host-key-changed', { hostKeys: [other] }],
      [
        'host-key-revoked',
        { knownHosts: write('revoked', `[127.0.0.1]:${sshd.port} ${key('ed25519')}\n@revoked * ${key('ed25519')}\n`) },
      ],
    ] as const) {
      const theirs = sshMachine(targetAt(sshd, more), { home: join(folder, 'home') });
      const trouble = await troubleOf(machineAt(more));
      expect(trouble).toEqual(await troubleOf(theirs));
      expect(trouble?.code).toBe(code);
      await theirs.close();
    }
  });

  it.each(['ed25519', 'ecdsa', 'rsa'])('is asked for by the type that is known, and told: %s', async (type) => {
    const machine = machineAt({ knownHosts: known((name) => [`${name} ${key(type)}`]) });
    expect(got(await machine.hostKey())).toBe(key(type));
  });

  it('in the inventory counts alone, and no configuration makes ssh accept another', async () => {
    const config = [
      'StrictHostKeyChecking accept-new',
      'NoHostAuthenticationForLocalhost yes',
      'VerifyHostKeyDNS yes',
      `UserKnownHostsFile ${join(folder, 'grown')}`,
      '',
    ].join('\n');
    keygen('ed25519', join(folder, 'third'));
    const other = readFileSync(join(folder, 'third.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    expect(await troubleOf(machineAt({ config, hostKeys: [other] }))).toMatchObject({ code: 'host-key-changed' });
    expect(await troubleOf(machineAt({ config, hostKeys: [`${key('ed25519')} root@web01`] }))).toBeUndefined();
    expect(await troubleOf(machineAt({ config, knownHosts: known(() => []) }))).toMatchObject({
      code: 'host-key-unknown',
    });
    expect(existsSync(join(folder, 'grown'))).toBe(false);
  });

  it('in a hashed known_hosts is found', async () => {
    const knownHosts = known((name, keys) => keys.map((k) => `${name} ${k}`));
    execFileSync('ssh-keygen', ['-H', '-f', knownHosts], { stdio: 'ignore' });
    expect(await troubleOf(machineAt({ knownHosts }))).toBeUndefined();
  });

  it('vouched for by a certificate authority is accepted, and told as the key itself', async () => {
    const own = await startSshd();
    keygen('ed25519', join(folder, 'host-ca'));
    execFileSync('ssh-keygen', [
      '-q',
      '-s',
      join(folder, 'host-ca'),
      '-I',
      'web01',
      '-h',
      join(own.folder, 'host_ed25519.pub'),
    ]);
    const certified = await restarted(own, [`HostCertificate ${join(own.folder, 'host_ed25519-cert.pub')}`]);
    const knownHosts = write(
      'authority',
      `@cert-authority [127.0.0.1]:${own.port} ${readFileSync(join(folder, 'host-ca.pub'), 'utf8')}`,
    );
    const machine = machineAt({ knownHosts }, {}, own);
    expect(got(await machine.hostKey())).toBe(own.hostKeys[0]);
    certified.stop();
    await own.stop();
  });
});

/** A second sshd process with the configuration of another, which is stopped, and more lines. */
async function restarted(own: Sshd, lines: readonly string[]): Promise<{ stop(): void }> {
  process.kill(own.pid, 'SIGTERM');
  await until(() => (alive(own.pid) ? undefined : true));
  const file = join(own.folder, 'sshd_config');
  writeFileSync(file, `${lines.join('\n')}\n${readFileSync(file, 'utf8')}`);
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', '/usr/sbin/sshd', '-D', '-e', '-f', file], {
    stdio: 'ignore',
  });
  await until(() => {
    try {
      execFileSync('ssh-keyscan', ['-p', String(own.port), '-T', '1', '127.0.0.1'], { stdio: 'ignore' });
      return true;
    } catch {
      return undefined;
    }
  });
  return { stop: () => child.kill('SIGKILL') };
}

describe('by the ssh program, a host that cannot be reached', () => {
  it('is told by what ssh says', async () => {
    expect(await troubleOf(machineAt({ port: await freePort() }))).toMatchObject({ code: 'refused' });
    expect(await troubleOf(machineAt({ address: 'no-such-host.invalid' }))).toMatchObject({ code: 'name-unknown' });
    expect(await troubleOf(machineAt({ address: '127.255.255.255' }))).toMatchObject({ code: 'no-route' });
    keygen('ed25519', join(folder, 'stranger'));
    expect(
      await troubleOf(machineAt({ identityFiles: [join(folder, 'stranger')], identitiesOnly: true })),
    ).toMatchObject({ code: 'auth-refused' });
  });

  it('because what listens says nothing, or no more than HTTP', async () => {
    const silent = await listen(() => undefined);
    expect(await troubleOf(machineAt({ port: silent.port }, { patience: { ready: 300 } }))).toMatchObject({
      code: 'timeout',
    });
    await silent.close();
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

  it('is not waited for once it is closed here, and no ssh stays behind', async () => {
    const silent = await listen(() => undefined);
    const machine = machineAt({ port: silent.port }, { patience: { ready: 60_000 } });
    const running = exec(machine, 'true');
    await until(() => (silent.connections() > 0 ? true : undefined));
    await machine.close();
    expect(await running).toMatchObject({ ok: false, error: { code: 'connection-closed' } });
    await until(() => (masters(silent.port).length === 0 ? true : undefined));
    await silent.close();
  });
});

describe('by the ssh program, a connection that is lost', () => {
  it.each([
    ['the server', (own: Sshd) => own.sessions().filter((pid) => commandOf(pid).startsWith('sshd:'))],
    ['the ssh program itself', (own: Sshd) => masters(own.port)],
  ])(
    'in the middle of a command, by the end of %s, leaves its end unknown; the next call connects anew',
    async (_who, pids) => {
      const own = await startSshd();
      const machine = machineAt({ hostKeys: own.hostKeys }, {}, own);
      const file = join(folder, `runs-${own.port}`);
      const go = `${file}.go`;
      const running = exec(machine, 'sh', '-c', `echo run >> '${file}'; ${waitFor(go)}; exit 255`);
      await until(() => (existsSync(file) ? true : undefined));
      for (const pid of pids(own)) process.kill(pid, 'SIGKILL');
      expect(got(await running).ended).toMatchObject({ how: 'lost', trouble: { code: 'connection-lost' } });
      expect(text(got(await exec(machine, 'cat', file)).stdout)).toBe('run\n');
      writeFileSync(go, '');
      await machine.close();
      await own.stop();
    },
  );

  it('because the server is frozen is noticed by keepalives', async () => {
    const own = await startSshd();
    const machine = machineAt({ hostKeys: own.hostKeys }, { patience: { keepalive: 2000 } }, own);
    const running = exec(machine, 'sleep', '60');
    const frozen = await until(() => {
      const pids = own.sessions();
      return pids.some((pid) => commandOf(pid).startsWith('sleep')) ? pids : undefined;
    });
    for (const pid of frozen) if (commandOf(pid).startsWith('sshd:')) process.kill(pid, 'SIGSTOP');
    expect(got(await running).ended).toMatchObject({
      how: 'lost',
      trouble: { what: 'the SSH connection to web01 was lost: it stopped answering' },
    });
    await machine.close();
    await own.stop();
  });

  it('by close ends what runs, leaves no ssh and no file behind, and nothing starts afterwards', async () => {
    const own = await startSshd();
    const machine = machineAt({ hostKeys: own.hostKeys }, {}, own);
    const [began, go] = [join(folder, 'began'), join(folder, 'go')];
    const running = exec(machine, 'sh', '-c', `: > '${began}'; ${waitFor(go)}`);
    await until(() => (existsSync(began) ? true : undefined));
    const [master = 0] = masters(own.port);
    const socket = /-S (\S+)/.exec(commandOf(master))?.[1] ?? '';
    expect(existsSync(socket)).toBe(true);
    await machine.close();
    expect(got(await running).ended).toMatchObject({ how: 'lost', trouble: { code: 'connection-closed' } });
    expect(await exec(machine, 'true')).toMatchObject({ ok: false, error: { code: 'connection-closed' } });
    await until(() => (alive(master) || existsSync(join(socket, '..')) ? undefined : true));
    writeFileSync(go, '');
    await own.stop();
  });

  it('stays while nothing is asked of it, and ends by itself once the process that holds it is gone', async () => {
    const own = await startSshd();
    const machine = machineAt({ hostKeys: own.hostKeys }, {}, own);
    await exec(machine, 'true');
    const [master = 0] = masters(own.port);
    // Longer than an ssh with nobody at its socket waits.
    await new Promise((resolve) => setTimeout(resolve, 13_000));
    expect(await troubleOf(machine)).toBeUndefined();
    expect(masters(own.port)).toEqual([master]);
    const orphan = spawn(process.execPath, ['-e', holdSocket, /-S (\S+)/.exec(commandOf(master))?.[1] ?? '']);
    await new Promise((resolve) => orphan.stdout.once('data', resolve));
    orphan.kill('SIGKILL');
    await machine.close();
    await poll('the ssh ends', () => (alive(master) ? undefined : true));
    await own.stop();
  });
});

/** Connects to a control socket and does nothing. */
const holdSocket = `require('node:net').connect(process.argv[1]).on('data', () => console.log('held')); setInterval(() => {}, 1000);`;

describe('only the ssh program', () => {
  it('logs in with a certificate', async () => {
    keygen('ed25519', join(folder, 'user-ca'));
    keygen('ed25519', join(folder, 'certified'));
    const own = await startSshd({ config: [`TrustedUserCAKeys ${join(folder, 'user-ca.pub')}`] });
    const more = { hostKeys: own.hostKeys, identityFiles: [join(folder, 'certified')], identitiesOnly: true };
    expect(await troubleOf(machineAt(more, {}, own))).toMatchObject({ code: 'auth-refused' });
    execFileSync('ssh-keygen', [
      '-q',
      '-s',
      join(folder, 'user-ca'),
      '-I',
      'operator',
      '-n',
      'root',
      join(folder, 'certified.pub'),
    ]);
    expect(await troubleOf(machineAt(more, {}, own))).toBeUndefined();
    const expired = join(folder, 'expired');
    keygen('ed25519', expired);
    execFileSync('ssh-keygen', [
      '-q',
      '-s',
      join(folder, 'user-ca'),
      '-I',
      'operator',
      '-n',
      'root',
      '-V',
      '20200101:20200102',
      `${expired}.pub`,
    ]);
    expect(await troubleOf(machineAt({ ...more, identityFiles: [expired] }, {}, own))).toMatchObject({
      code: 'auth-refused',
    });
    await own.stop();
  });

  it('goes by a ProxyCommand, and its connection ends with it', async () => {
    const marks = join(folder, 'proxied');
    const config = `Host web01\n  ProxyCommand sh -c 'echo %h %p >> ${marks}; exec ${process.execPath} ${proxy()} %h %p'\n`;
    const machine = machineAt({ config, destination: 'web01', hostKeys: sshd.hostKeys });
    expect(await troubleOf(machine)).toBeUndefined();
    expect(readFileSync(marks, 'utf8')).toBe(`127.0.0.1 ${sshd.port}\n`);
    const proxied = { config, destination: 'web01', hostKeys: sshd.hostKeys, proxied: true };
    expect(await machineAt(proxied).reachable(20_000)).toEqual({ known: true, value: 'yes' });
    // Whether it is the way or the host that is broken cannot be told from here.
    const nowhere = machineAt({ ...proxied, port: await freePort() });
    expect(await nowhere.reachable(20_000)).toEqual({ known: true, value: 'silent' });
    await machine.close();
  });

  it('asks a program of the operator for the known keys, of the host and of a bastion', async () => {
    const gate = await startSshd();
    const program = (name: string, lines: readonly string[]): string => {
      const path = write(name, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`);
      chmodSync(path, 0o755);
      return `${path} %H`;
    };
    const line = (at: Sshd, keys = at.hostKeys): readonly string[] => keys.map((k) => `[127.0.0.1]:${at.port} ${k}`);
    const knows = program('knows', [...line(sshd), ...line(gate)]);
    const errs = program('errs', [...line(sshd), ...line(gate, [key('ed25519')])]);
    const none = { knownHosts: write('knows-nobody', '') };
    const through = (knownHostsCommand: string): Partial<SshTarget> => ({
      ...none,
      knownHostsCommand,
      jumps: [targetAt(gate, { name: 'gate', ...none, knownHostsCommand })],
    });
    expect(await troubleOf(machineAt({ ...none, knownHostsCommand: knows }))).toBeUndefined();
    expect(await troubleOf(machineAt(none))).toMatchObject({ code: 'host-key-unknown' });
    expect(await troubleOf(machineAt(through(knows)))).toBeUndefined();
    expect(await troubleOf(machineAt(through(errs)))).toMatchObject({ what: expect.stringContaining('gate') });
    await gate.stop();
  });

  it('speaks to a server that has only a post-quantum key exchange', async () => {
    const own = await startSshd({ config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] });
    expect(await troubleOf(machineAt({ hostKeys: own.hostKeys }, {}, own))).toBeUndefined();
    await own.stop();
  });

  it('goes by machines on the way, each of which shows its own key', async () => {
    const [first, second, last] = [await startSshd(), await startSshd(), await startSshd()];
    const hop = (at: Sshd, name: string, more: Partial<SshTarget> = {}) =>
      targetAt(at, { name, hostKeys: at.hostKeys, ...more });
    const jumps = [hop(first, 'outer'), hop(second, 'inner')];
    expect(await troubleOf(machineAt({ jumps, hostKeys: last.hostKeys }, {}, last))).toBeUndefined();
    const wrong = [hop(first, 'outer', { hostKeys: last.hostKeys }), hop(second, 'inner')];
    expect(await troubleOf(machineAt({ jumps: wrong, hostKeys: last.hostKeys }, {}, last))).toMatchObject({
      code: 'host-key-changed',
      what: expect.stringContaining('is reached by way of outer, and that does not work: the host key of outer'),
    });
    for (const at of [first, second, last]) await at.stop();
  });
});

describe('the transport of a host', () => {
  const reach = async (at: Sshd, transport: WantedTransport, config: string, ssh: object = {}) => {
    const entry = {
      ...{ user: 'root', port: at.port, identity_files: [at.userKey], host_keys: [...at.hostKeys] },
      ...{ transport, config: write(`config-${at.port}`, config), ...ssh },
    };
    const host = { name: 'web01', addresses: [at.address], serial: 'S1', ssh: entry };
    const home = join(folder, 'home');
    const route = await routeTo(host, { hosts: [host], folder, home, user: 'root', environment: process.env });
    const chosen = chooseTransport(transport, route.needs);
    const machine = await routedMachine(route, chosen, { home, shared: newShared() });
    open.push(machine);
    return { chosen, trouble: await troubleOf(machine) };
  };

  it('is chosen by what its configuration asks for, and said', async () => {
    expect(await reach(sshd, 'auto', '')).toEqual({
      chosen: { by: 'ssh2', otherwise: true, words: [] },
      trouble: undefined,
    });
    const program = `${process.execPath} ${proxy()} %h %p`;
    const proxied = await reach(sshd, 'auto', `Host web01\n  ProxyCommand ${program}\n`);
    expect(proxied.trouble).toBeUndefined();
    expect(proxied.chosen).toMatchObject({ by: 'openssh' });
    expect(proxied.chosen.words[0]).toContain('over SSH by the ssh program: web01: it is reached by a program');
  });

  it('is the ssh program where ssh2 and the server have no algorithm in common, unless hosts.yaml says ssh2', async () => {
    const own = await startSshd({ config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] });
    expect(await reach(own, 'auto', '')).toMatchObject({ chosen: { by: 'ssh2' }, trouble: undefined });
    expect((await reach(own, 'ssh2', '')).trouble).toMatchObject({ code: 'no-common-algorithm' });
    await own.stop();
  });
});

it('a configuration that would forward, run or send something has none of it done', async () => {
  const port = await freePort();
  const config = [
    'ForwardAgent yes',
    `LocalForward 127.0.0.1:${port} 127.0.0.1:${sshd.port}`,
    'PermitLocalCommand yes',
    `LocalCommand touch ${join(folder, 'local-command')}`,
    'RemoteCommand touch /tmp/decom-never',
    'RequestTTY force',
    '',
  ].join('\n');
  const agent = spawn('ssh-agent', ['-D', '-a', join(folder, 'agent.sock')], { stdio: 'ignore' });
  await until(() => (existsSync(join(folder, 'agent.sock')) ? true : undefined));
  const machine = machineAt({ config, hostKeys: sshd.hostKeys }, { agent: join(folder, 'agent.sock') });
  expect(text(got(await exec(machine, 'sh', '-c', 'echo "$SSH_AUTH_SOCK|$SSH_TTY"')).stdout)).toBe('|\n');
  expect(existsSync(join(folder, 'local-command'))).toBe(false);
  expect(existsSync('/tmp/decom-never')).toBe(false);
  const taken = createServer();
  await new Promise<void>((resolve, reject) => {
    taken.once('error', reject);
    taken.listen(port, '127.0.0.1', resolve);
  });
  taken.close();
  agent.kill();
});

it('a login banner and a login script that talks are not taken for the words of a program', async () => {
  const banner = write('banner', 'Permission denied, said the banner.\nAuthorized use only.\n');
  appendFileSync(banner, 'x'.repeat(20_000));
  const own = await startSshd({ config: [`Banner ${banner}`] });
  const output = got(await exec(machineAt({ hostKeys: own.hostKeys }, {}, own), 'sh', '-c', 'echo out; echo err >&2'));
  expect([text(output.stdout), text(output.stderr)]).toEqual(['out\n', 'err\n']);
  await own.stop();
});

/** A program that carries a connection, as `nc` does. */
const proxy = (): string =>
  write(
    'proxy.cjs',
    "const s = require('node:net').connect(Number(process.argv[3]), process.argv[2]); process.stdin.pipe(s); s.pipe(process.stdout); s.on('close', () => process.exit());",
  );

interface Listener {
  readonly port: number;
  connections(): number;
  close(): Promise<void>;
}

function listen(serve: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
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
