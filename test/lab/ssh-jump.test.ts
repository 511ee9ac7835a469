import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { newShared } from '../../src/effects/ssh/shared.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { got, machineContract, text, until } from '../contracts/machine.ts';
import { troubleOf } from './by-configuration.ts';
import { freePort, type Sshd, signal, startSshd } from './sshd.ts';
import { targetAt, transports } from './transports.ts';

let folder: string;
let outer: Sshd;
let inner: Sshd;
let host: Sshd;
const open: Machine[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-jump-'));
  [outer, inner, host] = await Promise.all([startSshd(), startSshd(), startSshd()]);
});
afterEach(async () => {
  for (const machine of open.splice(0)) await machine.close();
});
afterAll(async () => {
  for (const sshd of [host, inner, outer]) await sshd.stop();
  rmSync(folder, { recursive: true, force: true });
});

function machineAt(target: SshTarget, deps: Partial<SshDeps> = {}): Machine {
  const machine = sshMachine(target, { home: folder, ...deps });
  open.push(machine);
  return machine;
}
const exec = (machine: Machine, ...argv: string[]) => machine.exec({ argv, root: false });
/** The processes of an sshd that each serve one connection that has logged in. */
const runs = (sshd: Sshd, line: string): boolean => sshd.sessions().some((pid) => commandOf(pid) === line);
const connectionsTo = (sshd: Sshd): number => sshd.sessions().length;

machineContract('a machine behind a bastion that has few sessions', async () => {
  const bastion = await startSshd({ config: ['MaxSessions 1'] });
  const sshd = await startSshd();
  const target = targetAt(sshd, 'web01', { jumps: [targetAt(bastion, 'bastion')] });
  return {
    machine: sshMachine(target, { home: '/nonexistent', patience: { settle: 500, abort: 1000 } }),
    close: async () => {
      await sshd.stop();
      await bastion.stop();
    },
  };
});

describe('a host behind bastions', () => {
  it('is reached by way of each in turn', async () => {
    const target = targetAt(host, 'web01', { jumps: [targetAt(outer, 'outer'), targetAt(inner, 'inner')] });
    const machine = machineAt(target);
    expect(text(got(await exec(machine, 'echo', 'there')).stdout)).toBe('there\n');
    expect([outer, inner, host].map(connectionsTo).every((n) => n > 0)).toBe(true);
    expect(got(await machine.hostKey())).toBe(host.hostKeys[0]);
    expect(await machine.reachable(5000)).toEqual({ known: true, value: 'yes' });
  });

  it('gets everything of a stream, both ways', async () => {
    const machine = machineAt(targetAt(host, 'web01', { jumps: [targetAt(outer, 'outer')] }));
    const stdin = Buffer.alloc(5_000_000, 'abcdefghi\n');
    const { stdout, ended } = got(
      await machine.exec({ argv: ['cat'], root: false }, { stdin, limit: stdin.length + 1 }),
    );
    expect(ended).toEqual({ how: 'exit', code: 0 });
    expect(Buffer.from(stdout).equals(stdin)).toBe(true);
  });

  it('shares the connection to its bastion with other hosts, and the last one closes it', async () => {
    const own = await startSshd();
    const shared = newShared();
    const bastion = targetAt(own, 'bastion');
    const machines = Array.from({ length: 12 }, (_, i) =>
      machineAt(targetAt(host, `web${i}`, { jumps: [bastion] }), { shared }),
    );
    const outputs = await Promise.all(machines.map((machine, i) => exec(machine, 'echo', String(i))));
    expect(outputs.map((output) => text(got(output).stdout))).toEqual(machines.map((_, i) => `${i}\n`));
    // One process of root for one connection: nothing runs on the bastion itself.
    expect(connectionsTo(own)).toBe(1);
    for (const machine of machines.slice(1)) await machine.close();
    expect(got(await exec(machines[0] as Machine, 'true')).ended).toEqual({ how: 'exit', code: 0 });
    await machines[0]?.close();
    await until(() => (connectionsTo(own) === 0 ? true : undefined));
    await own.stop();
  });

  it('needs no session on the bastion', async () => {
    const bare = await startSshd({ config: ['MaxSessions 0'] });
    const machine = machineAt(targetAt(host, 'web01', { jumps: [targetAt(bare, 'bastion')] }));
    expect(await troubleOf(machine)).toBeUndefined();
    await machine.close();
    await bare.stop();
  });
});

