import type { Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import type { Patience, SshTarget } from '../../src/effects/ssh/target.ts';
import { machineContract } from '../contracts/machine.ts';
import { makeAccount } from './account.ts';
import { type Sshd, startSshd } from './sshd.ts';

const machineAt = (sshd: Sshd, more: Partial<SshTarget> = {}, patience: Partial<Patience> = {}): Machine =>
  sshMachine(
    {
      name: 'web01',
      address: sshd.address,
      port: sshd.port,
      user: sshd.user,
      identityFiles: [sshd.userKey],
      hostKeys: sshd.hostKeys,
      sudo: false,
      ...more,
    },
    { home: '/nonexistent', patience: { settle: 500, abort: 1000, ...patience } },
  );

machineContract('a machine behind a real sshd, logged in as root,', async () => {
  const sshd = await startSshd();
  return { machine: machineAt(sshd), close: () => sshd.stop() };
});

machineContract('a machine behind a real sshd with few sessions and dash as login shell', async () => {
  const account = makeAccount(`decom-${process.pid}`, undefined, '/bin/dash');
  const sshd = await startSshd({ user: account.name, config: ['MaxSessions 3'] });
  return {
    machine: machineAt(sshd),
    close: async () => {
      await sshd.stop();
      account.remove();
    },
  };
});

for (const pty of ['use_pty', '!use_pty']) {
  machineContract(`a machine behind a real sshd, by sudo with ${pty},`, async () => {
    const name = `decom-${process.pid}`;
    const account = makeAccount(name, `ALL=(root) NOPASSWD: ALL\nDefaults:${name} ${pty}`);
    const sshd = await startSshd({ user: account.name });
    return {
      machine: asRoot(machineAt(sshd, { sudo: true })),
      close: async () => {
        await sshd.stop();
        account.remove();
      },
    };
  });
}

/** The same machine, with every program run as root. */
const asRoot = (machine: Machine): Machine => ({
  ...machine,
  exec: (command, options) => machine.exec({ ...command, root: true }, options),
  start: (command, options) => machine.start({ ...command, root: true }, options),
});
