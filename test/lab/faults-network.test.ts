import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { said } from '../faults/bench.ts';
import { openStage, type Stage, typesOf, until } from '../faults/interruption.ts';
import type { Ended } from '../faults/program.ts';

/*
 * What needs a network of its own, or rsync.
 */
const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

const identity = '- id: identity\n  title: identity\n  uses: identity.check';
const stop = '- id: stop\n  title: stop\n  uses: service.stop\n  with: { unit: app.service }';
const copy = (): string =>
  `- id: copy\n  title: copy\n  uses: backup.rsync\n  with: { from: [${s.machine.folders[0]}], to: ${s.bench.vault} }`;
const resume = (): Promise<Ended> => s.bench.decom('resume', 'practice', '--non-interactive');
const named = (name: RegExp): readonly string[] =>
  readdirSync(s.bench.vault, { recursive: true, encoding: 'utf8' }).filter((path) => name.test(path));

test('without a route to the host and its BMC nothing is begun, and both are told', async () => {
  s.bench.runbook(`${identity}\n- id: power\n  title: power\n  uses: power.status`);
  await s.bench.plan();
  // A network namespace of its own, whose loopback is down: no address can be reached from it.
  const alone = spawnSync('unshare', ['-n', process.execPath, bin, ...s.bench.unattended], {
    cwd: s.bench.folder,
    env: { PATH: process.env.PATH ?? '', HOME: s.bench.folder },
    encoding: 'utf8',
  });
  const ended: Ended = { code: alone.status, signal: alone.signal, stdout: alone.stdout, stderr: '' };
  const text = said(ended, s.bench, { [s.bench.ssh.port]: '<ssh port>', [s.bench.bmc.port]: '<bmc port>' });
  expect(text.replace(/log {4} \d+ lines/, 'log     <n> lines')).toMatchInlineSnapshot(`
    "exit 4
    stdout: 
    x blocked at identity. Nothing later has run.
    error there is no route to practice (127.0.0.1, port <ssh port>) [no-route]
      Check the address in hosts.yaml, the network and the VPN.
    steps   1 blocked, 1 to come
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  expect(s.bench.events().map(({ type }) => type)).not.toContain('operation.intended');
  expect((await resume()).code).toBe(0);
});

test('backup.rsync, the connection cut: nothing half is a copy, and it is finished by resume', async () => {
  s.bench.runbook([identity, stop, copy()].join('\n'));
  await s.bench.plan();
  const held = s.hold('rsync', '*--server*');
  const run = s.bench.start(s.bench.unattended);
  await until('rsync runs on the host', () => held.calls() > 0, run);
  s.bench.ssh.cutAfter(300_000);
  held.letGo();
  const ended = await run.ended;
  expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(10);
  expect(ended.stdout).toContain('error');
  expect(named(/copy\.json$/)).toEqual([]);
  expect((await resume()).code).toBe(0);
  expect(named(/copy\.json$/)).toHaveLength(1);
  expect(named(/partial/)).toEqual([]);
});

test('backup.rsync, Ctrl-C: rsync is ended on both sides, and nothing half is a copy', async () => {
  const held = s.hold('rsync', '*--server*');
  s.bench.runbook([identity, stop, copy()].join('\n'));
  await s.bench.plan();
  const run = s.bench.start(s.bench.unattended);
  await until('rsync runs on the host', () => held.calls() > 0, run);
  run.signal('SIGINT');
  const ended = await run.ended;
  expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(130);
  await until('nothing is left running', async () => !(await held.waits()));
  const here = execFileSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' }).split('\n');
  expect(here.filter((line) => line.startsWith('rsync') && line.includes(s.bench.vault))).toEqual([]);
  expect(named(/copy\.json$/)).toEqual([]);
  held.letGo();
  expect((await resume()).code).toBe(0);
  expect(typesOf(s.bench.events(), 'copy').filter((type) => type === 'step.verified')).toHaveLength(1);
});