describe.each(transports)('by %s, a host behind bastions', (_by, make) => {
  const machineBy = (target: SshTarget): Machine => {
    const machine = make(target, { home: folder });
    open.push(machine);
    return machine;
  };

  it('is not logged in to where the key of a hop is not the known one, and the hop is named', async () => {
    const [otherKey = ''] = host.hostKeys;
    const machine = machineBy(targetAt(host, 'web01', { jumps: [targetAt(outer, 'outer', { hostKeys: [otherKey] })] }));
    const trouble = await troubleOf(machine);
    expect(trouble?.code).toBe('host-key-changed');
    expect(trouble?.what).toContain(
      `web01 is reached by way of outer, and that does not work: the host key of outer (127.0.0.1, port ${outer.port})`,
    );
    const second = machineBy(
      targetAt(host, 'web01', {
        jumps: [targetAt(outer, 'outer'), targetAt(inner, 'inner', { hostKeys: [otherKey] })],
      }),
    );
    expect((await troubleOf(second))?.what).toContain('by way of inner, and that does not work: the host key of inner');
  });

  it('is not logged in to where known_hosts does not know a hop', async () => {
    const knownHosts = join(folder, 'known_hosts');
    writeFileSync(knownHosts, '');
    const { hostKeys: _, ...bastion } = targetAt(outer, 'outer', { knownHosts });
    expect(await troubleOf(machineBy(targetAt(host, 'web01', { jumps: [bastion] })))).toMatchObject({
      code: 'host-key-unknown',
    });
  });

  it('that does not listen is told apart from a bastion that does not', async () => {
    const port = await freePort();
    const behind = machineBy({ ...targetAt(host, 'web01', { jumps: [targetAt(outer, 'outer')] }), port });
    expect(await troubleOf(behind)).toMatchObject({
      code: 'refused',
      what: `outer does not connect to web01 (127.0.0.1, port ${port}): nothing listens there`,
    });
    expect(await behind.reachable(5000)).toEqual({ known: true, value: 'no' });
    const gone = machineBy(targetAt(host, 'web01', { jumps: [{ ...targetAt(outer, 'outer'), port }] }));
    expect(await troubleOf(gone)).toMatchObject({
      code: 'refused',
      what: `web01 is reached by way of outer, and that does not work: outer (127.0.0.1, port ${port}) refuses connections: nothing listens there`,
    });
    expect(await gone.reachable(5000)).toMatchObject({ known: false, trouble: { code: 'refused' } });
  });

  it('whose name the bastion does not know is told so', async () => {
    const machine = machineBy({
      ...targetAt(host, 'web01', { jumps: [targetAt(outer, 'outer')] }),
      address: 'no-such-host.invalid',
    });
    expect(await troubleOf(machine)).toMatchObject({ code: 'name-unknown' });
  });

  it('is not reached where the bastion forwards nothing', async () => {
    const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
    const machine = machineBy(targetAt(host, 'web01', { jumps: [targetAt(closed, 'bastion')] }));
    expect(await troubleOf(machine)).toMatchObject({
      code: 'forwarding-refused',
      what: `bastion does not connect to web01 (127.0.0.1, port ${host.port}): it forwards no connections for root`,
    });
    expect(await machine.reachable(5000)).toMatchObject({ known: false, trouble: { code: 'forwarding-refused' } });
    await closed.stop();
  });

  it('is not reached where a bastion refuses the login, and the bastion is named', async () => {
    const port = await freePort();
    const shut = (sshd: Sshd, name: string) =>
      targetAt(sshd, name, { identityFiles: [host.userKey], identitiesOnly: true });
    for (const [jumps, refusing, told] of [
      [
        [shut(outer, 'outer'), targetAt(inner, 'inner')],
        outer,
        'inner is reached by way of outer, and that does not work',
      ],
      [
        [targetAt(outer, 'outer'), shut(inner, 'inner')],
        inner,
        'web01 is reached by way of inner, and that does not work',
      ],
    ] as const) {
      // Nothing listens on the host: that is nobody's to say.
      const trouble = await troubleOf(machineBy(targetAt(host, 'web01', { jumps, port })));
      expect(trouble).toMatchObject({ code: 'auth-refused', what: expect.stringContaining(told) });
      expect(trouble?.what).toMatch(new RegExp(`root@(outer|inner) \\(127\\.0\\.0\\.1, port ${refusing.port}\\)`));
      expect(trouble?.fix).toContain(String(refusing.port));
    }
  });

  it('is not reached where a bastion is silent, and the bastion is named', async () => {
    const own = await startSshd();
    for (const pid of [...own.sessions(), own.pid]) signal(pid, 'SIGSTOP');
    const jumps = [targetAt(own, 'outer'), targetAt(inner, 'inner')];
    const target = targetAt(host, 'web01', {
      jumps: jumps.map((jump) => ({ ...jump, connectWithin: 2000 })),
      connectWithin: 2000,
    });
    expect(await troubleOf(machineBy(target))).toMatchObject({
      code: 'timeout',
      what: expect.stringContaining('is reached by way of outer, and that does not work'),
    });
    for (const pid of [...own.sessions(), own.pid]) signal(pid, 'SIGCONT');
    await own.stop();
  });

  it('that refuses the login is told as itself', async () => {
    const target = targetAt(host, 'web01', {
      ...{ jumps: [targetAt(outer, 'outer'), targetAt(inner, 'inner')] },
      ...{ identityFiles: [outer.userKey], identitiesOnly: true },
    });
    const trouble = await troubleOf(machineBy(target));
    expect(trouble).toMatchObject({ code: 'auth-refused', what: expect.not.stringContaining('by way of') });
  });
});

