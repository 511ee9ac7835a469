import { appendFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { said as masked } from './bench.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Ended, endCalls } from './program.ts';

let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-faults-')));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
  b.runbook(marking);
});
afterEach(async () => {
  await endCalls();
  rmSync(mark, { force: true });
  await b.close();
});

const mark = join(tmpdir(), `decom-faults-mark-${process.pid}`);
/** Leaves a line each time that it is really done. */
const marking = `
- id: identity
  title: Check the identity
  uses: identity.check
- id: mark
  title: Leave a mark
  uses: command.run
  with: { argv: [sh, -c, 'echo done >> ${mark}'], probe: { argv: [test, -s, ${mark}] } }`;
const asking = `
- id: told
  title: Tell the users
  uses: confirm
  with: { question: Do they know? }
- id: rack
  title: At the rack
  uses: checklist
  with: { title: At the rack, items: [{ id: label, text: The label was read }] }
${marking.trim()}`;

const said = (ended: Ended): string =>
  masked(ended, b, {
    [machine.identity.serial]: '<serial>',
    [machine.identity.uuid]: '<uuid>',
    [b.ssh.port]: '<ssh-port>',
    [b.bmc.port]: '<bmc-port>',
  });

const nothingDone = (): void => {
  expect(b.runs()).toEqual([]);
  expect(() => readFileSync(mark)).toThrow('ENOENT');
};

test('an unknown host is refused with the nearest known one', async () => {
  expect(said(await b.decom('plan', 'practise'))).toMatchInlineSnapshot(`
    "exit 2
    error there is no host "practise" in hosts.yaml [unknown-host]
      Did you mean "practice"?"
  `);
  expect(said(await b.decom('plan', 'elsewhere'))).toMatchInlineSnapshot(`
    "exit 2
    error there is no host "elsewhere" in hosts.yaml [unknown-host]
      Known hosts: practice. Add one with: decom host add"
  `);
  expect(said(await b.decom('run', 'practise', '--dry-run', '--non-interactive'))).toMatchInlineSnapshot(`
    "exit 2
    error there is no host "practise" in hosts.yaml [unknown-host]
      Did you mean "practice"?"
  `);
  nothingDone();
});

test('without a terminal, a run wants a plan that was handed over', async () => {
  expect(said(await b.decom('run', 'practice'))).toMatchInlineSnapshot(`
    "exit 64
    error without a terminal nobody can be asked before each step, and no plan was handed over; nothing was done [answers-missing]
      Save a plan and hand it over: decom plan practice -o plan.json, then: decom run --plan plan.json --confirm=SERIAL --non-interactive"
  `);
  expect(said(await b.start(['run', 'practice'], { stdin: 'y\n'.repeat(1000) }).ended)).toMatchInlineSnapshot(`
    "exit 64
    error without a terminal nobody can be asked before each step, and no plan was handed over; nothing was done [answers-missing]
      Save a plan and hand it over: decom plan practice -o plan.json, then: decom run --plan plan.json --confirm=SERIAL --non-interactive"
  `);
  nothingDone();
});

test('yes | decom run --plan answers no question', async () => {
  b.runbook(asking);
  await b.plan();
  const yes = { stdin: 'y\nyes\n'.repeat(1000) };
  expect(said(await b.start(['run', '--plan', 'plan.json'], yes).ended)).toMatchInlineSnapshot(`
    "exit 64
    error step "told" asks for an answer (Do they know?), and nobody is there to give it; nothing was done [answer-missing]
      Give it with: --answers FILE with answers.told.confirm
    error step "rack" asks for an answer (At the rack), and nobody is there to give it; nothing was done [answer-missing]
      Give it with: --answers FILE with answers.rack.items"
  `);
  nothingDone();
});

test('an answers file that lacks an answer is refused before anything is done', async () => {
  b.runbook(asking);
  await b.plan();
  b.write('answers.yaml', 'answers:\n  told: { confirm: true }\n');
  expect(said(await b.decom(...b.unattended, '--answers', 'answers.yaml'))).toMatchInlineSnapshot(`
    "exit 64
    error step "rack" asks for an answer (At the rack), and nobody is there to give it; nothing was done [answer-missing]
      Give it with: --answers FILE with answers.rack.items"
  `);
  b.write('answers.yaml', 'answers:\n  told: { confirm: true }\n  rck: { items: { label: { done: true } } }\n');
  expect(said(await b.decom(...b.unattended, '--answers', 'answers.yaml'))).toMatchInlineSnapshot(`
    "exit 2
    answers.yaml:3:3  the plan has no step "rck". Did you mean "rack"? [unused-answer]
    1 problem in 1 file"
  `);
  nothingDone();
});

