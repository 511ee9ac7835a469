import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { freePort, type Sshd, signal, startSshd } from './sshd.ts';
import { targetAt, transports } from './transports.ts';

let folder: string;
let outer: Sshd;
let inner: Sshd;
let host: Sshd;
const open: Machine[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-reach-'));
  [outer, inner, host] = await Promise.all([startSshd(), startSshd(), startSshd()]);
});
afterEach(async () => {
  for (const machine of open.splice(0)) await machine.close();
});
afterAll(async () => {
  for (const sshd of [host, inner, outer]) await sshd.stop();
  rmSync(folder, { recursive: true, force: true });
});

const unhurried = 20_000;
const kept = (machine: Machine): Machine => {
  open.push(machine);
  return machine;
};

describe.each(transports)('by %s, a host behind bastions', (_by, make) => {
  const machineAt = (target: SshTarget, deps: Partial<SshDeps> = {}) => kept(make(target, deps));
  const behind = (more: Partial<SshTarget> = {}) =>
    targetAt(host, 'web01', { jumps: [targetAt(outer, 'outer'), targetAt(inner, 'inner')], ...more });

  it('that listens can be reached', async () => {
    expect(await machineAt(behind()).reachable(unhurried)).toEqual({ known: true, value: 'yes' });
  });

  it('on which nothing listens cannot: the last bastion says so', async () => {
    const machine = machineAt(behind({ port: await freePort() }));
    expect(await machine.reachable(unhurried)).toEqual({ known: true, value: 'no' });
  });

  it('that accepts a connection and says nothing can be reached', async () => {
    const silent = await listening();
    const machine = machineAt(behind({ port: silent.port }));
    expect(await machine.reachable(unhurried)).toEqual({ known: true, value: 'yes' });
    await silent.close();
  });

  it('that is silent cannot, while the last bastion still answers', async () => {
    const deaf = await silentPort();
    const machine = machineAt(behind({ port: deaf.port }));
    expect(await machine.reachable(2000)).toEqual({ known: true, value: 'no' });
    await deaf.close();
  });

  it('whose name the bastion cannot resolve is unknown: that says nothing of the host', async () => {
    const machine = machineAt(behind({ address: 'no-such-host.invalid' }));
    expect(await machine.reachable(unhurried)).toMatchObject({ known: false, trouble: { code: 'name-unknown' } });
  });

  it('is unknown where a bastion is gone, whichever', async () => {
    const port = await freePort();
    for (const jumps of [
      [{ ...targetAt(outer, 'outer'), port }, targetAt(inner, 'inner')],
      [targetAt(outer, 'outer'), { ...targetAt(inner, 'inner'), port }],
    ]) {
      // Nothing listens on the host either: a bastion that is gone must not make that a "no".
      const machine = machineAt(behind({ jumps, port: await freePort() }));
      expect(await machine.reachable(unhurried)).toMatchObject({
        known: false,
        trouble: { what: expect.stringContaining('web01 is reached by way of inner, and that does not work') },
      });
    }
  });

  it('is unknown where the last bastion is frozen', async () => {
    const own = await startSshd();
    const machine = machineAt(behind({ jumps: [targetAt(outer, 'outer'), targetAt(own, 'inner')] }), {
      patience: { ready: 3000 },
    });
    for (const pid of [...own.sessions(), own.pid]) signal(pid, 'SIGSTOP');
    expect(await machine.reachable(1000)).toMatchObject({ known: false });
    for (const pid of [...own.sessions(), own.pid]) signal(pid, 'SIGCONT');
    await own.stop();
  });

  it('is unknown where the last bastion forwards nothing, or shows another key', async () => {
    const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
    const port = await freePort();
    const shut = machineAt(behind({ port, jumps: [targetAt(closed, 'inner')] }));
    expect(await shut.reachable(unhurried)).toMatchObject({ known: false, trouble: { code: 'forwarding-refused' } });
    const other = machineAt(behind({ port, jumps: [targetAt(closed, 'inner', { hostKeys: host.hostKeys })] }));
    expect(await other.reachable(unhurried)).toMatchObject({ known: false, trouble: { code: 'host-key-changed' } });
    await closed.stop();
  });
});