describe.each(transports)('by %s, a bastion that goes away', (by, make) => {
  const machineBy = (target: SshTarget, deps: Partial<SshDeps> = {}): Machine => {
    const machine = make(target, { home: folder, ...deps });
    open.push(machine);
    return machine;
  };

  it('leaves the end of what runs unknown, and the next call finds a new way', async () => {
    const own = await startSshd();
    const machine = machineBy(targetAt(host, 'web01', { jumps: [targetAt(own, 'bastion')] }));
    const running = exec(machine, 'sleep', '60');
    await until(() => (runs(host, 'sleep 60') ? true : undefined));
    for (const pid of own.sessions()) signal(pid, 'SIGKILL');
    expect(got(await running).ended).toMatchObject({
      how: 'lost',
      trouble: {
        code: 'connection-lost',
        // The program says no more than that somebody on the way is gone.
        what: expect.stringMatching(
          by === 'ssh2'
            ? /^the SSH connection to web01 was lost: web01 is reached by way of bastion, and/
            : /^the SSH connection to web01 was lost: it is gone, or what it is reached by way of: bastion$/,
        ),
      },
    });
    expect(text(got(await exec(machine, 'echo', 'again')).stdout)).toBe('again\n');
    await machine.close();
    await own.stop();
  });

  it('because it is frozen is noticed, and whether the host can be reached is then unknown', async () => {
    const own = await startSshd();
    const deps = { patience: { keepalive: 200, ready: 2000 } };
    const machine = machineBy(targetAt(host, 'web01', { jumps: [targetAt(own, 'bastion')] }), deps);
    expect(await troubleOf(machine)).toBeUndefined();
    const running = exec(machine, 'sleep', '60');
    await until(() => (runs(host, 'sleep 60') ? true : undefined));
    for (const pid of [...own.sessions(), own.pid]) signal(pid, 'SIGSTOP');
    expect(got(await running).ended).toMatchObject({
      how: 'lost',
      trouble: { code: 'connection-lost', what: expect.stringMatching(/ bastion/) },
    });
    expect(await machine.reachable(500)).toMatchObject({ known: false });
    for (const pid of [...own.sessions(), own.pid]) signal(pid, 'SIGCONT');
    await machine.close();
    await own.stop();
  });
});

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};
