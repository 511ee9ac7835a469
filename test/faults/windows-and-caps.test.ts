import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { weekdays } from '../../src/core/window.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { practiceHost, writePracticeInventory } from '../../src/practice/practice-workspace.ts';
import { settings } from './bench.ts';
import { freeClaim, type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { endCalls } from './program.ts';

let folders: readonly string[];
let machines: readonly PracticeMachine[];
let b: PracticeBench;
beforeAll(async () => {
  folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'decom-windows-')));
  machines = await Promise.all(folders.map(startMachine));
});
afterAll(async () => {
  await Promise.all(machines.map((machine) => machine.close()));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine(0));
});
afterEach(async () => {
  await endCalls();
  await b.close();
});

const machine = (n: number): PracticeMachine => machines[n] as PracticeMachine;
/** A step that leaves a file named by the host. */
const mark = (more = ''): string =>
  `- { id: mark, title: Mark it, uses: command.run, with: { argv: [touch, "${b.folder}/of-\${{ host.name }}"], probe: { argv: [test, -e, "${b.folder}/of-\${{ host.name }}"] } }${more} }`;
const marked = (host: string): boolean => existsSync(join(b.folder, `of-${host}`));
const day = 86_400_000;

/** A second machine stands beside the first one. */
function addSecond(): void {
  writePracticeInventory(join(b.folder, 'second'), machine(1));
  const entry = b.read('second/hosts.yaml').split('hosts:\n')[1] ?? '';
  b.write('hosts.yaml', `${b.read('hosts.yaml')}${entry.replace(`${practiceHost}:`, 'second:')}`);
}

test('outside its window a step is not begun: the run parks, nobody is needed, and a person may answer for it by name', async () => {
  // Three days from now it opens, and neither today nor tomorrow, whatever day it becomes meanwhile.
  const opens = new Date(Date.now() + 3 * day);
  b.runbook(mark(`, window: { days: [${weekdays[opens.getUTCDay()]}], timezone: UTC }`));
  await b.plan();
  const until = `${opens.toISOString().slice(0, 10)}T00:00:00.000Z`;
  const plan = await b.decom('plan', 'practice');
  expect(plan.stdout).toContain(`; window 00:00–24:00 on ${weekdays[opens.getUTCDay()]} (UTC)`);
  expect(plan.stdout).toContain(`closed now mark: the run would park until ${until}`);
  const rehearsed = await b.decom('run', 'practice', '--dry-run', '--non-interactive');
  expect(rehearsed.code, rehearsed.stderr).toBe(0);
  expect(rehearsed.stdout).toContain('1 operation; the run would park first: its window');

  const parked = await b.decom(...b.unattended);
  expect(parked.code, parked.stderr).toBe(9);
  expect(marked('practice')).toBe(false);
  expect(b.events().find((e) => e.type === 'run.parked')).toMatchObject({ step: 'mark', until, gate: 'window' });
  expect((await b.decom('status', 'practice')).stdout).toContain(`parked until ${until}: its window`);
  const why = (await b.decom('why', 'practice')).stdout;
  expect(why).toContain(`It waits until ${until}: its window 00:00–24:00`);
  expect(why).toMatch(/it is \d{4}-\d\d-\d\dT[\d:]+\+00:00, and it may be begun from/);
  expect(why).toMatch(/Or somebody answers for it by name: decom waive [0-9a-f]{12} mark\/window --reason TEXT/);
  expect((await b.decom('resume', '--due', '--non-interactive')).stdout).toContain('No run is due.');
  expect(await b.decom('resume', 'practice', '--non-interactive')).toMatchObject({ code: 9 });

  const said = await b.decom('waive', 'practice', 'mark/window', '--reason', 'the rack loses its power tonight');
  expect(said.code, said.stderr).toBe(0);
  const done = await b.decom('resume', 'practice', '--non-interactive');
  expect(done.code, done.stderr).toBe(0);
  expect(marked('practice')).toBe(true);
  expect((await b.decom('report', 'practice')).stdout).toContain('the rack loses its power');
});

