import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { practiceHost } from '../../src/practice/practice-workspace.ts';
import { approval, approved } from './approved.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { endCalls } from './program.ts';

/*
 * A machine with data that is in no copy: no flag that a command has switches it off. The flags are those that the commands' own help tells, so that a
 * new one is tried as soon as it exists.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
let data: string;
const steps = (from: string): string => `
- { id: identity, title: Who it is, uses: identity.check }
- { id: unused, title: Nobody uses it, uses: use.check, with: { watch: 1s } }
- { id: stop, title: Stop, uses: service.stop, with: { unit: app.service } }
- { id: copy, title: Copy, uses: backup.archive, with: { from: [${from}], to: ${b.vault} } }
- { id: proof, title: Prove, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
- { id: agreed, title: Ask, uses: confirm, with: { question: May it go? } }
- { id: off, title: Off, uses: power.off, with: { grace: 5m } }`;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-any-flag-'));
  machine = await startMachine(folder);
  b = await practiceBench(machine);
  // A wire goes on answering when the machine is off.
  b.edit('hosts.yaml', `port: ${b.ssh.port}`, `port: ${machine.ssh.port}`);
  data = machine.folders[0] ?? '';
  machine.mount(data, 5_000_000);
  b.write('answers.yaml', 'answers:\n  agreed: { others: true }\n');
});
afterAll(async () => {
  await endCalls();
  await b?.close();
  await machine?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What is given to a flag that wants something; null for one that cannot be given here, because it would be another call altogether. */
const values: { readonly [flag: string]: readonly string[] | null } = {
  '--directory': ['.'],
  '--answers': ['answers.yaml'],
  '--confirm': ['<serial>'],
  '--progress': ['plain'],
  '--take-over': ['<run>'],
  '--take-over-reason': ['mine'],
  '--raise-caps': ['1000'],
  '--raise-caps-reason': ['needed'],
  '--param': ['a=b'],
  '--params': ['params.yaml'],
  '--facts': ['plan.json'],
  '--runbook': ['faults'],
  '--plan': null,
  '--approval': ['approval.json'],
  '--ticket': ['T-1'],
  '--reason': ['it is to go'],
  '--responsible': ['ada'],
  '--redo': ['off'],
  '--help': null,
};

/** The flags of a command, each with what it wants. */
async function flagsOf(command: string, run: string): Promise<readonly (readonly string[])[]> {
  const { stdout } = await b.decom(command, '--help');
  const rows = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)( <)?/gm)];
  expect(rows.length).toBeGreaterThan(5);
  return rows.flatMap(([, flag = '', wants]) => {
    const given = wants === undefined ? (flag === '--help' ? null : []) : values[flag];
    if (given === undefined)
      throw new Error(`decom ${command} ${flag} wants a value: give one here, so that it is tried`);
    if (given === null) return [];
    return [[flag, ...given.map((one) => one.replace('<serial>', machine.identity.serial).replace('<run>', run))]];
  });
}

/** Calls a command with each of its flags beside those that take it as far as it comes, and with those that are only switches all at once. */
async function withEach(
  command: string,
  operands: readonly string[],
  always: readonly string[],
  run = '',
): Promise<void> {
  const flags = await flagsOf(command, run);
  const lone = flags.filter(([flag]) => !always.includes(flag ?? ''));
  const switches = lone.filter((one) => one.length === 1 && !['--dry-run', '--due'].includes(one[0] ?? '')).flat();
  for (const flag of [...lone, switches]) {
    const words = flag.includes('--due') ? [] : operands;
    const called = await b.decom(command, ...words, ...always, ...flag);
    const told = `decom ${command} ${flag.join(' ')} ended with ${called.code}\n${called.stdout}${called.stderr}`;
    expect(await machine.power.get(), told).toBe('on');
    // What makes another plan, or has nothing that is due, has done what it was asked for.
    if (command !== 'replan' && !flag.includes('--due')) expect(called.code, told).not.toBe(0);
  }
}

const unattended = (): readonly string[] => ['--non-interactive', `--confirm=${machine.identity.serial}`];

test('no flag of "run" begins a plan that would lose data', async () => {
  b.runbook(steps(`${data}/app`));
  const planned = await b.decom('plan', practiceHost, '-o', 'plan.json');
  expect(planned.stdout + planned.stderr).toContain('[not-covered]');
  approved(b.folder);
  await withEach('run', [], ['--plan', 'plan.json', ...approval, ...unattended()]);
  expect(b.runs()).toEqual([]);
});

test('no flag of "resume" or "replan" takes one further that has come to lose data', async () => {
  b.runbook(steps(data));
  await b.plan();
  expect((await b.decom(...b.unattended, '--answers', 'answers.yaml')).code).toBe(9);
  machine.mount(`${data}/app/links`, 3_000_000_000);
  expect((await b.decom('tick', practiceHost, 'agreed')).code).toBe(0);
  const blocked = await b.decom('resume', practiceHost, ...unattended(), '--answers', 'answers.yaml');
  expect(blocked.code, blocked.stderr).toBe(4);
  const [run = ''] = b.runs().map((path) => basename(path));
  await withEach('resume', [practiceHost], [...unattended(), '--answers', 'answers.yaml'], run);
  await withEach('replan', [practiceHost], ['--yes', '--redo', 'unused'], run);
  const resumed = await b.decom('resume', practiceHost, ...unattended(), '--answers', 'answers.yaml');
  expect(resumed.code, resumed.stderr).toBe(4);
  expect(await machine.power.get()).toBe('on');
});
