import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lookAround, takesNode } from '../../src/cli/look-around.ts';

const home = mkdtempSync(join(tmpdir(), 'decom-look-around-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('keys are looked for in the home that "~" means, and passphrases where they are kept', () => {
  mkdirSync(join(home, '.ssh'));
  writeFileSync(join(home, '.ssh/decom'), '', { mode: 0o600 });
  const findings = lookAround({
    environment: { HOME: home, PATH: '' },
    hosts: [
      {
        name: 'web01',
        addresses: ['192.0.2.7'],
        serial: 'S1',
        ssh: { identity_files: ['~/.ssh/decom', '~/.ssh/other'], passphrase: { env: 'WEB_PASSPHRASE' } },
      },
    ],
    helpers: [],
    uses: new Set(),
    folder: home,
  });
  const about = (what: string) => findings.filter((finding) => finding.about === what);
  expect(about('key of web01').map(({ state, says }) => [state, says])).toEqual([
    ['here', '~/.ssh/decom'],
    ['missing', '~/.ssh/other'],
  ]);
  expect(about('passphrase of the key of web01')).toMatchObject([
    { state: 'missing', needed: true, fix: 'Set it: read -rs WEB_PASSPHRASE && export WEB_PASSPHRASE' },
  ]);
});

test('keys and secrets of helpers are looked for too, and a key that others can read is to be closed', () => {
  const around = {
    environment: { HOME: home, PATH: '' },
    hosts: [],
    helpers: [
      {
        ...{ name: 'vault', address: '192.0.2.50', folder: '/backup' },
        ssh: { identity_files: ['vault-key'], passphrase: { env: 'VAULT_PASSPHRASE' } },
      },
    ],
    uses: new Set<string>(),
    folder: home,
  };
  const of = (about: string) => lookAround(around).find((finding) => finding.about === about);
  expect(of('key of helper vault')).toMatchObject({ state: 'missing', needed: true, says: 'vault-key' });
  const key = join(home, 'vault-key');
  writeFileSync(key, '');
  chmodSync(key, 0o640);
  expect(of('key of helper vault')).toEqual({
    about: 'key of helper vault',
    state: 'missing',
    needed: true,
    says: 'vault-key can be read by others, so it is not used',
    fix: `Close it: chmod 600 ${key}`,
  });
  chmodSync(key, 0o600);
  expect(of('key of helper vault')).toMatchObject({ state: 'here', fix: '' });
  expect(of('passphrase of the key of helper vault')).toMatchObject({ state: 'missing', needed: true });
});

test.each([
  ['18.20.8', false],
  ['20.18.3', false],
  ['20.19.0', true],
  ['21.7.3', false],
  ['22.0.0', false],
  ['22.12.0', false],
  ['22.13.0', true],
  ['23.4.0', false],
  ['23.5.0', true],
  ['24.0.0', true],
])('Node %s will do: %s, as package.json says', (version, good) => {
  expect(takesNode(version)).toBe(good);
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  expect(engines.node.split(' || ').some((range) => admits(range, version))).toBe(good);
});

/** Ranges as they stand there: `^20.19.0`, `>=23.5.0`. */
function admits(range: string, version: string): boolean {
  const [, sign, least = ''] = /^(\^|>=)([\d.]+)$/.exec(range) ?? [];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  return sign === '^' || major === leastMajor ? major === leastMajor && minor >= leastMinor : major > leastMajor;
}