test('the serial of another machine is refused', async () => {
  await b.plan();
  const run = ['run', '--plan', 'plan.json', '--non-interactive'];
  expect(said(await b.decom(...run, '--confirm=OTHER'))).toMatchInlineSnapshot(`
    "exit 4
    error the serial given with --confirm is not that of practice; nothing was done [serial-mismatch]
      Compare with the label on the machine and with the plan."
  `);
  expect(said(await b.decom(...run, '--confirm='))).toMatchInlineSnapshot(`
    "exit 4
    error the serial given with --confirm is not that of practice; nothing was done [serial-mismatch]
      Compare with the label on the machine and with the plan."
  `);
  expect(said(await b.decom(...run, `--confirm=${machine.identity.serial.toLowerCase()}`))).toMatchInlineSnapshot(`
    "exit 4
    error the serial given with --confirm is not that of practice; nothing was done [serial-mismatch]
      Compare with the label on the machine and with the plan."
  `);
  nothingDone();
});

test('a plan is used once', async () => {
  await b.plan();
  expect(await b.decom(...b.unattended)).toMatchObject({ code: 0 });
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 8
    error plan <run> was used before: a plan is used once [plan-used]
      See what came of it: decom status <run>; make a new one: decom plan practice -o FILE"
  `);
  expect(readFileSync(mark, 'utf8')).toBe('done\n');
  expect(b.runs()).toHaveLength(1);
});

test('a plan that has expired is refused', async () => {
  await b.plan();
  b.edit('plan.json', /"expires": "[^"]*"/, '"expires": "2020-01-01T00:00:00.000Z"');
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 8
    error the plan expired at <time> [plan-expired]
      Make a new one with: decom plan HOST -o FILE"
  `);
  nothingDone();
});

test.each([
  ['a step is left out', (plan: Plan) => plan.intent.steps.shift()],
  ['a step does something else', (plan: Plan) => Object.assign(step(plan), { uses: 'power.off' })],
  ['a step has another input', (plan: Plan) => Object.assign(step(plan), { with: { argv: ['rm', '-rf', '/'] } })],
  ['it is for another serial', (plan: Plan) => Object.assign(plan.intent.host, { serial: 'OTHER' })],
  ['a step goes on after a failure', (plan: Plan) => Object.assign(step(plan), { on_failure: 'continue' })],
])('a plan that was edited is refused: %s', async (what, change) => {
  await b.plan();
  const plan = JSON.parse(b.read('plan.json')) as Plan;
  change(plan);
  b.write('plan.json', JSON.stringify(plan));
  expect(said(await b.decom('run', '--plan', 'plan.json', '--non-interactive'))).toMatchSnapshot(what);
  expect(() => readFileSync(mark)).toThrow('ENOENT');
});

test('a plan whose operations were edited goes no further than the step that they belong to', async () => {
  await b.plan();
  const plan = JSON.parse(b.read('plan.json')) as Plan;
  Object.assign(operation(plan), { argv: ['touch', `${mark}-other`] });
  b.write('plan.json', JSON.stringify(plan));
  const ended = await b.decom(...b.unattended);
  expect(ended.code).toBe(8);
  expect(ended.stdout).toContain(
    `error step "mark" would now do what the plan does not hold: run on the host: sh -c 'echo done >> ${mark}' [drift]`,
  );
  expect(b.events().map(({ type }) => type)).not.toContain('operation.intended');
  expect(() => readFileSync(mark)).toThrow('ENOENT');
});

interface Plan {
  readonly intent: {
    readonly host: { serial: string };
    readonly steps: { readonly id: string; readonly operations: { readonly argv: readonly string[] }[] }[];
  };
}
const step = (plan: Plan) => {
  const found = plan.intent.steps.find((one) => one.id === 'mark');
  if (found === undefined) throw new Error('no step "mark"');
  return found;
};
const operation = (plan: Plan) => {
  const [first] = step(plan).operations;
  if (first === undefined) throw new Error('no operation');
  return first;
};

test('a plan whose runbook or inventory has changed since is refused, with what changed', async () => {
  await b.plan();
  b.edit('runbooks/faults.yaml', 'Leave a mark', 'Leave another mark');
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 8
    error the plan is stale: what it binds has changed since it was made [plan-stale]
      runbooks/faults.yaml: was changed
      Make a new one with: decom plan practice -o FILE"
  `);
  b.edit('runbooks/faults.yaml', 'Leave another mark', 'Leave a mark');
  b.edit('hosts.yaml', `uuid: ${machine.identity.uuid}`, 'uuid: a1234567-89ab-cdef-a123-456789abcdef');
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 8
    error the plan is stale: what it binds has changed since it was made [plan-stale]
      host.uuid: was "<uuid>", is "a1234567-89ab-cdef-a123-<run>"
      Make a new one with: decom plan practice -o FILE"
  `);
  nothingDone();
});

