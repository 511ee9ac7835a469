import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { trouble } from '../../../src/core/result.ts';
import { wholly } from '../../../src/core/survey.ts';
import type { Watched, WatchedRow } from '../../../src/core/use.ts';
import { watchProbe } from '../../../src/effects/host/watch.ts';
import { type FakeMachine, fakeMachine } from '../../fakes/machine.ts';

type Met = (passed: number, rows: readonly WatchedRow[]) => void;

async function watch(machine: FakeMachine, seconds: number, watched?: Met): Promise<Watched> {
  const context = {
    signal: new AbortController().signal,
    progress: () => {},
    ...(watched === undefined ? {} : { watched }),
  };
  const seen = await watchProbe(machine)({ kind: 'host.connections', for: seconds * 1000 }, context);
  await machine.close();
  if (!seen.known) throw new Error(`${seen.trouble.what} ${seen.trouble.detail ?? ''}`);
  return seen.value;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-watch-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const put = (name: string, script: string): void => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
};
const told = (): FakeMachine => fakeMachine({ path: `${folder}:${process.env.PATH}` });

/** A PATH of all programs of this computer but one. */
function pathWithout(program: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const from of ['/bin', '/usr/bin', '/sbin', '/usr/sbin']) {
    for (const name of readdirSync(from)) {
      try {
        if (name !== program) symlinkSync(join(from, name), join(bin, name));
      } catch {
        // Another folder has it already.
      }
    }
  }
  return bin;
}

describe.each(['ss', '/proc/net'])('a watch of this computer by %s', (way) => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());
  const client = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  const here = (): FakeMachine => (way === 'ss' ? fakeMachine() : fakeMachine({ path: pathWithout('ss') }));
  const isOurs = ({ local, peer }: WatchedRow): boolean => local.port === port || peer.port === port;

  it('meets both ends of what is there all the time, with who holds it', async () => {
    const held = await client();
    const { connections, samples, watched, gap } = await watch(here(), 2);
    held.destroy();
    expect(samples).toBeGreaterThan(1);
    expect(watched).toBeGreaterThanOrEqual(2000);
    expect(gap).toBeGreaterThan(0);
    const ours = connections.rows.filter(isOurs);
    expect(ours.map(({ incoming }) => incoming).sort()).toEqual([false, true]);
    for (const row of ours)
      expect(row).toMatchObject({ samples, early: true, closed: false, own: false, process: { pid: process.pid } });
  });

  it('meets what comes and goes meanwhile, and tells of it as it goes on', async () => {
    let late: Socket | undefined;
    let gone = false;
    const told: number[] = [];
    const { connections } = await watch(here(), 4, (passed, rows) => {
      told.push(passed);
      const live = rows.some((row) => isOurs(row) && !row.early && !row.closed);
      if (late === undefined) {
        late = connect(port, '127.0.0.1');
      } else if (live && !gone) {
        gone = true;
        late.destroy();
      }
    });
    expect(gone).toBe(true);
    expect(told[0]).toBe(0);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    const ours = connections.rows.filter((row) => isOurs(row) && !row.early && row.process?.pid === process.pid);
    expect(ours.length).toBeGreaterThan(0);
  });
});

const line = (state: string, local: string, peer: string, users = ''): string =>
  `tcp   ${state} 0 0 ${local} ${peer} ${users}`;
const sshd = 'users:(("sshd",pid=7,fd=3))';

