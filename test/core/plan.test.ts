import { expect, test } from 'vitest';
import type { Host } from '../../src/core/host.ts';
import { boundHost, hostScope, sshWords } from '../../src/core/plan.ts';

const host: Host = {
  name: 'web01',
  addresses: ['192.0.2.7'],
  serial: '0012345',
  ssh: { user: 'root', passphrase: { file: 'secrets/passphrase' }, legacy: true },
  bmc: { kind: 'ipmi', address: '192.0.2.8', user: 'admin', password: { env: 'BMC' } },
};

test('where secrets are kept is not bound, and cannot be named', () => {
  const scope = JSON.stringify(hostScope(boundHost(host)));
  expect(scope).toContain('"user":"root"');
  expect(scope).not.toContain('passphrase');
  expect(scope).not.toContain('password');
});

test('old algorithms that are allowed are told of the host that is bound', () => {
  expect(sshWords(boundHost(host))).toBe('legacy: algorithms that no longer count as safe are allowed');
  const { ssh: _, ...plain } = host;
  expect(sshWords(boundHost(plain))).toBeUndefined();
});
