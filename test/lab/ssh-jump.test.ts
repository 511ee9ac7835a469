import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { newShared } from '../../src/effects/ssh/shared.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { got, machineContract, text, until } from '../contracts/machine.ts';
import { freePort, type Sshd, signal, startSshd } from './sshd.ts';

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

const at = (sshd: Sshd, name: string, more: Partial<SshTarget> = {}): SshTarget => ({
  name,
  address: sshd.address,
  port: sshd.port,
  user: sshd.user,
  identityFiles: [sshd.userKey],
  hostKeys: sshd.hostKeys,
  sudo: false,
  ...more,
});
function machineAt(target: SshTarget, deps: Partial<SshDeps> = {}): Machine {
  const machine = sshMachine(target, { home: folder, ...deps });
  open.push(machine);
  return machine;
}
const exec = (machine: Machine, ...argv: string[]) => machine.exec({ argv, root: false });
const troubleOf = async (machine: Machine) => {
  const result = await exec(machine, 'true');
  return result.ok ? undefined : result.error;
};
/** The processes of an sshd that each serve one connection that has logged in. */
const runs = (sshd: Sshd, line: string): boolean => sshd.sessions().some((pid) => commandOf(pid) === line);
const connectionsTo = (sshd: Sshd): number => sshd.sessions().length;

machineContract('a machine behind a bastion that has few sessions', async () => {
  const bastion = await startSshd({ config: ['MaxSessions 1'] });
  const sshd = await startSshd();
  const target = at(sshd, 'web01', { jumps: [at(bastion, 'bastion')] });
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
    const target = at(host, 'web01', { jumps: [at(outer, 'outer'), at(inner, 'inner')] });
    const machine = machineAt(target);
    expect(text(got(await exec(machine, 'echo', 'there')).stdout)).toBe('there\n');
    expect([outer, inner, host].map(connectionsTo).every((n) => n > 0)).toBe(true);
    expect(got(await machine.hostKey())).toBe(host.hostKeys[0]);
    expect(await machine.reachable(5000)).toEqual({ known: true, value: 'yes' });
  });

  it('gets everything of a stream, both ways', async () => {
    const machine = machineAt(at(host, 'web01', { jumps: [at(outer, 'outer')] }));
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
    const bastion = at(own, 'bastion');
    const machines = Array.from({ length: 12 }, (_, i) =>
      machineAt(at(host, `web${i}`, { jumps: [bastion] }), { shared }),
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

  it('is not logged in to where the key of a hop is not the known one, and the hop is named', async () => {
    const [otherKey = ''] = host.hostKeys;
    const machine = machineAt(at(host, 'web01', { jumps: [at(outer, 'outer', { hostKeys: [otherKey] })] }));
    const trouble = await troubleOf(machine);
    expect(trouble?.code).toBe('host-key-changed');
    expect(trouble?.what).toContain(
      `web01 is reached by way of outer, and that does not work: the host key of outer (127.0.0.1, port ${outer.port})`,
    );
    const second = machineAt(
      at(host, 'web01', { jumps: [at(outer, 'outer'), at(inner, 'inner', { hostKeys: [otherKey] })] }),
    );
    expect((await troubleOf(second))?.what).toContain('by way of inner, and that does not work: the host key of inner');
  });

  it('is not logged in to where known_hosts does not know a hop', async () => {
    const knownHosts = join(folder, 'known_hosts');
    writeFileSync(knownHosts, '');
    const { hostKeys: _, ...bastion } = at(outer, 'outer', { knownHosts });
    expect(await troubleOf(machineAt(at(host, 'web01', { jumps: [bastion] })))).toMatchObject({
      code: 'host-key-unknown',
    });
  });

  it('that does not listen is told apart from a bastion that does not', async () => {
    const port = await freePort();
    const behind = machineAt({ ...at(host, 'web01', { jumps: [at(outer, 'outer')] }), port });
    expect(await troubleOf(behind)).toMatchObject({
      code: 'refused',
      what: `outer does not connect to web01 (127.0.0.1, port ${port}): nothing listens there`,
    });
    expect(await behind.reachable(5000)).toEqual({ known: true, value: 'no' });
    const gone = machineAt(at(host, 'web01', { jumps: [{ ...at(outer, 'outer'), port }] }));
    expect(await troubleOf(gone)).toMatchObject({
      code: 'refused',
      what: `web01 is reached by way of outer, and that does not work: outer (127.0.0.1, port ${port}) refuses connections: nothing listens there`,
    });
    expect(await gone.reachable(5000)).toMatchObject({ known: false, trouble: { code: 'refused' } });
  });

  it('whose name the bastion does not know is told so', async () => {
    const machine = machineAt({
      ...at(host, 'web01', { jumps: [at(outer, 'outer')] }),
      address: 'no-such-host.invalid',
    });
    expect(await troubleOf(machine)).toMatchObject({ code: 'name-unknown' });
  });

  it('is not reached where the bastion forwards nothing', async () => {
    const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
    const machine = machineAt(at(host, 'web01', { jumps: [at(closed, 'bastion')] }));
    expect(await troubleOf(machine)).toMatchObject({
      code: 'forwarding-refused',
      what: `bastion does not connect to web01 (127.0.0.1, port ${host.port}): it forwards no connections for root`,
    });
    expect(await machine.reachable(5000)).toMatchObject({ known: false, trouble: { code: 'forwarding-refused' } });
    await closed.stop();
  });

  it('needs no session on the bastion', async () => {
    const bare = await startSshd({ config: ['MaxSessions 0'] });
    const machine = machineAt(at(host, 'web01', { jumps: [at(bare, 'bastion')] }));
    expect(await troubleOf(machine)).toBeUndefined();
    await machine.close();
    await bare.stop();
  });
});

describe('a bastion that goes away', () => {
  it('leaves the end of what runs unknown, is named, and the next call finds a new way', async () => {
    const own = await startSshd();
    const machine = machineAt(at(host, 'web01', { jumps: [at(own, 'bastion')] }));
    const running = exec(machine, 'sleep', '60');
    await until(() => (runs(host, 'sleep 60') ? true : undefined));
    for (const pid of own.sessions()) signal(pid, 'SIGKILL');
    expect(got(await running).ended).toMatchObject({
      how: 'lost',
      trouble: {
        code: 'connection-lost',
        what: expect.stringMatching(/^the SSH connection to web01 was lost: web01 is reached by way of bastion, and/),
      },
    });
    expect(text(got(await exec(machine, 'echo', 'again')).stdout)).toBe('again\n');
    await machine.close();
    await own.stop();
  });

  it('because it is frozen is noticed, and whether the host can be reached is then unknown', async () => {
    const own = await startSshd();
    const deps = { patience: { keepalive: 200, ready: 2000 } };
    const machine = machineAt(at(host, 'web01', { jumps: [at(own, 'bastion')] }), deps);
    expect(await troubleOf(machine)).toBeUndefined();
    const running = exec(machine, 'sleep', '60');
    await until(() => (runs(host, 'sleep 60') ? true : undefined));
    for (const pid of [...own.sessions(), own.pid]) signal(pid, 'SIGSTOP');
    expect(got(await running).ended).toMatchObject({ how: 'lost', trouble: { code: 'connection-lost' } });
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
