import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceStart } from '../../src/actions/service/start.ts';
import { serviceStop } from '../../src/actions/service/stop.ts';
import { actOf } from '../../src/core/act.ts';
import type { Probe, Setting } from '../../src/core/action.ts';
import type { Operation, OperationOf } from '../../src/core/operation.ts';
import type { Machine } from '../../src/core/ports.ts';
import { claimsOn, execHandlers, hostProbes, jobsOn } from '../../src/effects/host/handlers.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { transferHandlers, transferProbes } from '../../src/effects/transfer/handlers.ts';
import { got, machineContract, text } from '../contracts/machine.ts';
import { context, deps, nastySource, temporary } from '../effects/transfer/fixture.ts';
import { makeAccount } from './account.ts';
import { type BusyboxHost, startBusyboxHost } from './busybox-host.ts';
import { startSshd } from './sshd.ts';

let host: BusyboxHost;
let machine: Machine;
let here: ReturnType<typeof temporary>;
beforeAll(async () => {
  host = await startBusyboxHost();
  here = temporary();
  machine = connect(host);
  mkdirSync(join(host.root, 'srv/some'));
  writeFileSync(join(host.root, 'srv/some/file'), 'x'.repeat(12_345));
});
afterAll(async () => {
  await machine.close();
  await host.stop();
  here.remove();
});

const connect = (to: BusyboxHost): Machine =>
  sshMachine(
    {
      ...{ name: 'old01', address: '127.0.0.1', port: to.port, user: 'root', sudo: false },
      ...{ identityFiles: [to.userKey], hostKeys: to.hostKeys },
    },
    { home: '/nonexistent', patience: { abort: 5000 } },
  );

