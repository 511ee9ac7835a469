import { expect, it } from 'vitest';
import { chooseTransport } from '../../../src/effects/ssh/transport.ts';

const certificate = [{ need: 'certificate', what: 'web01: the login is by certificate (/k-cert.pub)' }] as const;

it.each([
  ['auto', [], 'ssh2', true, []],
  [
    'auto',
    certificate,
    'openssh',
    false,
    ['over SSH by the ssh program: web01: the login is by certificate (/k-cert.pub)'],
  ],
  ['openssh', [], 'openssh', false, ['over SSH by the ssh program: ssh.transport says so']],
  [
    'ssh2',
    certificate,
    'ssh2',
    false,
    ['over SSH by ssh2: ssh.transport says so, though web01: the login is by certificate (/k-cert.pub)'],
  ],
] as const)('transport %s with the needs %j is %s', (wanted, needs, by, otherwise, words) => {
  expect(chooseTransport(wanted, needs)).toEqual({ by, otherwise, words });
});