describe('without anything in between', () => {
  it('a name that cannot be resolved says nothing of the host', async () => {
    const machine = kept(
      sshMachine(targetAt(host, 'web01', { address: 'no-such-host.invalid' }), { home: '/nonexistent' }),
    );
    expect(await machine.reachable(unhurried)).toMatchObject({ known: false, trouble: { code: 'name-unknown' } });
  });

  it('nor does a network that this computer has no way to', async () => {
    // Nothing goes anywhere from the address of loopback.
    const machine = kept(
      sshMachine(targetAt(host, 'web01', { localAddress: '127.0.0.1', address: '192.0.2.1' }), {
        home: '/nonexistent',
      }),
    );
    expect(await machine.reachable(unhurried)).toMatchObject({ known: false, trouble: { code: 'no-route' } });
  });
});

describe('by the ssh program, a host behind a program of the operator', () => {
  const machineAt = (program: string, more: Partial<SshTarget> = {}): Machine => {
    const config = join(folder, 'config');
    writeFileSync(config, `Host web01\n  ProxyCommand ${program}\n`);
    return kept(
      opensshMachine(
        targetAt(host, 'web01', { proxied: true, ...more }),
        { config, destination: 'web01' },
        { home: '/nonexistent' },
      ),
    );
  };
  const carrier = (): string => {
    const file = join(folder, 'carry.cjs');
    writeFileSync(
      file,
      "const s = require('node:net').connect(Number(process.argv[3]), process.argv[2]); process.stdin.pipe(s); s.pipe(process.stdout); s.on('error', () => {}); s.on('close', () => process.exit());",
    );
    return `${process.execPath} ${file} %h %p`;
  };

  it('that answers can be reached, also where it lets nobody in or shows another key', async () => {
    expect(await machineAt(carrier()).reachable(unhurried)).toEqual({ known: true, value: 'yes' });
    for (const more of [{ identityFiles: [outer.userKey], identitiesOnly: true }, { hostKeys: outer.hostKeys }]) {
      expect(await machineAt(carrier(), more).reachable(unhurried)).toEqual({ known: true, value: 'yes' });
    }
  });

  it('that does not is silent: the way may be what is broken, so it is never "no"', async () => {
    const port = await freePort();
    for (const program of [
      carrier(),
      'false',
      '/nonexistent/program',
      'sleep 60',
      // Words of another program are no evidence, whatever they are.
      "sh -c 'echo channel 0: open failed: connect failed: Connection refused >&2; echo stdio forwarding failed >&2; exit 255'",
    ]) {
      const machine = machineAt(program, { port, connectWithin: 3000 });
      expect(await machine.reachable(1000), program).toEqual({ known: true, value: 'silent' });
    }
  });

  it('is unknown where ssh itself cannot begin', async () => {
    const machine = machineAt('true\n  NoSuchOption yes');
    expect(await machine.reachable(unhurried)).toMatchObject({ known: false, trouble: { code: 'ssh-too-old' } });
  });
});

interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

const closing = (server: Server, more: () => void = () => undefined): Promise<void> =>
  new Promise((resolve) => {
    more();
    server.close(() => resolve());
  });

/** Accepts connections and says nothing. */
async function listening(): Promise<Listening> {
  const sockets: { destroy(): void }[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    close: () =>
      closing(server, () => {
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

/** Answers no SYN, like an address that nobody has: a listener that accepts nothing, with its queue full. */
async function silentPort(): Promise<Listening> {
  const script =
    "require('node:net').createServer().listen(0, '127.0.0.1', 1, function () { console.log(this.address().port); });";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve)));
  child.kill('SIGSTOP');
  const fill = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  // Two fit in; the others wait for ever.
  await Promise.all(fill.slice(0, 2).map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  return {
    port,
    close: async () => {
      for (const socket of fill) socket.destroy();
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}
