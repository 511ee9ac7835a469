import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { endCalls } from '../faults/program.ts';

/*
 * Logs that people vouch for with their SSH keys, by the built program, judged by it and by `verify.sh` with OpenSSH's own ssh-keygen.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-signed-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await endCalls();
  await b.close();
});

const look = '- { id: look, title: Look at the power, uses: power.status }';
const quiet = '- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }';

/** A key of a person, and its line among the allowed signers. */
function keyOf(person: string, ...options: readonly string[]): { readonly file: string; readonly line: string } {
  const file = join(b.folder, `key-${person}`);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', person, '-f', file, ...options]);
  return { file, line: `${person} ${readFileSync(`${file}.pub`, 'utf8')}` };
}

const env = (file: string) => ({ env: { DECOM_SIGNING_KEY: file } });
const log = (): string => join(b.runs().at(-1) ?? '', 'audit.jsonl');

/** What `verify.sh` in the run's folder says, by dash and by BusyBox, which have to agree. */
function byScript(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  const script = join(b.runs().at(-1) ?? '', 'verify.sh');
  const [dash, busybox] = [['dash'], ['busybox', 'sh']].map(([shell = '', ...more]) => {
    const ran = spawnSync(shell, [...more, script, ...args], { encoding: 'utf8' });
    return { code: ran.status, said: `${ran.stdout}${ran.stderr}` };
  });
  expect(busybox).toEqual(dash);
  return dash ?? { code: null, said: '' };
}

test('a run that one person vouched for is closed and signed, by decom and by ssh-keygen', async () => {
  b = await practiceBench(machine);
  const ada = keyOf('ada@example.org');
  b.write('allowed_signers', ada.line);
  b.write('decom.yaml', `${b.read('decom.yaml')}allowed_signers: allowed_signers\n`);
  b.runbook(look);
  await b.plan();
  const ran = await b.start(b.unattended, env(ada.file)).ended;
  expect(ran.code, ran.stderr).toBe(0);
  const verified = await b.decom('audit', 'verify', 'practice');
  expect(verified.stdout).toContain('closed and signed');
  expect(verified.code).toBe(0);
  const script = byScript('-s', join(b.folder, 'allowed_signers'));
  expect(script.said).toContain('closed and signed');
  expect(script.code).toBe(0);
  expect(byScript().code).toBe(12);
  expect((await b.decom('report', 'practice')).stdout).toContain('closed and signed');
});
