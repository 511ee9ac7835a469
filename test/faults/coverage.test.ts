import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { practiceHost } from '../../src/practice/practice-workspace.ts';
import { said } from './bench.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Ended, endCalls } from './program.ts';

/*
 * A practice machine whose data lies on a file system of its own, and another one that is mounted within it once the copy is proved. Each test goes on from
 * where the one before it left the run.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
let data: string;
let late: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-coverage-'));
  machine = await startMachine(folder);
  b = await practiceBench(machine);
  // A wire goes on answering when the machine is off.
  b.edit('hosts.yaml', `port: ${b.ssh.port}`, `port: ${machine.ssh.port}`);
  data = machine.folders[0] ?? '';
  // Its gate has the path encoded.
  late = `${data}/app/odd names`;
  machine.mount(data, 5_000_000);
});
afterAll(async () => {
  await endCalls();
  await b?.close();
  await machine?.close();
  rmSync(folder, { recursive: true, force: true });
});

const steps = (from: string): string => `
- { id: identity, title: Who it is, uses: identity.check }
- { id: unused, title: Nobody uses it, uses: use.check, with: { watch: 1s } }
- { id: stop, title: Stop, uses: service.stop, with: { unit: app.service } }
- { id: copy, title: Copy, uses: backup.archive, with: { from: [${from}], keep: { until: 2033-12-31, by: the records office }, to: ${b.vault} } }
- { id: proof, title: Prove, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
- { id: agreed, title: Ask, uses: confirm, with: { question: May it go? } }
- { id: off, title: Off, uses: power.off, with: { grace: 5m } }`;
const names = () => ({ [late]: '<late>', [data]: '<data>', [machine.identity.serial]: '<serial>' });
const ended = (called: Ended, code: number): string => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return said(called, b, names());
};
/** From the line with this text on, so many lines. */
const lines = (text: string, from: string, count: number): string => {
  const all = text.split('\n');
  const at = all.findIndex((line) => line.includes(from));
  // How wide a column is depends on where the machine's folder lies.
  return at === -1
    ? text
    : all
        .slice(at, at + count)
        .map((line) => line.replace(/(?<=\S) {2,}/g, '  '))
        .join('\n');
};
const resume = ['resume', practiceHost, '--non-interactive', '--answers', 'answers.yaml'] as const;

test('a plan that copies a part of a file system alone names it, and how much is in it', async () => {
  b.runbook(steps(`${data}/app`));
  const told = ended(await b.decom('plan', practiceHost), 0);
  expect(lines(told, 'File systems with data', 3)).toMatchInlineSnapshot(`
    "File systems with data
      NOT COVERED  <data>  4.8 MiB  ext4 on /dev/practice1  only <data>/app of it is copied
      not kept  /  2.0 GiB  ext4 on /dev/practice0  the system is installed anew (ada)"
  `);
  expect(lines(told, '[not-covered]', 3)).toMatchInlineSnapshot(`
    "  blocked off: a file system with data is in no proved copy: <data> (ext4 on /dev/practice1, 4.8 MiB): only <data>/app of it is copied [not-covered]
        Without it, nobody knows that the copy can be restored, or it lacks what was written last.
        Copy it with a step of the runbook, after what stops the writers, and prove that copy; or name it under not_kept with who decided so and why."
  `);
});

test('a plan that copies all of it tells of each file system what becomes of it, also as JSON', async () => {
  b.runbook(steps(data));
  expect(lines(ended(await b.decom('plan', practiceHost), 0), 'File systems with data', 3)).toMatchInlineSnapshot(`
    "File systems with data
      copied  <data>  4.8 MiB  ext4 on /dev/practice1  in the copy of step "copy"
      not kept  /  2.0 GiB  ext4 on /dev/practice0  the system is installed anew (ada)"
  `);
  await b.plan();
  const { facts, intent } = JSON.parse(b.read('plan.json')) as Plan;
  expect(facts.coverage).toMatchObject({
    value: [
      { of: { at: '/' }, covered: 'not-kept' },
      { of: { at: data }, covered: 'copied', steps: ['copy'] },
    ],
  });
  expect(intent.not_kept).toHaveLength(1);
});

