import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entranceScript } from '../../../src/effects/transfer/helper/entrance-script.ts';
import { temporary } from './fixture.ts';

let here: ReturnType<typeof temporary>;
beforeEach(() => {
  here = temporary();
});
afterEach(() => here.remove());

const admit = (home: string): string =>
  execFileSync('sh', ['-c', entranceScript, 'sh', 'admit', 'run-step', 'ssh-ed25519 AAAA'], {
    env: { PATH: process.env.PATH, HOME: home },
    input: 'echo served\n# whole\n',
    encoding: 'utf8',
  }).trim();

test('what a helper may run is found wherever its login begins', () => {
  expect(admit(here.path)).toBe('done');
  const line = readFileSync(join(here.path, '.ssh/authorized_keys'), 'utf8');
  const [, command = ''] = /^command="([^"]+)",/.exec(line) ?? [];
  expect(execFileSync('sh', ['-c', command], { cwd: '/', encoding: 'utf8' })).toBe('served\n');
});

test('a home folder whose path does not fit into a forced command as it stands is refused, and nothing is put there', () => {
  const odd = join(here.path, 'my "home" $(id)');
  mkdirSync(odd);
  expect(admit(odd)).toBe('refused odd-home');
  expect(existsSync(join(odd, '.ssh'))).toBe(false);
});