machineContract('a machine behind a real sshd with BusyBox as login shell and nothing else on its PATH', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decom-applets-'));
  execFileSync('chmod', ['755', folder]);
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of applets) symlinkSync('/bin/busybox', join(folder, name));
  const account = makeAccount(`decom-b${process.pid}`, undefined, join(folder, 'ash'));
  const sshd = await startSshd({ user: account.name, path: folder });
  return {
    machine: sshMachine(
      {
        ...{ name: 'web01', address: sshd.address, port: sshd.port, user: sshd.user, sudo: false },
        ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys },
      },
      { home: '/nonexistent', patience: { settle: 500, abort: 1000 } },
    ),
    close: async () => {
      await sshd.stop();
      account.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('a host of BusyBox alone', () => {
  it('says who it is as far as it knows, and what it does not know', async () => {
    expect(await hostProbes(machine)['host.identity']({ kind: 'host.identity' })).toMatchObject({
      known: true,
      value: {
        serial: { known: false, trouble: { code: 'no-dmi' } },
        uuid: { known: false, trouble: { code: 'no-dmi' } },
        machine_id: { known: false, trouble: { code: 'no-id' } },
        boot_id: { known: true },
        host_key: { known: true, value: host.hostKeys[0] },
      },
    });
  });

  it('tells what its paths are and how much is in them', async () => {
    const paths = ['/srv/some', '/srv/some/file', '/bin/sh', '/dev/null', '/nowhere'];
    const seen = await hostProbes(machine)['host.paths']({ kind: 'host.paths', paths, root: true });
    expect(seen.known && seen.value.map(({ kind }) => kind)).toEqual([
      'directory',
      'file',
      'symlink',
      'other',
      'missing',
    ]);
    expect(seen.known && seen.value[1]?.bytes).toEqual({ known: true, value: 12_345 });
  });

  it('runs a program that outlives its connection, and its true end is learnt', async () => {
    const jobs = jobsOn({ machine, clock: systemClock, sudo: 'no' });
    const place = { run: 'abc', step: 'work', direction: 'forth', attempt: 1, n: 0 } as const;
    const script = 'echo begun >>/srv/began; while [ ! -e /srv/go ]; do sleep 0.05; done; echo "$WORD"; exit 3';
    const operation: OperationOf<'exec'> = { kind: 'exec', on: 'host', argv: ['sh', '-c', script], root: true };
    const there = got(await jobs.prepare(operation, place));
    if (there === null) throw new Error('no act was prepared');
    const ready = { ...operation, environment: { WORD: 'two\nlines' } };
    const ended = jobs.run(ready, actOf(there, place), new AbortController().signal);
    await until('the program begins', () => existsSync(join(host.root, 'srv/began')));
    // Only the server of this connection: its parent listens on.
    const cut = got(await machine.exec({ argv: ['sh', '-c', 'kill -KILL $PPID'], root: false }));
    expect(cut.ended).toMatchObject({ how: 'lost' });
    writeFileSync(join(host.root, 'srv/go'), '');
    expect(await ended).toMatchObject({ outcome: 'failed', receipt: { exit: 3, stdout_tail: 'two\nlines' } });
    expect(readFileSync(join(host.root, 'srv/began'), 'utf8')).toBe('begun\n');
  });

  it('ends a program with all that it started when the operator stops it', async () => {
    const abort = new AbortController();
    const argv = ['sh', '-c', 'setsid sleep 87654 & sleep 87654 & : >/srv/stop-me; wait'];
    const ran = machine.exec({ argv, root: true }, { signal: abort.signal });
    await until('the program begins', () => existsSync(join(host.root, 'srv/stop-me')));
    abort.abort();
    expect(got(await ran).ended).toMatchObject({ how: 'aborted' });
    const left = got(await machine.exec({ argv: ['ps'], root: true }));
    expect(text(left.stdout)).toContain('init');
    expect(text(left.stdout)).not.toContain('87654');
  });

  it('is claimed, by one run only', async () => {
    const mine = { run: 'run-a', state: 'state-a', operator: 'ann', control: 'laptop' };
    const [ann, bob] = [mine, { ...mine, run: 'run-b', state: 'state-b', operator: 'bob' }].map((who) =>
      claimsOn({ machine, sudo: false, clock: systemClock, mine: who }),
    );
    expect(await ann?.take()).toMatchObject({ ok: true, value: { claim: 'taken' } });
    expect(await bob?.take()).toMatchObject({ ok: true, value: { claim: 'other', of: { operator: 'ann' } } });
    expect(await ann?.drop()).toMatchObject({ ok: true, value: { claim: 'free' } });
  });
});

describe('a copy of a host of BusyBox alone', () => {
  const copyOf = (source: Machine, from: string, to: string, exclude: readonly string[] = []) =>
    transferHandlers(deps(source))['copy.archive'](
      { kind: 'copy.archive', on: 'control', from: [from], exclude, to, root: true },
      context(),
    );

  it('by its tar and its sha256sum is restored and proven equal, with every name', async () => {
    const from = nastySource(join(host.root, 'srv')).slice(host.root.length);
    const [copy, scratch] = [join(here.path, 'copy'), join(here.path, 'scratch')];
    expect(await copyOf(machine, from, copy)).toMatchObject({ outcome: 'done', receipt: { unread: 0 } });
    const { 'copy.restore': restore } = transferHandlers(deps(machine));
    expect(await restore({ kind: 'copy.restore', on: 'control', copy, scratch }, context())).toMatchObject({
      outcome: 'done',
    });
    const compared = await transferProbes(deps(machine))['tree.compare']({ kind: 'tree.compare', copy, tree: scratch });
    expect(compared).toMatchObject({ known: true, value: { equal: true, missing: [], extra: [], different: [] } });
    expect(compared.known && compared.value.files).toBeGreaterThan(35);
    expect(execFileSync('mtree', ['-f', join(copy, 'manifest.mtree'), '-p', scratch], { encoding: 'utf8' })).toBe('');
  });

  it('is refused with exclusions, which its tar does not know, before anything is made here', async () => {
    const copy = join(here.path, 'without');
    expect(await copyOf(machine, '/srv/some', copy, ['/srv/some/cache'])).toMatchObject({
      outcome: 'failed',
      trouble: {
        code: 'tar-no-exclude',
        what: 'tar on old01 cannot be told to leave out exactly what is named',
        fix: 'Install GNU tar or bsdtar there, or take `exclude` off the step.',
      },
    });
    expect(existsSync(`${copy}.partial`)).toBe(false);
  });

  it('by rsync is refused with the name of what is missing', async () => {
    const { 'copy.rsync': copyRsync } = transferHandlers(deps(machine));
    const to = join(here.path, 'rsync');
    const operation = {
      kind: 'copy.rsync',
      on: 'control',
      from: ['/srv/some'],
      exclude: [],
      to,
      root: true,
      basis: null,
    } as const;
    expect(await copyRsync(operation, context())).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'tool-missing', what: 'old01 has no rsync' },
    });
  });

  it('takes its hashes by the busybox program itself where no link names them', async () => {
    const bare = await startBusyboxHost(['sha256sum']);
    const other = connect(bare);
    try {
      mkdirSync(join(bare.root, 'srv/some'));
      writeFileSync(join(bare.root, 'srv/some/a file'), 'abc');
      writeFileSync(join(bare.root, 'srv/some/new\nline'), 'abc');
      const copy = join(here.path, 'bare');
      expect(await copyOf(other, '/srv/some', copy)).toMatchObject({
        outcome: 'done',
        receipt: { files: 2, unread: 0 },
      });
      const manifest = readFileSync(join(copy, 'manifest.mtree'), 'utf8');
      expect(manifest.match(/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/g)).toHaveLength(2);
    } finally {
      await other.close();
      await bare.stop();
    }
  });
});