test('what a copy leaves out is written so that nobody can read it otherwise: a slash at its end switched a machine off whose data was in no copy', async () => {
  b.runbook(steps(data).replace(b.vault, `${b.vault}, exclude: ["${data}/app/"]`));
  expect(ended(await b.decom('plan', practiceHost), 2)).toContain('"<data>/app/" is not a plain absolute path');
  b.runbook(steps(data));
});

test('a file system that is mounted once the copy is proved keeps the power on, and is named with its bytes', async () => {
  b.write('answers.yaml', 'answers:\n  agreed: { others: true }\n');
  ended(await b.decom(...b.unattended, '--answers', 'answers.yaml'), 9);
  machine.mount(late, 3_000_000_000);
  ended(await b.decom('tick', practiceHost, 'agreed'), 0);
  const told = ended(await b.decom(...resume, `--confirm=${machine.identity.serial}`), 4);
  expect(lines(told, '[not-covered]', 3)).toMatchInlineSnapshot(`
    "error a file system with data is in no proved copy: <late> (ext4 on /dev/practice2, 2.8 GiB): it was not mounted at <late> all the time while the copy of step "copy" was made [not-covered]
      Without it, nobody knows that the copy can be restored, or it lacks what was written last.
      Copy it with a step of the runbook and prove that copy, or name it there under not_kept with who decided so and why; then: decom replan <run>. Or somebody answers for it: decom waive <run> 'off:<late>' --reason TEXT"
  `);
  expect(await machine.power.get()).toBe('on');
});

test('why tells what is needed, found and missing, and how to get it', async () => {
  const told = ended(await b.decom('why', practiceHost), 0);
  expect(lines(told, 'every file system with data', 8)).toMatchInlineSnapshot(`
    "    missing every file system with data in a proved copy, or not kept on purpose
                as of <time>
                found: / (ext4 on /dev/practice0, 2.0 GiB): not kept: the system is installed anew (ada)
                found: <data> (ext4 on /dev/practice1, 4.8 MiB): in the copy of step "copy"
                missing: <late> (ext4 on /dev/practice2, 2.8 GiB): it was not mounted at <late> all the time while the copy of step "copy" was made
                to get it: copy it with a step of the runbook and prove that copy, or name it there under not_kept; then: decom replan <run>
                or somebody answers for it by name: decom waive <run> 'off:<late>' --reason TEXT
        met  approval by one person"
  `);
});

test('somebody may answer for it by its path, and for no other; then it is switched off, and the report tells all of it', async () => {
  const waive = (path: string) => b.decom('waive', practiceHost, `off:${path}`, '--reason', 'a scratch disk');
  expect(ended(await waive('/nowhere'), 2)).toContain('no file system with data was seen at /nowhere');
  expect(ended(await waive(late), 0)).toContain('answers for passing coverage:<late> at off: a scratch disk');
  const resumed = ended(await b.decom(...resume, `--confirm=${machine.identity.serial}`), 0);
  expect(resumed).toContain('coverage:<late> waived by driver: a scratch disk');
  expect(resumed).not.toContain('decom waive');
  expect(await machine.power.get()).toBe('off');
  const report = ended(await b.decom('report', practiceHost), 0);
  expect(report).toContain(
    '| / | ext4 /dev/practice0 | 2147483648 | not kept, on purpose | the system is installed anew (ada) |',
  );
  expect(report).toMatch(
    /\| <late> \| ext4 \/dev\/practice2 \| 3000000512 \| not kept \| .*; driver answers for it: a scratch disk \|/,
  );
  expect(report).toMatch(/^- \*\*who may delete it then:\*\* the records office$/m);
  const calendar = ended(await b.decom('report', practiceHost, '-o', 'copies.ics'), 0);
  expect(calendar).toContain('copies.ics');
  expect(b.read('copies.ics')).toMatch(/\r\nDTSTART;VALUE=DATE:20331231\r\n/);
  expect(ended(await b.decom('report', practiceHost, '--calendar'), 0)).toContain('the records office');
});
