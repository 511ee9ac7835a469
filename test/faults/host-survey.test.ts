import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';

/*
 * What is on the host, on record in the run: whole where the runbook wants it whole.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-surveyed-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
});
afterEach(() => b.close());

test('a survey is on record, with its rows', async () => {
  b.runbook('- { id: survey, title: What is on it, uses: host.survey, with: { wants: [mounts, disks, services] } }');
  await b.plan();
  const ran = await b.start(b.unattended).ended;
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).toMatch(/2 services, 1 listeners, \d+ connections, 0 sessions, 1 mounts, 1 disks/);
  const verified = b.events().find(({ type }) => type === 'step.verified');
  expect(verified).toMatchObject({
    output: {
      root: true,
      survey: { disks: { value: { rows: [{ device: '/dev/practice0', serial: `${machine.identity.serial}-D0` }] } } },
    },
  });
});
