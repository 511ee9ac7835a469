import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { endCalls } from './program.ts';

/*
 * Steps that use what holds the power, by the built program.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-bmc-steps-'));
  machine = await startMachine(folder);
  b = await practiceBench(machine);
});
afterEach(async () => {
  await endCalls();
  await b.close();
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const light = (id: string, want: 'on' | 'off') =>
  `- { id: ${id}, title: Light, uses: bmc.locate, with: { light: "${want}" } }`;

test('the light is switched on and read back, and the BMC starts anew as the last use of it', async () => {
  b.runbook(
    [
      '- { id: who, title: Is it the one, uses: identity.check }',
      light('shine', 'on'),
      '- { id: reset, title: Start the BMC anew, uses: bmc.reset }',
    ].join('\n'),
  );
  await b.plan();
  const run = await b.decom(...b.unattended);
  expect(run.code, run.stderr).toBe(0);
  const said = b.events().flatMap((event) => (event.type === 'step.verified' ? [event.said] : []));
  expect(said.slice(1)).toEqual([
    'the BMC says that the light is on',
    'the BMC was gone, is back, and is still this machine’s',
  ]);
});

test('a rollback gives the light back', async () => {
  b.runbook([light('shine', 'on'), '- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }'].join('\n'));
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(9);
  const back = await b.decom('rollback', 'practice', '--yes', '--non-interactive');
  expect(back.code, back.stderr).toBe(0);
  expect(
    b
      .events()
      .flatMap((event) => (event.type === 'step.verified' ? [event.said] : []))
      .at(-1),
  ).toBe('the light is off, as before');
});

test('a run goes through a program of the operator’s instead of a BMC, which the plan names', async () => {
  const { serial, uuid } = machine.identity;
  b.write(
    'switch',
    `#!/bin/sh
read -r question
case $question in
*'"ask":"power"'*) echo '{"power":"on"}' ;;
*'"ask":"identity"'*) echo '{"guid":"${uuid}","serial":"${serial}"}' ;;
*'"ask":"indicator"'*) printf '{"indicator":"%s"}' "$(cat light 2>/dev/null || echo off)" ;;
*'"ask":"locate","want":"on"'*) [ "$KEY" = sesame ] && echo on > light && echo '{"accepted":true}' ;;
esac
`,
  );
  chmodSync(join(b.folder, 'switch'), 0o755);
  b.write('key', 'sesame\n');
  chmodSync(join(b.folder, 'key'), 0o600);
  b.edit(
    'hosts.yaml',
    / {4}bmc:\n(?: {6}.*\n)+/,
    `    bmc: { kind: command, argv: [./switch, "web 01"], environment: { KEY: { file: ./key } }, guid: "${uuid}" }\n`,
  );
  b.runbook(
    ['- { id: test, title: Test, uses: power.status, with: { expect: "on" } }', light('shine', 'on')].join('\n'),
  );
  const shown = await b.decom('plan', 'practice');
  expect(shown.stdout).toContain("the program ./switch 'web 01'");
  await b.plan();
  const run = await b.decom(...b.unattended);
  expect(run.code, run.stderr).toBe(0);
  expect(b.read('light')).toBe('on\n');
  const log = JSON.stringify(b.events());
  expect(log).not.toContain('sesame');
  const doctor = await b.decom('doctor');
  expect(doctor.stdout).toContain('power program of practice');
});
