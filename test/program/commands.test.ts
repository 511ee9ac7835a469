import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';

let home: string;
let machine: PracticeMachine;
let bench: PracticeBench;

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'decom-commands-')));
  machine = await startMachine(home);
  bench = await practiceBench(machine);
});

afterEach(async () => {
  await bench.close();
  await machine.close();
  rmSync(home, { recursive: true, force: true });
});

const stopping = `
- id: stop
  title: Stop the services
  uses: service.stop
  with: { units: [web.service] }
- id: flag
  title: Wait for the flag
  uses: command.run
  with:
    argv: [cat, FLAG]
    probe: { argv: [test, -e, FLAG] }
`;

const lastMessage = (stdout: string): { readonly [key: string]: unknown } =>
  JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '{}') as { readonly [key: string]: unknown };

test('a host is added from what it says of itself, once somebody vouches for its key', async () => {
  const add = [
    'host',
    'add',
    'found',
    '--address',
    machine.ssh.address,
    '--port',
    String(machine.ssh.port),
    '--user',
    machine.ssh.user,
    '--identity',
    machine.ssh.identityFile,
  ];
  bench.write('hosts.yaml', '# the inventory\nhosts: {}\n');
  const before = bench.read('hosts.yaml');
  const unknown = await bench.decom(...add);
  expect(unknown.code).toBe(4);
  expect(unknown.stderr).toContain('[host-key-unknown]');
  expect(bench.read('hosts.yaml')).toBe(before);
  const shown = /--accept-host-key (SHA256:\S+)/.exec(unknown.stderr)?.[1] ?? '';

  const other = await bench.decom(...add, '--accept-host-key', `SHA256:${'A'.repeat(43)}`);
  expect(other.code).toBe(4);
  expect(other.stderr).toContain('[host-key-changed]');
  expect(bench.read('hosts.yaml')).toBe(before);

  const added = await bench.decom(...add, '--accept-host-key', shown);
  expect(added.stderr).toBe('');
  expect(added.code).toBe(0);
  expect(added.stdout).toContain(machine.identity.serial);
  expect(added.stdout).toContain('Compare the serial with the label on the machine');
  const hosts = bench.read('hosts.yaml');
  expect(hosts).toContain('# the inventory');
  expect(hosts).toContain('note: compare with the label');
  expect((await bench.decom('validate')).code).toBe(0);

  const again = await bench.decom(...add, '--accept-host-key', shown);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('[host-known]');
});

test('a run that failed is explained, gone on with once the cause is gone, and rolled back', async () => {
  const flag = join(home, 'flag');
  bench.runbook(stopping.replaceAll('FLAG', flag));
  await bench.plan();
  const failed = await bench.decom(...bench.unattended);
  expect(failed.code).toBe(10);
  expect(machine.unit('web.service')?.active).toBe('inactive');

  const second = await bench.decom('run', '--plan', 'plan.json', '--non-interactive');
  expect(second.code).toBe(7);
  expect(second.stderr).toContain('decom resume practice');

  const why = await bench.decom('why', 'practice', '--json');
  expect(why.code).toBe(0);
  expect(lastMessage(why.stdout)).toMatchObject({ type: 'why', step_id: 'flag', status: 'stopped' });
  expect((await bench.decom('audit', 'verify', 'practice')).code).toBe(11);

  writeFileSync(flag, '');
  const resumed = await bench.decom('resume', 'practice', '--non-interactive');
  expect(resumed.stderr).toContain('confirmed by');
  expect(resumed.code).toBe(0);
  expect((await bench.decom('audit', 'verify', 'practice')).code).toBe(12);
  expect((await bench.decom('resume', 'practice')).code).toBe(2);

  const back = await bench.decom('rollback', 'practice', '--reason', 'needed again', '--yes');
  expect(back.code).toBe(0);
  expect(machine.unit('web.service')?.active).toBe('active');
  const status = await bench.decom('status', 'practice', '--json');
  expect(lastMessage(status.stdout)).toMatchObject({ status: 'closed', outcome: 'rolled-back' });
  const report = await bench.decom('report', 'practice');
  expect(report.code).toBe(0);
  expect(report.stdout).toContain('needed again');
});

test('an open run is planned anew when its runbook was corrected, and abandoned with a reason', async () => {
  const flag = join(home, 'flag');
  bench.runbook(stopping.replaceAll('FLAG', flag));
  await bench.plan();
  expect((await bench.decom(...bench.unattended)).code).toBe(10);

  const same = await bench.decom('replan', 'practice', '--yes');
  expect(same.stdout).toContain('Nothing has changed');

  bench.runbook(stopping.replaceAll('FLAG', `${flag}-renamed`));
  const unasked = await bench.decom('replan', 'practice');
  expect(unasked.code).toBe(64);
  const replanned = await bench.decom('replan', 'practice', '--yes');
  expect(replanned.code).toBe(0);
  expect(replanned.stderr).toContain('steps.flag.with');
  expect(replanned.stderr).not.toContain('steps.stop');
  const resumed = await bench.decom('resume', 'practice', '--non-interactive');
  expect(resumed.code).toBe(10);

  expect((await bench.decom('abandon', 'practice', '--reason', ' ')).code).toBe(2);
  const abandoned = await bench.decom('abandon', 'practice', '--reason', 'stays in service');
  expect(abandoned.code).toBe(0);
  expect(bench.events().findLast((event) => event.type === 'run.closed')).toMatchObject({
    outcome: 'abandoned',
    reason: 'stays in service',
  });
});

test('where the host cannot be reached, saved facts can be rehearsed, never run', async () => {
  bench.runbook(stopping.replaceAll('FLAG', join(home, 'flag')));
  await bench.plan();
  await machine.close();

  const rehearsed = await bench.decom('run', 'practice', '--dry-run', '--non-interactive', '--facts', 'plan.json');
  expect(rehearsed.stdout).toContain('✓ rehearsed: every gate holds');
  expect(rehearsed.code).toBe(0);

  const planned = await bench.decom('plan', 'practice', '--facts', 'plan.json', '-o', 'borrowed.json');
  expect(planned.stdout).toMatch(/ago, from a file/);
  expect(planned.code).toBe(0);
  const refused = await bench.decom('run', '--plan', 'borrowed.json', '--non-interactive');
  expect(refused.code).toBe(8);
  expect(refused.stderr).toContain('can never be run');

  const unreached = await bench.decom('run', 'practice', '--dry-run', '--non-interactive');
  expect(unreached.code).toBe(4);
  expect(bench.runs()).toEqual([]);
});

test('every command speaks JSON lines to stdout, a version message first', async () => {
  bench.runbook(stopping);
  for (const args of [
    ['validate'],
    ['status'],
    ['doctor'],
    ['schema'],
    ['plan', 'practice'],
    ['plan', 'nobody'],
    ['run', 'practice'],
    ['why', 'nobody'],
    ['nonsense'],
  ]) {
    const { stdout } = await bench.decom(...args, '--json');
    const messages = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly [key: string]: unknown });
    expect(messages[0], args.join(' ')).toMatchObject({ type: 'version', ui: '1.0' });
    expect(messages.length, args.join(' ')).toBeGreaterThan(1);
    for (const message of messages) {
      expect(message).toMatchObject({
        type: expect.any(String) as string,
        ts: expect.any(String) as string,
        message: expect.any(String) as string,
      });
    }
  }
});
