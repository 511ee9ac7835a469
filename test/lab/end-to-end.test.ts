import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approval, approved } from '../faults/approved.ts';
import { chassis } from './chassis.ts';
import { copiesIn, differences } from './compare-copies.ts';
import { answers, mainJob } from './lab-runbook.ts';
import { changes, observe } from './observe.ts';
import { poll } from './poll.ts';
import { startVm, type Vm } from './vm.ts';
import { type Called, type VmWorkspace, vmWorkspace } from './vm-workspace.ts';

/*
 * The built program against a booted Debian, in order: each test goes on from where the one before it left the machine.
 */
let vm: Vm;
let workspace: VmWorkspace;

beforeAll(async () => {
  vm = await startVm({
    start: 'cold',
    bmc: true,
    identity: { serial: '0071E5', uuid: '0f54be2c-7d2a-4d1e-9c55-1f6a30c2b7a9' },
  });
  // Two thousand small files of ten: an emulated processor hashes them nine times here.
  await vm.sh('rm -rf /srv/many/[2-9]?');
  workspace = vmWorkspace(vm, mainJob(['/srv', '/etc']));
  writeFileSync(join(workspace.folder, 'answers.yaml'), answers);
});
afterAll(async () => {
  await vm?.stop();
  workspace?.remove();
});

const ended = (called: Called, code: number): Called => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return called;
};

test('the workspace is valid, and the plan names the machine, every step and no blocker', async () => {
  ended(await workspace.decom('validate'), 0);
  const { stdout } = ended(await workspace.decom('plan', 'web01', '-o', 'plan.json'), 0);
  expect(stdout).toContain(vm.identity.serial);
  for (const step of ['identity', 'mark', 'stop', 'archive', 'mirror-proof', 'off', 'retired'])
    expect(stdout).toContain(step);
  const plan = JSON.parse(readFileSync(join(workspace.folder, 'plan.json'), 'utf8'));
  expect(plan.facts.blockers).toEqual([]);
  expect(readFileSync(join(workspace.folder, 'plan.json'), 'utf8')).not.toContain(vm.bmc?.password);
});

test('a rehearsal changes nothing on the machine and nothing here', async () => {
  const inventory = readFileSync(join(workspace.folder, 'hosts.yaml'), 'utf8');
  const before = await observe(vm);
  ended(await workspace.decom('run', 'web01', '--dry-run', '--non-interactive'), 0);
  expect(changes(before, await observe(vm))).toEqual([]);
  expect(before.disk.length).toBeGreaterThan(10_000);
  expect(readFileSync(join(workspace.folder, 'hosts.yaml'), 'utf8')).toBe(inventory);
  expect(workspace.log()).toEqual([]);
  expect(execFileSync('find', [workspace.vault, '-mindepth', '1'], { encoding: 'utf8' })).toBe('');
  expect(chassis(vm, 'status')).toBe('Chassis Power is on');
});

test('without somebody else who approves it, nothing is begun without a terminal', async () => {
  const run = ['run', '--plan', 'plan.json', '--non-interactive', '--answers', 'answers.yaml'] as const;
  const { stderr } = ended(await workspace.decom(...run, `--confirm=${vm.identity.serial}`), 4);
  expect(stderr).toContain('[approval-impossible]');
  expect(workspace.log()).toEqual([]);
  approved(workspace.folder, workspace.home);
});

test('without the serial, or with another one, nothing is begun', async () => {
  const run = ['run', '--plan', 'plan.json', ...approval, '--non-interactive', '--answers', 'answers.yaml'] as const;
  ended(await workspace.decom(...run), 64);
  ended(await workspace.decom(...run, '--confirm=0071E6'), 4);
  expect(workspace.log()).toEqual([]);
  expect(vm.running()).toBe(true);
});

test('the run goes through, and the machine is off', async () => {
  const run = ['run', '--plan', 'plan.json', ...approval, '--non-interactive', '--answers', 'answers.yaml'] as const;
  ended(await workspace.decom(...run, `--confirm=${vm.identity.serial}`), 0);
  await poll('qemu to be gone', () => (vm.running() ? undefined : true));
  expect(chassis(vm, 'status')).toBe('Chassis Power is off');
});

test('the inventory says retired, and keeps its comments', () => {
  const inventory = readFileSync(join(workspace.folder, 'hosts.yaml'), 'utf8');
  expect(inventory).toContain('status: retired');
  expect(inventory).toContain('# a comment that has to stay');
});

test('the log is intact, closed and signed, and holds neither password nor doubt', async () => {
  ended(await workspace.decom('audit', 'verify', 'web01'), 0);
  const log = workspace.log();
  expect(log.filter(({ type }) => type === 'operation.in-doubt' || type === 'operation.failed')).toEqual([]);
  expect(log.at(-1)?.type).toBe('session.closed');
  expect(log.some(({ type }) => type === 'run.closed')).toBe(true);
  const told = spawnText('grep', ['-rlF', vm.bmc?.password ?? '', workspace.state]);
  expect(told).toBe('');
});

test('the same plan cannot be run twice, and a finished run cannot be resumed', async () => {
  const run = ['run', '--plan', 'plan.json', ...approval, '--non-interactive', '--answers', 'answers.yaml'] as const;
  ended(await workspace.decom(...run, `--confirm=${vm.identity.serial}`), 8);
  ended(await workspace.decom('resume', 'web01', '--non-interactive'), 2);
});

test('status and report tell of the finished run', async () => {
  expect(ended(await workspace.decom('status', 'web01'), 0).stdout).toContain('web01');
  const { stdout } = ended(await workspace.decom('report', 'web01'), 0);
  for (const step of ['identity', 'archive', 'off']) expect(stdout).toContain(step);
  ended(await workspace.decom('report', 'web01', '--html', '-o', 'report.html'), 0);
  expect(readFileSync(join(workspace.folder, 'report.html'), 'utf8')).toContain(vm.identity.serial);
});

test('switched on again, its services stay down, and both copies equal its files', async () => {
  chassis(vm, 'on');
  await poll('qemu to be back', () => (vm.running() ? true : undefined));
  await vm.booted();
  const services = await vm.sh(
    'systemctl is-active app nginx; systemctl is-enabled app nginx; cat /var/lib/decom-mark',
  );
  expect(services.stdout.toString().trim().split('\n')).toEqual([
    'inactive',
    'inactive',
    'disabled',
    'disabled',
    'mark',
  ]);
  const before = (await vm.sh('journalctl -b -1 -o cat -u app -u nginx')).stdout.toString();
  expect(before).toContain('Stopped app.service');
  expect(before).toContain('Stopped nginx.service');

  const copies = copiesIn(workspace.vault);
  expect(copies).toHaveLength(2);
  for (const copy of copies) expect(await differences(vm, copy, ['/srv', '/etc']), copy).toEqual([]);
});

function spawnText(program: string, argv: readonly string[]): string {
  try {
    return execFileSync(program, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? '');
  }
}
