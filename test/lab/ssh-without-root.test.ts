import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { hostProbes } from '../../src/effects/host/handlers.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { type Account, makeAccount } from './account.ts';
import { type Sshd, startSshd } from './sshd.ts';

const transports = [
  ['ssh2', (target: SshTarget, deps: SshDeps) => sshMachine(target, deps)],
  ['the ssh program', (target: SshTarget, deps: SshDeps) => opensshMachine(target, { config: 'none' }, deps)],
] as const;

describe.each(transports)('a login without root, over %s,', (_by, make) => {
  const name = `decom-w${process.pid}`;
  let sshd: Sshd;
  let account: Account;
  let machine: Machine;
  beforeAll(async () => {
    account = makeAccount(name);
    sshd = await startSshd({ user: name });
    machine = make(
      {
        ...{ name: 'web01', address: sshd.address, port: sshd.port, user: name, sudo: false },
        ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys },
      },
      { home: '/nonexistent' },
    );
  });
  afterAll(async () => {
    await machine.close();
    await sshd.stop();
    account.remove();
  });

  it('identifies the host by what anybody may read, and says what only root could', async () => {
    const seen = await hostProbes(machine)['host.identity']({ kind: 'host.identity' });
    expect(seen).toMatchObject({
      known: true,
      value: {
        boot_id: { known: true },
        host_key: { known: true, value: sshd.hostKeys[0] },
        serial: { known: false },
        uuid: { known: false },
      },
    });
  });

  it('tells a closed folder from one that is not there', async () => {
    const ask = hostProbes(machine)['host.paths'];
    const paths = ['/root/secret', '/root', '/no-such-folder', '/etc'];
    const seen = await ask({ kind: 'host.paths', paths, root: false });
    expect(seen.known && seen.value.map(({ path, kind }) => [path, kind])).toEqual([
      ['/root/secret', 'unreadable'],
      ['/root', 'unreadable'],
      ['/no-such-folder', 'missing'],
      ['/etc', 'directory'],
    ]);
  });

  it('is told before anything begins that a program needs root', async () => {
    expect(await machine.exec({ argv: ['systemctl', 'stop', 'cron.service'], root: true })).toMatchObject({
      ok: false,
      error: {
        code: 'root-needed',
        what: `systemctl needs root on web01, and ${name} is not root`,
        fix: 'Set ssh.sudo: true for web01 in hosts.yaml, or log in as root.',
      },
    });
  });
});
