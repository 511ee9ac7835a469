import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { newShared } from '../../src/effects/ssh/shared.ts';
import type { SshTarget } from '../../src/effects/ssh/target.ts';
import { got, text, until } from '../contracts/machine.ts';
import { type Sshd, type SshdOptions, startSshd } from './sshd.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

async function server(options: SshdOptions = {}): Promise<Sshd> {
  const sshd = await startSshd(options);
  cleanUp.push(() => sshd.stop());
  return sshd;
}

const at = (sshd: Sshd, more: Partial<SshTarget> = {}): SshTarget => ({
  name: 'web01',
  address: sshd.address,
  port: sshd.port,
  user: sshd.user,
  identityFiles: [sshd.userKey],
  hostKeys: sshd.hostKeys,
  sudo: false,
  ...more,
});

/** Machines of one process, with patience for a slow computer. */
function machines(count: number, target: SshTarget): readonly Machine[] {
  const shared = newShared();
  return Array.from({ length: count }, () => {
    const machine = sshMachine(target, { home: '/nonexistent', shared, patience: { ready: 120_000 } });
    cleanUp.push(() => machine.close());
    return machine;
  });
}
const echo = (machine: Machine, word: string) => machine.exec({ argv: ['echo', word], root: false });

describe('many connections at once', () => {
  it('all come through an sshd that drops what is too much (MaxStartups at its default)', async () => {
    const sshd = await server({ config: ['MaxStartups 10:30:100'] });
    const outputs = await Promise.all(machines(60, at(sshd)).map((machine, i) => echo(machine, String(i))));
    expect(outputs.map((output) => text(got(output).stdout))).toEqual(outputs.map((_, i) => `${i}\n`));
  });

  it('all come through a bastion that drops what is too much, on one connection to it', async () => {
    const bastion = await server({ config: ['MaxStartups 10:30:100', 'MaxSessions 1'] });
    const sshd = await server({ config: ['MaxStartups 10:30:100'] });
    const target = at(sshd, { jumps: [at(bastion, { name: 'bastion' })] });
    const all = machines(30, target);
    const outputs = await Promise.all(all.map((machine, i) => echo(machine, String(i))));
    expect(outputs.map((output) => text(got(output).stdout))).toEqual(outputs.map((_, i) => `${i}\n`));
    expect(bastion.sessions()).toHaveLength(1);
  });

  it('are never more than ten that have not logged in', async () => {
    const sshd = await server();
    const relay = await startRelay(sshd.port);
    const running = Promise.all(machines(25, { ...at(sshd), port: relay.port }).map((machine) => echo(machine, 'x')));
    await until(() => (relay.open() >= 10 ? true : undefined));
    // Whoever is not held back comes now.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(relay.open()).toBe(10);
    relay.letThrough();
    for (const output of await running) expect(got(output).ended).toEqual({ how: 'exit', code: 0 });
    expect(relay.all()).toBe(25);
  });

  it('that wait for their turn can be given up', async () => {
    const sshd = await server();
    const relay = await startRelay(sshd.port);
    const all = machines(11, { ...at(sshd), port: relay.port });
    const running = all.map((machine) => echo(machine, 'x'));
    await until(() => (relay.open() === 10 ? true : undefined));
    for (const machine of all) void machine.close();
    for (const output of await Promise.all(running)) {
      expect(output).toMatchObject({ ok: false, error: { code: 'connection-closed' } });
    }
    expect(relay.all()).toBe(10);
  });
});

describe('a connection that is dropped before the login', () => {
  it('is tried again, as nothing was begun', async () => {
    const sshd = await server();
    const relay = await startRelay(sshd.port, { drop: 2 });
    relay.letThrough();
    const [machine] = machines(1, { ...at(sshd), port: relay.port });
    expect(text(got(await echo(machine as Machine, 'there')).stdout)).toBe('there\n');
    expect(relay.all()).toBe(3);
  });

  it('again and again is given up, with what the server said', async () => {
    const sshd = await server();
    const relay = await startRelay(sshd.port, { drop: 99, saying: 'Not allowed at this time\r\n' });
    const [machine] = machines(1, { ...at(sshd), port: relay.port });
    expect(await echo(machine as Machine, 'x')).toMatchObject({
      ok: false,
      error: { code: 'dropped', detail: 'Not allowed at this time' },
    });
    expect(relay.all()).toBe(5);
  });
});

describe('a server that allows one session a connection (MaxSessions 1)', () => {
  it('runs one program after the other', async () => {
    const sshd = await server({ config: ['MaxSessions 1'] });
    const [machine] = machines(1, at(sshd));
    const outputs = await Promise.all(Array.from({ length: 12 }, (_, i) => echo(machine as Machine, String(i))));
    expect(outputs.map((output) => text(got(output).stdout))).toEqual(outputs.map((_, i) => `${i}\n`));
  });
});

describe('an IPv6 address', () => {
  it.each(['::1', '0:0:0:0:0:0:0:1'])('is connected to: %s', async (address) => {
    const sshd = await server({ address: '::1' });
    const [machine] = machines(1, at(sshd, { address }));
    expect(text(got(await echo(machine as Machine, 'six')).stdout)).toBe('six\n');
    expect(await machine?.reachable(5000)).toEqual({ known: true, value: 'yes' });
  });

  it('has its key in known_hosts as [address]:port, also through a bastion', async () => {
    const sshd = await server({ address: '::1' });
    const bastion = await server();
    const { hostKeys: _, ...target } = at(sshd, { knownHosts: sshd.knownHosts });
    const [machine] = machines(1, { ...target, jumps: [at(bastion, { name: 'bastion' })] });
    expect(text(got(await echo(machine as Machine, 'six')).stdout)).toBe('six\n');
  });

  it.each(['fe80::1', 'fe80::1%lo', 'FE80:0::2'])('that is link-local is refused: %s', async (address) => {
    const sshd = await server();
    const [machine] = machines(1, at(sshd, { address }));
    expect(await echo(machine as Machine, 'x')).toMatchObject({
      ok: false,
      error: {
        code: 'address-unusable',
        what: `the address ${address} of web01 is link-local: it means another machine on every network that this one is on`,
      },
    });
  });
});

interface Relay {
  readonly port: number;
  /** Connections that are open now, and that there were at all. */
  open(): number;
  all(): number;
  /** Until then nothing passes. */
  letThrough(): void;
}

/** Passes connections on to a port; drops the first ones if told so. */
async function startRelay(to: number, { drop = 0, saying = '' } = {}): Promise<Relay> {
  const sockets = new Set<Socket>();
  let all = 0;
  let passing = false;
  const pass = (socket: Socket): void => {
    const onward = connect(to, '127.0.0.1');
    onward.on('error', () => socket.destroy());
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  };
  const relay: Server = createServer((socket) => {
    all++;
    socket.on('error', () => undefined);
    if (all <= drop) {
      // Read to its end, or it would stay open for ever.
      socket.resume();
      socket.end(saying);
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (passing) pass(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => relay.close(resolve));
  });
  const address = relay.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    open: () => sockets.size,
    all: () => all,
    letThrough: () => {
      passing = true;
      for (const socket of sockets) pass(socket);
    },
  };
}
