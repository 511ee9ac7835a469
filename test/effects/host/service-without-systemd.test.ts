import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ServiceState } from '../../../src/core/probe.ts';
import type { Trouble } from '../../../src/core/result.ts';
import { serviceProbe } from '../../../src/effects/host/service.ts';
import type { FakeMachineOptions } from '../../fakes/machine.ts';
import { machineWith } from './stand-ins.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'decom-init-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
});

function file(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { mode: 0o755 });
}

/** A host with SysV init and one script, whose status is this. */
const sysv = (status: string): void => {
  file('proc/1/stat', '1 (init) S 0 1 1');
  file('etc/init.d/app', `#!/bin/sh\ncase $1 in\nstatus) ${status} ;;\nstop) exit 9 ;;\nesac\n`);
  mkdirSync(join(root, 'etc/rc3.d'));
};

const links = (...names: readonly string[]): void => {
  for (const name of names) symlinkSync('../init.d/app', join(root, 'etc', name));
};

const noSystemctl = { systemctl: 'echo "systemctl: not found" >&2; exit 127' };
const ask = (
  unit = 'app.service',
  options: FakeMachineOptions = {},
  programs: { readonly [name: string]: string } = {},
) =>
  serviceProbe(
    machineWith(
      { ...noSystemctl, service: `exec '${root}/etc/init.d/'"$1" "$2"`, 'update-rc.d': 'exit 0', ...programs },
      options,
    ),
    root,
  )({ kind: 'service', unit });

async function stateOf(unit?: string): Promise<ServiceState> {
  const seen = await ask(unit);
  if (!seen.known) throw new Error(JSON.stringify(seen.trouble));
  return seen.value;
}

async function troubleOf(unit?: string): Promise<Trouble> {
  const seen = await ask(unit);
  if (seen.known) throw new Error(JSON.stringify(seen.value));
  return seen.trouble;
}

describe('the state of a service of SysV init', () => {
  it('carries the commands of that host', async () => {
    sysv('echo "app is running"; exit 0');
    links('rc3.d/S20app', 'rc3.d/K80app', 'rc3.d/S20apple');
    const { init, ...state } = await stateOf();
    expect(state).toEqual({
      ...{ unit: 'app.service', load: 'loaded', active: 'active', sub: 'running', enabled: 'enabled', triggers: [] },
    });
    expect(init).toEqual({
      kind: 'sysv',
      run: [expect.stringMatching(/\/service$/), 'app'],
      boot: expect.stringMatching(/\/update-rc\.d$/),
      starts: [join(root, 'etc/rc3.d/S20app')],
    });
  });

  it('counts a link once where the folder of its runlevel is itself a link', async () => {
    sysv('echo stopped; exit 3');
    mkdirSync(join(root, 'etc/rc.d/rc5.d'), { recursive: true });
    symlinkSync('rc.d/rc5.d', join(root, 'etc/rc5.d'));
    links('rc.d/rc5.d/S20app');
    expect((await stateOf()).init?.starts).toEqual([join(root, 'etc/rc.d/rc5.d/S20app')]);
  });

  it('does not say what starts at boot where there are no runlevels', async () => {
    sysv('echo stopped; exit 3');
    rmSync(join(root, 'etc/rc3.d'), { recursive: true });
    expect(await stateOf()).toMatchObject({ enabled: 'unknown', active: 'inactive' });
  });

  it.each([
    ['echo "app is running"; exit 0', 'active'],
    ['echo "app (pid  4711) is running..."; exit 0', 'active'],
    ['echo "app is not running"; exit 3', 'inactive'],
    ['exit 3', 'inactive'],
    ['echo "app dead but pid file exists"; exit 1', 'failed'],
    ['echo "app dead but subsys locked"; exit 2', 'failed'],
  ])('is what LSB means by: %s', async (status, active) => {
    sysv(status);
    expect((await stateOf()).active).toBe(active);
  });

  it.each([
    ['true', 'it exits 0, and nothing bears it out'],
    ['echo "app is stopped"; exit 0', 'it says that it does not run, and exits 0 as if it did'],
    ['echo "Usage: app {start|stop}"; exit 3', 'it answers with how it is used'],
    ['echo "usage: app start"; exit 0', 'it answers with how it is used'],
    ['exit 1', 'it exits 1, and nothing bears it out'],
    ['exit 2', 'it exits 2, and nothing bears it out'],
    ['exit 64', 'it exits 64'],
    ['echo "cannot tell"; exit 4', 'it exits 4'],
    ['echo "app is running"; exit 3', 'it says that it runs, and exits 3'],
    ['echo "open /run/app.pid: Permission denied"; exit 3', 'it may not look'],
  ])('is not known, and never "stopped", by: %s', async (status, why) => {
    sysv(status);
    expect(await troubleOf()).toMatchObject({
      code: 'service-unknown',
      what: `whether app.service runs on fake01 cannot be told: ${why}`,
    });
  });

  it('is borne out by the process of its pidfile', async () => {
    sysv('exit 0');
    file('var/run/app.pid', `${process.pid}\n`);
    expect((await stateOf()).active).toBe('active');
  });

  it('is not known where the pidfile that the script names has a living process, and the script says stopped', async () => {
    sysv('echo stopped; exit 3\n;;\nnever)\nPIDFILE="/var/lib/other.pid"');
    file('var/lib/other.pid', `${process.pid}\n`);
    expect((await troubleOf()).what).toContain(`it exits 3, and the process of a pidfile is alive: ${process.pid} `);
  });

  it('is not known where the script claims to run and the process of its pidfile is gone', async () => {
    sysv('echo running');
    file('run/app.pid', '4194999\n');
    expect((await troubleOf()).what).toContain('it exits 0, and the process of /run/app.pid is gone');
  });

  it('is never asked of a script without a status command, which could take the word for "start"', async () => {
    sysv('');
    file('etc/init.d/app', `#!/bin/sh\n: >${root}/touched\n`);
    expect(await troubleOf()).toMatchObject({
      what: expect.stringContaining('its script has no status command'),
      fix: 'Use command.run with its own commands, and a probe that proves them.',
    });
    expect(existsSync(join(root, 'touched'))).toBe(false);
  });

  it('of a service that has no script is known: not-found', async () => {
    sysv('exit 0');
    expect(await stateOf('ap.service')).toMatchObject({ load: 'not-found', init: { kind: 'sysv' } });
  });

  it('is nothing that a timer or a socket has', async () => {
    sysv('exit 0');
    expect(await troubleOf('app.timer')).toEqual({
      code: 'services-only',
      what: 'app.timer cannot be on fake01: SysV init knows services only',
      fix: 'Name the service itself, and look into cron and inetd for what starts it.',
    });
  });

  it('of a job of Upstart is not known, whose status exits 0 whatever it says', async () => {
    sysv('exit 0');
    file('etc/init/app.conf', '');
    const seen = await ask('app.service', {}, { initctl: 'exit 0' });
    expect(seen).toMatchObject({ known: false, trouble: { code: 'upstart' } });
  });

  it.each([
    ['systemd is there, and only its systemctl fails', 'run/systemd/system/x'],
    ['the first process is no init', 'proc/1/stat'],
  ])('is not asked for where %s', async (_why, path) => {
    sysv('exit 3');
    file(path, '1 (bash) S 0 1 1');
    expect(await troubleOf()).toMatchObject({ code: 'no-systemd' });
  });
});

