import type { Machine } from '../../src/core/ports.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { opensshMachine } from '../../src/effects/ssh/openssh/machine.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import type { Sshd } from './sshd.ts';

/** An sshd as a machine to reach, with its own host key and the key that it lets in. */
export const targetAt = (sshd: Sshd, name: string, more: Partial<SshTarget> = {}): SshTarget => ({
  name,
  address: sshd.address,
  port: sshd.port,
  user: sshd.user,
  identityFiles: [sshd.userKey],
  hostKeys: sshd.hostKeys,
  sudo: false,
  ...more,
});

/** Both, with no SSH configuration and an empty home. */
export const transports: readonly (readonly [string, (target: SshTarget, deps?: Partial<SshDeps>) => Machine])[] = [
  ['ssh2', (target, deps = {}) => sshMachine(target, { home: '/nonexistent', ...deps })],
  [
    'the ssh program',
    (target, deps = {}) => opensshMachine(target, { config: '/dev/null' }, { home: '/nonexistent', ...deps }),
  ],
];
