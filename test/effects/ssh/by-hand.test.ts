import { expect, it } from 'vitest';
import { byHand } from '../../../src/effects/ssh/by-hand.ts';

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