test('a file that is no plan is refused', async () => {
  b.write('plan.json', '{"format": 2}');
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 2
    error <workspace>/plan.json is not a plan of this version: must have required property 'intent' [not-a-plan]
      Save one with: decom plan HOST -o plan.json"
  `);
  b.write('plan.json', '{"format": ');
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 2
    error <workspace>/plan.json is not a plan of this version: Unexpected end of JSON input [not-a-plan]
      Save one with: decom plan HOST -o plan.json"
  `);
  rmSync(join(b.folder, 'plan.json'));
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 2
    error the plan <workspace>/plan.json cannot be read: ENOENT: no such file or directory, open '<workspace>/plan.json' [no-plan]
      Save one with: decom plan HOST -o plan.json"
  `);
  nothingDone();
});

test('a state folder that cannot be made is refused before anything is done', async () => {
  await b.plan();
  writeFileSync(b.state, 'a file in its place\n');
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 2
    error the state folder <workspace>/state cannot be written: ENOTDIR: not a directory, mkdir '<workspace>/state/runs' [state-not-writable]
      Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR."
  `);
  expect(readFileSync(b.state, 'utf8')).toBe('a file in its place\n');
  nothingDone();
});

test('a log that was edited stops every command that reads it, and is left as it is', async () => {
  b.runbook(`${marking.trim()}\n- id: told\n  title: T\n  uses: wait\n  with: { for: 1h }`);
  await b.plan();
  expect(await b.decom(...b.unattended)).toMatchObject({ code: 9 });
  const [run = ''] = b.runs();
  const log = join(run, 'audit.jsonl');
  const whole = readFileSync(log, 'utf8');
  const edited = whole.replace('"operator":"', '"operator":"not ');
  expect(edited).not.toBe(whole);
  writeFileSync(log, edited);
  const before = b.files();
  for (const args of [
    ['resume', 'practice', '--non-interactive'],
    ['status', 'practice'],
    ['why', 'practice'],
    ['replan', 'practice', '--yes'],
    ['abandon', 'practice', '--reason', 'r'],
    ['rollback', 'practice', '--yes'],
    ['audit', 'verify', 'practice'],
    ['status'],
  ]) {
    expect(said(await b.decom(...args))).toMatchSnapshot(args.join(' '));
  }
  const report = await b.decom('report', 'practice');
  expect(report.code).toBe(6);
  expect(report.stdout).toContain(
    '**BROKEN** — The audit log is broken: what follows is what its good lines say, and proves nothing.',
  );
  await b.plan();
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 7
    error practice has an open run, <run> [run-open]
      Go on with it: decom resume practice, or end it: decom abandon practice --reason REASON"
  `);
  const { 'plan.json': _, ...after } = b.files();
  const { 'plan.json': __, ...were } = before;
  expect(after).toEqual(were);
  expect(readFileSync(mark, 'utf8')).toBe('done\n');
});

test('a log with a line cut out of its middle, or one too many, is broken; a torn end is repaired', async () => {
  b.runbook(`${marking.trim()}\n- id: told\n  title: T\n  uses: wait\n  with: { for: 1h }`);
  await b.plan();
  expect(await b.decom(...b.unattended)).toMatchObject({ code: 9 });
  const [run = ''] = b.runs();
  const log = join(run, 'audit.jsonl');
  const lines = readFileSync(log, 'utf8').split(/(?<=\n)/);
  writeFileSync(log, lines.filter((_, i) => i !== 4).join(''));
  expect(said(await b.decom('resume', 'practice', '--non-interactive'))).toMatchInlineSnapshot(`
    "exit 6
    error <workspace>/state/runs/practice/<run>/audit.jsonl, line 5: the line is numbered 5 where 4 belongs [log-broken]
      Nothing can go on from this log. Keep the folder as it is, and find out who changed it; a copy of the head tells which lines are good."
  `);
  writeFileSync(log, [...lines, lines.at(-1) ?? ''].join(''));
  expect(said(await b.decom('resume', 'practice', '--non-interactive'))).toMatchInlineSnapshot(`
    "exit 6
    error <workspace>/state/runs/practice/<run>/audit.jsonl, line 18: the line is numbered 16 where 17 belongs [log-broken]
      Nothing can go on from this log. Keep the folder as it is, and find out who changed it; a copy of the head tells which lines are good."
  `);
  writeFileSync(log, lines.join(''));
  appendFileSync(log, '{"half":');
  expect(await b.decom('resume', 'practice', '--non-interactive')).toMatchObject({ code: 9 });
  expect(b.events().map(({ type }) => type)).toContain('log.repaired');
  expect(readFileSync(mark, 'utf8')).toBe('done\n');
});