describe('a service of a host of BusyBox alone', () => {
  const unit = 'app.service';
  const probe: Probe = ((question: { kind: 'service'; unit: string }) =>
    hostProbes(machine).service(question)) as Probe;
  const setting = {} as Setting;
  const facts = (name = unit) => serviceStop.inspect({ unit: name }, probe, { done: [] }, setting);
  const perform = async (planned: readonly Operation[] | { readonly blocked: unknown }) => {
    if ('blocked' in planned) throw new Error(JSON.stringify(planned));
    const { exec } = execHandlers(
      machine,
      async () => ({ ok: false, error: { code: '', what: '', fix: '' } }),
      jobsOn({ machine, clock: systemClock, sudo: 'no' }),
    );
    for (const operation of planned) {
      if (operation.kind !== 'exec') throw new Error(operation.kind);
      expect(await exec(operation, { signal: new AbortController().signal, progress: () => undefined })).toMatchObject({
        outcome: 'done',
      });
    }
    return planned.map((operation) => operation.kind === 'exec' && operation.argv.join(' '));
  };
  const running = () => {
    const pid =
      existsSync(join(host.root, 'run/app.pid')) && readFileSync(join(host.root, 'run/app.pid'), 'utf8').trim();
    return typeof pid === 'string' && pid !== '';
  };
  const reboot = async () => {
    await machine.close();
    await host.reboot();
    machine = connect(host);
  };

  it('is stopped, stays stopped over a boot, and is given back', async () => {
    const before = await facts();
    expect(await perform(serviceStop.plan({ unit }, before, setting))).toEqual([
      '/etc/init.d/app stop',
      'mv -n -- /etc/rc3.d/S20app /etc/rc3.d/K20app',
    ]);
    expect(serviceStop.verify({ unit }, await facts(), setting)).toMatchObject({
      ok: true,
      said: 'app.service stopped',
    });
    await reboot();
    expect(running()).toBe(false);
    expect(serviceStop.verify({ unit }, await facts(), setting)).toMatchObject({ ok: true });

    const back = serviceStop.rollback?.plan({ unit }, before, await facts(), setting) ?? [];
    expect(await perform(back)).toEqual(['mv -n -- /etc/rc3.d/K20app /etc/rc3.d/S20app', '/etc/init.d/app start']);
    expect(serviceStop.rollback?.verify({ unit }, before, await facts())).toMatchObject({ ok: true });
    await reboot();
    await until('the service starts at boot', running);
    expect(
      serviceStart.verify({ unit }, [await hostProbes(machine).service({ kind: 'service', unit })], setting),
    ).toMatchObject({ ok: true });
  });

  it.each([
    ['whose script has no status', 'start) : ;;', 'its script has no status command'],
    ['whose script exits 0 whatever is asked', 'status) ;;', 'it exits 0, and nothing bears it out'],
    [
      'whose script answers with how it is used',
      '*) echo "usage: $0 start|stop # status"; exit 3 ;;',
      'it answers with how it is used',
    ],
  ])('blocks the step %s', async (_which, branch, why) => {
    writeFileSync(join(host.root, 'etc/init.d/liar'), `#!/bin/sh\ncase $1 in\n${branch}\nesac\n`, { mode: 0o755 });
    expect(serviceStop.plan({ unit: 'liar.service' }, await facts('liar.service'), setting)).toMatchObject({
      blocked: { code: 'service-unknown', what: `whether liar.service runs on old01 cannot be told: ${why}` },
    });
  });
});

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 240_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await pause(20);
  }
}
