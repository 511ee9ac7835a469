import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nastySource } from '../effects/transfer/fixture.ts';
import { approval, approved } from '../faults/approved.ts';
import type { Bench } from '../faults/bench.ts';
import type { Ended } from '../faults/program.ts';
import type { BusyboxHost } from './busybox-host.ts';
import { answers } from './lab-runbook.ts';
import { type OldWorkspace, oldJob, oldWorkspace, serial } from './old-workspace.ts';

/*
 * The built program against a host of BusyBox alone, from the first look to the power off, in order: each test goes on from where the one
 * before it left the machine.
 */
let w: OldWorkspace;
let host: BusyboxHost;
let b: Bench;

beforeAll(async () => {
  w = await oldWorkspace();
  ({ host, b } = w);
  nastySource(join(host.root, 'srv'));
  mkdirSync(join(host.root, 'srv/more'));
  writeFileSync(join(host.root, 'srv/more/file'), 'x'.repeat(300_000));
  b.write('answers.yaml', answers);
  b.write('runbooks/retire.yaml', oldJob(b.vault));
});
afterAll(async () => {
  await w?.close();
});

const ended = (called: Ended, code: number): Ended => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return called;
};
const run = ['run', '--plan', 'plan.json', ...approval, '--non-interactive', '--answers', 'answers.yaml'] as const;
/** Every file of the host with its content and when it was changed, but for what lives in memory or is not its own. */
const disk = (): string =>
  execFileSync(
    'sh',
    [
      '-c',
      "find . -xdev \\( -path ./proc -o -path ./dev -o -path ./run \\) -prune -o -printf '%p %y %m %s %C@ %l\\n' | LC_ALL=C sort",
    ],
    { cwd: host.root, encoding: 'utf8', maxBuffer: 2 ** 26 },
  );

test('the plan names the commands of its init, and no blocker', async () => {
  ended(await b.decom('validate'), 0);
  const { stdout } = ended(await b.decom('plan', 'old01', '-o', 'plan.json'), 0);
  expect(stdout).toContain('/etc/init.d/app stop');
  expect(stdout).toContain('mv -n -- /etc/rc3.d/S20app /etc/rc3.d/K20app');
  expect((JSON.parse(b.read('plan.json')) as { facts: { blockers: unknown } }).facts.blockers).toEqual([]);
  approved(b.folder);
});

test('a rehearsal changes nothing on it', async () => {
  const before = disk();
  ended(await b.decom('run', 'old01', '--dry-run', '--non-interactive'), 0);
  expect(disk()).toBe(before);
  expect(before.split('\n').length).toBeGreaterThan(300);
  expect(await host.power.get()).toBe('on');
  expect(existsSync(join(host.root, 'run/app.pid'))).toBe(true);
  expect(readdirSync(b.vault)).toEqual([]);
});

test('the run goes through, and its own init has switched it off', async () => {
  const was = sums(join(host.root, 'srv'));
  ended(await b.decom(...run, `--confirm=${serial}`), 0);
  expect(await host.power.get()).toBe('off');
  expect(readFileSync(join(host.root, 'srv/mark'), 'utf8')).toBe('mark\n');
  expect(readdirSync(join(host.root, 'etc/rc3.d'))).toEqual(['K20app']);
  // The copy, unpacked by another tar than the one that made it.
  const there = join(b.folder, 'unpacked');
  mkdirSync(there);
  const copy = readdirSync(join(b.vault, 'old01'))[0] ?? '';
  execFileSync('tar', ['-xpf', join(b.vault, 'old01', copy, 'data.tar'), '-C', there], { stdio: 'ignore' });
  expect(sums(join(there, 'srv'))).toEqual(expect.arrayContaining([...was]));
  expect(was.length).toBeGreaterThan(35);
});

test('its log is whole and closed, without doubt, and the report tells of every step', async () => {
  ended(await b.decom('audit', 'verify', 'old01'), 0);
  const types = b.events().map(({ type }) => type);
  expect(types).not.toContain('operation.in-doubt');
  expect(types).not.toContain('operation.failed');
  expect(types).toContain('run.closed');
  const { stdout } = ended(await b.decom('report', 'old01'), 0);
  for (const step of ['identity', 'archive', 'proof', 'off']) expect(stdout).toContain(step);
  expect(b.read('hosts.yaml')).toContain('status: retired');
});

test('switched on again, its service stays down', async () => {
  await host.power.set('on', 'soft');
  // Its sshd, which this has waited for, is started after the services.
  expect(existsSync(join(host.root, 'run/app.pid'))).toBe(false);
});

/** A line for every file below a folder, with the hash of its content; in bytes, as names need not be text. */
const sums = (folder: string): readonly string[] =>
  execFileSync('sh', ['-c', 'find . -type f -print0 | xargs -0 sha256sum -z'], { cwd: folder, maxBuffer: 2 ** 26 })
    .toString('latin1')
    .split('\0')
    .filter((line) => line !== '');