describe('the state of a service of OpenRC', () => {
  const openrc = (status: string, exit: number, exists = 0) => {
    mkdirSync(join(root, 'run/openrc'), { recursive: true });
    return ask(
      'app.service',
      {},
      {
        'rc-service': `case "$*" in '--exists app') exit ${exists} ;; 'app status') echo ' * status: ${status}'; exit ${exit} ;; esac; exit 1`,
        'rc-update': `[ "$*" = show ] && printf '                  app |      default nonetwork\n                 apple | boot\n                 other |\n'`,
      },
    );
  };

  it.each([
    ['started', 0, 'active'],
    ['stopped', 3, 'inactive'],
    ['crashed', 32, 'failed'],
    ['starting', 8, 'activating'],
    ['inactive', 16, 'activating'],
  ])('"%s" with %d is %s', async (word, exit, active) => {
    expect(await openrc(word, exit)).toMatchObject({
      known: true,
      value: {
        ...{ unit: 'app.service', active, sub: word, enabled: 'enabled' },
        init: {
          kind: 'openrc',
          run: [expect.stringMatching(/\/rc-service$/), 'app'],
          starts: ['default', 'nonetwork'],
        },
      },
    });
  });

  it.each([
    ['started', 3],
    ['stopped', 0],
    ['stopped', 1],
  ])('is not known where it says "%s" and exits %d', async (word, exit) => {
    expect(await openrc(word, exit)).toMatchObject({ known: false, trouble: { code: 'service-unknown' } });
  });

  it('is not known where it says stopped and the process of its pidfile is alive', async () => {
    file('run/app.pid', `${process.pid}\n`);
    expect(await openrc('stopped', 3)).toMatchObject({ known: false, trouble: { code: 'service-unknown' } });
  });

  it('is not known where it says started and the process of its pidfile is gone', async () => {
    file('run/app.pid', '4194999\n');
    expect(await openrc('started', 0)).toMatchObject({ known: false, trouble: { code: 'service-unknown' } });
  });

  it('of a service that does not exist is known: not-found', async () => {
    expect(await openrc('', 1, 1)).toMatchObject({ known: true, value: { load: 'not-found' } });
  });
});
