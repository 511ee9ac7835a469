import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { endCalls } from './program.ts';

let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-due-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
});
afterEach(async () => {
  await endCalls();
  await b.close();
});

/** What the shipped service starts. */
function shipped(): readonly string[] {
  const unit = fileURLToPath(new URL('../../docs/examples/resume-due/decom-resume.service', import.meta.url));
  const [, line = ''] = /^ExecStart=(.*)$/m.exec(readFileSync(unit, 'utf8')) ?? [];
  const [env, decom, ...args] = line.split(' ');
  expect([env, decom]).toEqual(['/usr/bin/env', 'decom']);
  return args;
}

test('what the shipped timer starts goes on with the runs that are due, and leaves the others parked', async () => {
  b.runbook(
    [
      '- { id: hands, title: Unplug it, uses: checklist, with: { items: [{ id: cord, text: Unplug it }] } }',
      '- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }',
    ].join('\n'),
  );
  b.write('answers.yaml', 'answers:\n  hands: { others: true }\n');
  await b.plan();
  expect(await b.decom(...b.unattended, '--answers', 'answers.yaml')).toMatchObject({ code: 9 });
  const idle = await b.decom(...shipped());
  expect(idle).toMatchObject({ code: 0 });
  expect(idle.stdout).toContain('No run is due.');
  expect(await b.decom('tick', 'practice', 'hands', '--text', 'by the door')).toMatchObject({ code: 0 });
  expect(await b.decom(...shipped())).toMatchObject({ code: 0 });
  expect(b.events().find((event) => event.type === 'step.verified' && event.step === 'hands')).toBeDefined();
  // Then it waits for a date, and is not due before it.
  expect((await b.decom(...shipped())).stdout).toContain('No run is due.');
  expect((await b.decom('status', 'practice')).stdout).toMatch(/state +parked until/);
  expect(await b.decom('abandon', 'practice', '--reason', 'shown')).toMatchObject({ code: 0 });
});

test('what is due goes on up to the next thing that a person has to answer, although nobody said anew that it is left to others', async () => {
  b.runbook(
    [
      '- { id: hands, title: Unplug it, uses: checklist, with: { items: [{ id: cord, text: Unplug it }] } }',
      '- { id: told, title: Tell them, uses: confirm, with: { question: Do they know? } }',
    ].join('\n'),
  );
  b.write('answers.yaml', 'answers:\n  hands: { others: true }\n  told: { others: true }\n');
  await b.plan();
  expect(await b.decom(...b.unattended, '--answers', 'answers.yaml')).toMatchObject({ code: 9 });
  expect(await b.decom('tick', 'practice', 'hands')).toMatchObject({ code: 0 });
  const due = await b.decom(...shipped());
  expect(due.code, due.stderr).toBe(0);
  expect(due.stdout).toContain('parked at told: others answer confirmed');
  expect(due.stdout).toContain('Next, once they have: decom resume');
  expect(await b.decom('tick', 'practice', 'told')).toMatchObject({ code: 0 });
  // On record already, and not answered to yet.
  expect(await b.decom('inbox', 'take', 'practice')).toMatchObject({ code: 0 });
  expect(await b.decom(...shipped())).toMatchObject({ code: 0 });
  expect(b.events().findLast((event) => event.type === 'run.closed')).toMatchObject({ outcome: 'done' });
});