test('a freeze that is declared while a run is parked holds it; it cannot be answered for, and is lifted in decom.yaml', async () => {
  b.runbook(mark());
  await b.plan();
  const [from, to] = [new Date(Date.now() - day), new Date(Date.now() + 30 * day)].map((at) =>
    at.toISOString().slice(0, 19),
  );
  b.write('decom.yaml', `${settings}freezes:\n  - { from: ${from}Z, to: ${to}Z, why: the books are closed }\n`);
  const parked = await b.decom(...b.unattended);
  expect(parked.code, parked.stderr).toBe(9);
  expect(parked.stdout + parked.stderr).toContain(
    `changes are frozen from ${from}+00:00 until ${to}+00:00: the books are closed`,
  );
  expect((await b.decom('plan', 'practice')).stdout).toContain(
    `frozen from ${from}.000Z until ${to}.000Z: the books are closed`,
  );
  expect((await b.decom('why', 'practice')).stdout).toContain('Nobody alone can pass a freeze');
  expect(await b.decom('waive', 'practice', 'mark/freeze', '--reason', 'now')).toMatchObject({ code: 2 });
  expect(marked('practice')).toBe(false);
  b.write('decom.yaml', `${settings}freezes: soon\n`);
  expect((await b.decom('resume', 'practice', '--non-interactive')).code).toBe(2);
  b.write('decom.yaml', settings);
  expect(await b.decom('resume', 'practice', '--non-interactive')).toMatchObject({ code: 0 });
  expect(marked('practice')).toBe(true);
});

test('of two runs that are started at once, and find room for one, one begins and the other is told who has it', async () => {
  addSecond();
  b.write('decom.yaml', `${settings}caps: { hosts_at_once: 1 }\n`);
  b.runbook(`${mark()}\n- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }`);
  const hosts = ['practice', 'second'];
  for (const host of hosts) expect(await b.decom('plan', host, '-o', `${host}.json`)).toMatchObject({ code: 0 });
  const calls = hosts.map((host) => b.start(['run', '--plan', `${host}.json`, '--non-interactive']));
  const ends = await Promise.all(calls.map(({ ended }) => ended));
  expect(ends.map(({ code }) => code).sort()).toEqual([4, 9]);
  const first = hosts[ends.findIndex(({ code }) => code === 9)] ?? '';
  const other = hosts.find((host) => host !== first) ?? '';
  expect(hosts.map(marked)).toEqual(hosts.map((host) => host === first));
  const refused = ends.find(({ code }) => code === 4);
  expect(refused?.stderr ?? '').toContain('1 other host is under change, and caps.hosts_at_once is 1');
  expect(refused?.stderr ?? '').toContain(`${first} (run `);

  expect(await b.decom('resume', other, '--non-interactive', '--raise-caps', '2')).toMatchObject({ code: 2 });
  const raised = ['--raise-caps', '2', '--raise-caps-reason', 'both leave the rack today'];
  expect(await b.decom('resume', '--due', '--non-interactive', ...raised)).toMatchObject({ code: 2 });
  const resumed = await b.decom('resume', other, '--non-interactive', ...raised);
  expect(resumed.code, resumed.stderr).toBe(9);
  expect(hosts.every(marked)).toBe(true);
  const log = readFileSync(join(b.runs().find((run) => run.includes(`/${other}/`)) ?? '', 'audit.jsonl'), 'utf8');
  expect(log).toContain('"reason":"both leave the rack today","seq"');
  expect((await b.decom('report', other)).stdout).toContain('raised the caps for this run to 2');
  for (const host of hosts) expect(await b.decom('abandon', host, '--reason', 'shown')).toMatchObject({ code: 0 });
  await freeClaim(machine(1));
});
