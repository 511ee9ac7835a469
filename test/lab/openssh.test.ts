import type { Machine } from '../../src/core/ports.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import type { Patience, SshTarget } from '../../src/effects/ssh/target.ts';
import { machineContract } from '../contracts/machine.ts';
import { makeAccount } from './account.ts';
import { type Sshd, startSshd } from './sshd.ts';

const machineAt = (sshd: Sshd, more: Partial<SshTarget> = {}, patience: Partial<Patience> = {}): Machine =>
  opensshMachine(
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
    { config: '/dev/null' },
    { home: '/nonexistent', patience: { settle: 500, abort: 1000, ...patience } },
  );

machineContract('a machine behind a real sshd and the ssh program, logged in as root,', async () => {
  const sshd = await startSshd();
  return { machine: machineAt(sshd), close: () => sshd.stop() };
});

machineContract('a machine behind a real sshd and the ssh program, with few sessions and dash', async () => {
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

machineContract('a machine behind a real sshd and the ssh program, by sudo,', async () => {
  const name = `decom-${process.pid}`;
  const account = makeAccount(name, 'ALL=(root) NOPASSWD: ALL');
  const sshd = await startSshd({ user: account.name });
  const machine = machineAt(sshd, { sudo: true });
  return {
    machine: {
      ...machine,
      exec: (command, options) => machine.exec({ ...command, root: true }, options),
      start: (command, options) => machine.start({ ...command, root: true }, options),
    },
    close: async () => {
      await sshd.stop();
      account.remove();
    },
  };
});