describe('a watch by what ss prints', () => {
  it('tells what had ended before from what ended meanwhile, and takes the process once it is known', async () => {
    put(
      'ss',
      `printf '%s\\n' '${line('LISTEN', '0.0.0.0:22', '0.0.0.0:*', sshd)}' '${line('TIME-WAIT', '10.0.0.1:22', '10.0.0.2:1')}'
       [ -e ${folder}/second ] || { : >${folder}/second; printf '%s\\n' '${line('SYN-RECV', '10.0.0.1:22', '10.0.0.3:1')}'; exit; }
       printf '%s\\n' '${line('ESTAB', '10.0.0.1:22', '10.0.0.3:1', sshd)}' '${line('TIME-WAIT', '[::ffff:10.0.0.1]:22', '[::ffff:10.0.0.4]:1')}'`,
    );
    const { connections } = await watch(told(), 1);
    const rows = connections.rows.map(({ peer, early, closed, incoming, process }) => [
      ...[peer.address, early, closed, incoming, process?.name],
    ]);
    expect(rows).toEqual([
      ['10.0.0.2', true, true, true, undefined],
      ['10.0.0.3', true, false, true, 'sshd'],
      ['10.0.0.4', false, true, true, undefined],
    ]);
    expect(wholly({ known: true, value: connections })).toHaveLength(process.getuid?.() === 0 ? 3 : 0);
  });

  it('knows the connection by which it was asked', async () => {
    put(
      'ss',
      `echo '${line('ESTAB', '10.0.0.1:22', '10.0.0.2:5000', sshd)}'; echo '${line('ESTAB', '10.0.0.1:22', '10.0.0.2:5001', sshd)}'`,
    );
    const machine = fakeMachine({
      path: `${folder}:${process.env.PATH}`,
      environment: { SSH_CONNECTION: '10.0.0.2 5001 10.0.0.1 22' },
    });
    const { connections } = await watch(machine, 1);
    expect(connections.rows.map(({ peer, own }) => [peer.port, own])).toEqual([
      [5000, false],
      [5001, true],
    ]);
  });

  it('says how many lines it did not understand', async () => {
    put(
      'ss',
      `echo 'Netid State Recv-Q Send-Q Local Peer'; echo 'raw weird'; echo '${line('ESTAB', 'nonsense', '10.0.0.2:5')}'`,
    );
    const { connections } = await watch(told(), 1);
    expect(connections.rows).toEqual([]);
    expect(connections.lacks?.find(({ code }) => code === 'watch-strange')?.what).toMatch(/^[3-9] of the lines/);
  });

  it('puts many connections of one peer together, and counts those that it has no room for', async () => {
    put(
      'ss',
      `echo '${line('LISTEN', '0.0.0.0:80', '0.0.0.0:*')}'
       awk 'BEGIN { for (i = 1; i <= 3000; i++) print "tcp ESTAB 0 0 10.0.0.1:80 10.0.0.2:" i; for (i = 0; i < 4000; i++) print "tcp ESTAB 0 0 10.0.0.1:80 10.1." int(i / 250) "." (i % 250) ":9" }'`,
    );
    const { connections } = await watch(told(), 1);
    expect(connections.rows).toHaveLength(4000);
    expect(connections.total).toBeGreaterThan(4000);
    expect(connections.rows.filter(({ peer }) => peer.address === '10.0.0.2')).toHaveLength(1001);
  });

  it('is none where ss fails in the middle', async () => {
    put('ss', `[ -e ${folder}/second ] && exit 1; : >${folder}/second`);
    const seen = await watchProbe(told())({ kind: 'host.connections', for: 1000 });
    expect(seen).toMatchObject({ known: false, trouble: { code: 'watch-failed' } });
  });
});

describe('a watch that comes to no end', () => {
  it('claims nothing when the connection is lost', async () => {
    const machine = fakeMachine();
    const seen = await watchProbe(machine)(
      { kind: 'host.connections', for: 60_000 },
      { signal: new AbortController().signal, progress: () => {}, watched: () => machine.cut() },
    );
    await machine.close();
    expect(seen).toMatchObject({
      known: false,
      trouble: {
        code: 'watch-lost',
        what: 'the connection to fake01 was lost after 0.0 s of 1 min; what was not seen to its end proves nothing',
      },
    });
  });

  it('ends when it is told to, without waiting for the next look', async () => {
    const stop = new AbortController();
    const machine = fakeMachine();
    const seen = await watchProbe(machine)(
      { kind: 'host.connections', for: 3_600_000 },
      { signal: stop.signal, progress: () => {}, watched: () => stop.abort() },
    );
    await machine.close();
    expect(seen).toMatchObject({ known: false, trouble: { code: 'aborted' } });
  });

  it('is given up where the host says nothing more', async () => {
    put('ss', `[ -e ${folder}/second ] && exec sleep 600; : >${folder}/second`);
    const machine = told();
    onTestFinished(() => machine.close());
    const seen = await watchProbe(machine, 4000)({ kind: 'host.connections', for: 60_000 });
    expect(seen).toMatchObject({ known: false, trouble: { code: 'watch-silent' } });
  });

  it('says that awk is missing', async () => {
    const machine = fakeMachine({ path: pathWithout('awk') });
    const seen = await watchProbe(machine)({ kind: 'host.connections', for: 1000 });
    await machine.close();
    const what = 'fake01 has no awk, by which it is watched';
    expect(seen).toMatchObject({ known: false, trouble: { code: 'no-awk', what } });
  });

  it('says what it lacks without root', async () => {
    const machine = fakeMachine({ rootTrouble: trouble('root-needed', 'it would need root', 'Set ssh.sudo.') });
    const { connections } = await watch(machine, 1);
    expect(connections.lacks?.map(({ code }) => code) ?? []).toEqual(process.getuid?.() === 0 ? [] : ['needs-root']);
  });
});
