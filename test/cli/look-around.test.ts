import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lookAround } from '../../src/cli/look-around.ts';

const home = mkdtempSync(join(tmpdir(), 'decom-look-around-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('keys are looked for in the home that "~" means, and passphrases where they are kept', () => {
  mkdirSync(join(home, '.ssh'));
  writeFileSync(join(home, '.ssh/decom'), '');
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
    uses: new Set(),
    state: undefined,
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
