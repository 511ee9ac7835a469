import { expect, it } from 'vitest';
import { sudoOf } from '../../src/core/ssh-settings.ts';

const sudo_password = { env: 'SUDO_PASSWORD' };

it.each([
  [undefined, 'no'],
  [{}, 'no'],
  [{ sudo: true }, 'yes'],
  [{ sudo_password }, 'password'],
  [{ sudo: true, sudo_password }, 'password'],
  [{ sudo: false, sudo_password }, 'no'],
] as const)('root by sudo with %j: %s', (ssh, how) => {
  expect(sudoOf(ssh)).toBe(how);
});
