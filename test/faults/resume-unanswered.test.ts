import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { said as masked } from './bench.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Ended, endCalls } from './program.ts';

let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
let flag: string;
let mark: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-faults-')));
  flag = join(folder, 'flag');
  mark = join(folder, 'mark');
  machine = await startMachine(folder);
  b = await practiceBench(machine);
});
afterEach(endCalls);
afterAll(async () => {
  await b.close();
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const said = (ended: Ended): string => masked(ended, b, { [machine.identity.serial]: '<serial>' });

test('without a terminal a resume does nothing before every answer that is still to be given is there', async () => {
  b.runbook(`
- id: before
  title: Tell the users
  uses: confirm
  with: { question: Do they know? }
- id: flag
  title: Wait for the flag
  uses: command.run
  with: { argv: [cat, ${flag}], probe: { argv: [test, -e, ${flag}] } }
- id: mark
  title: Leave a mark
  uses: command.run
  with: { argv: [touch, ${mark}], probe: { argv: [test, -e, ${mark}] } }
- id: told
  title: Tell the users again
  uses: confirm
  with: { question: Do they know it now? }`);
  await b.plan();
  const answers = (text: string): void => b.write('answers.yaml', `answers:\n${text}`);
  answers('  before: { confirm: true }\n  told: { confirm: true }\n');
  expect(await b.decom(...b.unattended, '--answers', 'answers.yaml')).toMatchObject({ code: 10 });
  writeFileSync(flag, '');
  const [run = ''] = b.runs();
  const log = (): string => readFileSync(join(run, 'audit.jsonl'), 'utf8');
  const before = log();

  for (const args of [[], ['--non-interactive']]) {
    expect(said(await b.start(['resume', 'practice', ...args], { stdin: 'y\nyes\n'.repeat(100) }).ended)).toBe(
      [
        'exit 64',
        'error step "told" asks for an answer (Do they know it now?), and nobody is there to give it; nothing was done [answer-missing]',
        '  Give it with: --answers FILE with answers.told.confirm',
      ].join('\n'),
    );
  }
  expect(log()).toBe(before);
  expect(existsSync(mark)).toBe(false);

  expect(await b.decom('resume', 'practice', '--answers', 'answers.yaml')).toMatchObject({ code: 0 });
  expect(existsSync(mark)).toBe(true);
});
