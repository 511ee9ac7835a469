import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { said as masked } from './bench.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Ended, endCalls } from './program.ts';

/*
 * What a rollback, a replan and `why` say of a run as it stands, by the built program without a terminal.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-rollback-'));
  machine = await startMachine(folder);
  b = await practiceBench(machine);
});
afterEach(async () => {
  await endCalls();
  await b.close();
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const said = (ended: Ended): string => masked(ended, b, { [b.ssh.port]: '<ssh-port>' });

const look = '- { id: look, title: Look at the power, uses: power.status }';
const stop = '- { id: stop, title: Stop the web server, uses: service.stop, with: { unit: web.service } }';
const quiet = '- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }';

test('where there is nothing to take back, a rollback says so and leaves the closed log as it is', async () => {
  b.runbook(look);
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(0);
  const before = b.files();
  expect(said(await b.decom('rollback', 'practice', '--yes'))).toMatchInlineSnapshot(`
    "exit 0
    stdout: There is nothing to take back of run <run> on practice; nothing was changed.
    Next: decom report <run>"
  `);
  expect(await b.decom('rollback', 'practice')).toMatchObject({ code: 0 });
  expect(b.files()).toEqual(before);
});

test('where nothing of an open run can be taken back, it stays open', async () => {
  b.runbook([look, quiet].join('\n'));
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(9);
  const before = b.files();
  expect(said(await b.decom('rollback', 'practice', '--yes'))).toMatchInlineSnapshot(`
    "exit 0
    stdout: There is nothing to take back of run <run> on practice; nothing was changed.
    Next: decom status <run>, or end the run: decom abandon <run> --reason REASON"
  `);
  expect(b.files()).toEqual(before);
});

test('without a terminal a rollback names what it would take back, and begins only with --yes', async () => {
  b.runbook([stop, quiet].join('\n'));
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(9);
  const before = b.files();
  expect(said(await b.decom('rollback', 'practice', '--reason', 'needed again'))).toMatchInlineSnapshot(`
    "exit 64
    error without a terminal nobody can be asked before each step is taken back; nothing was changed [answers-missing]
      take back stop — Stop the web server
      If this is to be taken back, in this order, unseen: decom rollback <run> --reason 'needed again' --yes --non-interactive"
  `);
  expect((await b.decom('rollback', 'practice', '--non-interactive')).code).toBe(64);
  expect(b.files()).toEqual(before);
  expect(machine.unit('web.service')?.active).toBe('inactive');
  const back = await b.decom('rollback', 'practice', '--yes');
  expect(back.code, back.stderr).toBe(0);
  expect(back.stderr).toContain('[1/2] take back stop ');
  expect(machine.unit('web.service')?.active).toBe('active');
});

test('a run that has ended cannot be planned anew, and that is what is said of it', async () => {
  b.runbook(look);
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(0);
  expect(said(await b.decom('replan', 'practice'))).toMatchInlineSnapshot(`
    "exit 2
    error run <run> has ended (done), and cannot be planned anew [run-closed]
      See: decom report <run>"
  `);
});

test('after a refusal for a stale plan, why names the replan', async () => {
  b.runbook([stop, quiet].join('\n'));
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(9);
  b.edit('hosts.yaml', /^( *)address: .*$/m, '$1address: 127.0.0.2');
  expect((await b.decom('resume', 'practice', '--non-interactive')).code).toBe(8);
  const why = await b.decom('why', 'practice');
  expect(why.code).toBe(0);
  expect(why.stdout).toContain('the plan is stale: what it binds has changed since it was made [plan-stale]');
  expect(why.stdout).toMatch(/Next: decom replan [0-9a-f]{12}\n$/);
});

test('a rollback under way is never told to replan, which it could not; before it began, the replan leads to it', async () => {
  b.runbook([stop, quiet].join('\n'));
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(9);
  const moved = () => b.edit('hosts.yaml', /^( *)address: .*$/m, '$1address: 127.0.0.2');
  const movedBack = () => b.edit('hosts.yaml', /^( *)address: .*$/m, '$1address: 127.0.0.1');
  moved();
  const early = await b.decom('rollback', 'practice', '--yes');
  expect(early.code).toBe(8);
  expect(early.stderr).toMatch(/decom replan [0-9a-f]{12}, then: decom rollback [0-9a-f]{12}\n$/);
  movedBack();
  b.ssh.redirect(1);
  expect((await b.decom('rollback', 'practice', '--yes')).code).not.toBe(0);
  const back = await b.decom('why', 'practice');
  expect(back.stdout).toContain('[1/2] stop — Stop the web server');
  expect(back.stdout).toMatch(/then: decom rollback [0-9a-f]{12}\n$/);
  moved();
  for (const args of [
    ['resume', 'practice', '--non-interactive'],
    ['rollback', 'practice', '--yes'],
    ['why', 'practice'],
  ]) {
    const told = await b.decom(...args);
    expect(told.code).toBe(args[0] === 'why' ? 0 : 8);
    const text = `${told.stdout}${told.stderr}`;
    expect(text).not.toContain('replan');
    expect(text).toContain('Put the entry of practice in the hosts file back');
    expect(text).toMatch(/decom abandon [0-9a-f]{12} --reason REASON/);
  }
  expect(said(await b.decom('replan', 'practice', '--yes'))).toMatchInlineSnapshot(`
    "exit 2
    error run <run> is being rolled back, and cannot be planned anew [run-closed]
      Go on taking it back with: decom rollback <run>"
  `);
  movedBack();
  b.ssh.redirect(machine.ssh.port);
  expect((await b.decom('rollback', 'practice', '--yes')).code).toBe(0);
  expect(machine.unit('web.service')?.active).toBe('active');
});
