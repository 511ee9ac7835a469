import { expect, it } from 'vitest';
import { byHand, copyIdByHand } from '../../../src/effects/ssh/by-hand.ts';
import { loginRefused } from '../../../src/effects/ssh/login-keys.ts';
import { passwordWrong } from '../../../src/effects/ssh/sudo.ts';
import type { SshTarget } from '../../../src/effects/ssh/target.ts';

const web01 = { name: 'web01', address: '192.0.2.7', port: 22, user: 'root', sudo: false };
const outer = { name: 'outer', address: '192.0.2.1', port: 2222, user: 'ops', sudo: false };
const inner = { name: 'inner', address: '2001:db8::1', port: 22, user: 'ops', sudo: false };

it.each([
  ['a host straight away', {}, {}, 'ssh -p 22 root@192.0.2.7'],
  ['a name of the configuration', {}, { destination: 'web01' }, 'ssh -o HostName=192.0.2.7 -p 22 root@web01'],
  [
    'a configuration and a flag',
    {},
    { config: '/etc/my config', flags: ['-v'] },
    "ssh -v -F '/etc/my config' -p 22 root@192.0.2.7",
  ],
  [
    'bastions, in order',
    { jumps: [outer, inner] },
    {},
    "ssh -J 'ops@192.0.2.1:2222,ops@[2001:db8::1]:22' -p 22 root@192.0.2.7",
  ],
])('names %s', (_what, more, how, line) => {
  expect(byHand({ ...web01, ...more }, how)).toBe(line);
});

it('has the key copied by way of the bastions', () => {
  expect(copyIdByHand(web01)).toBe('ssh-copy-id -p 22 root@192.0.2.7');
  expect(copyIdByHand({ ...web01, jumps: [outer, inner] })).toBe(
    "ssh-copy-id -o 'ProxyJump=ops@192.0.2.1:2222,ops@[2001:db8::1]:22' -p 22 root@192.0.2.7",
  );
});

it.each([
  [
    'a login that was refused',
    (target: SshTarget) =>
      loginRefused(target, {
        methods: [{ type: 'none', username: 'root' }],
        offered: ['k'],
        unusable: [],
        exposed: [],
        locked: [],
      }),
  ],
  ['a password that sudo does not take', passwordWrong],
])('names the bastions to somebody who is told to look into %s', (_what, told) => {
  expect(told({ ...web01, jumps: [outer] }).fix).toMatch(/(-J |ProxyJump=)ops@192\.0\.2\.1:2222/);
});
