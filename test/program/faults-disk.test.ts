import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { said as masked } from '../faults/bench.ts';
import { holdIn, waitFor } from '../faults/hold.ts';
import { until } from '../faults/interruption.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { type Ended, endCalls } from '../faults/program.ts';

/*
 * Disks that are full or cannot be written: the one with the log, the one with the copies, and one on the host. They are small tmpfs,
 * because root may write where modes forbid it.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
const mounted: string[] = [];

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
});
afterEach(async () => {
  await endCalls();
  for (const path of mounted.splice(0)) execFileSync('umount', [path]);
  for (const file of ['mark', 'began', 'go']) rmSync(join(folder, file), { force: true });
  await b.close();
});

function mount(path: string, size: string): void {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', path]);
  mounted.push(path);
}

/** Takes up all room but for that many bytes (in whole pages); gives the file that does. */
function fill(path: string, but: number): string {
  const filler = join(path, 'filler');
  const { bavail, bsize } = statfsSync(path);
  writeFileSync(filler, Buffer.alloc(Math.max(0, Number(bavail) * bsize - but)));
  return filler;
}

const said = (ended: Ended): string =>
  masked(ended, b, { [folder]: '<machine>', [String(b.ssh.port)]: '<ssh port>' })
    .replace(/[0-9]{2}:[0-9]{2}:[0-9]{2}Z? /g, '')
    .replace(/practice\.\d+\.new/, 'practice.<pid>.new')
    .replaceAll(machine.identity.serial, '<serial>');
/** The end that is shown on stdout, without how long the log is. */
const told = (ended: Ended): string =>
  said({ ...ended, stderr: '' })
    .replace(/log {4} \d+ lines?/, 'log     <n> lines')
    .replace(/only \d+ of \d+ bytes/, 'only <n> of <m> bytes');

const marking = (id = 'mark'): string =>
  `- id: ${id}\n  title: Leave a mark\n  uses: command.run\n  with: { argv: [sh, -c, 'echo done >> ${folder}/mark'], probe: { argv: [test, -s, ${folder}/mark] } }`;
/** Lets go what waits for it. */
const letGo = (): void => writeFileSync(join(folder, 'go'), '');
const resume = (): Promise<Ended> => b.decom('resume', 'practice', '--non-interactive');

test('a state folder that is mounted read-only is refused, and nothing is done', async () => {
  b.runbook(marking());
  await b.plan();
  mount(b.state, '1m');
  execFileSync('mount', ['-o', 'remount,ro', b.state]);
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 2
    error the state folder <workspace>/state cannot be written: EROFS: read-only file system, access '<workspace>/state' [state-not-writable]
      Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR."
  `);
  expect(said(await b.decom('run', 'practice', '--dry-run', '--non-interactive'))).toMatchInlineSnapshot(`
    "exit 2
    error the state folder <workspace>/state cannot be written: EROFS: read-only file system, access '<workspace>/state' [state-not-writable]
      Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR."
  `);
  expect(readdirSync(b.state)).toEqual([]);
  expect(() => readFileSync(join(folder, 'mark'))).toThrow('ENOENT');
});

test('an open run in a state folder that became read-only is left as it is', async () => {
  b.runbook(`${marking()}\n- id: later\n  title: Later\n  uses: wait\n  with: { for: 1h }`);
  await b.plan();
  mount(b.state, '1m');
  expect(await b.decom(...b.unattended)).toMatchObject({ code: 9 });
  execFileSync('mount', ['-o', 'remount,ro', b.state]);
  const before = b.files();
  expect(said(await resume())).toMatchInlineSnapshot(`
    "exit 2
    error the state folder <workspace>/state cannot be written: EROFS: read-only file system, access '<workspace>/state' [state-not-writable]
      Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR."
  `);
  expect(said(await b.decom('abandon', 'practice', '--reason', 'r'))).toMatchInlineSnapshot(`
    "exit 2
    error the state folder <workspace>/state cannot be written: EROFS: read-only file system, open '<workspace>/state/locks/practice.<pid>.new' [state-not-writable]
      Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR."
  `);
  expect((await b.decom('status', 'practice')).code).toBe(0);
  expect((await b.decom('audit', 'verify', 'practice')).code).toBe(11);
  expect(b.files()).toEqual(before);
});

test('a disk that is full before the run begins: nothing is done, and the plan is not used up', async () => {
  b.runbook(marking());
  await b.plan();
  mount(b.state, '256k');
  const filler = fill(b.state, 0);
  expect(said(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 2
    error the state folder <workspace>/state cannot be written: ENOSPC: no space left on device, write [state-not-writable]
      Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR."
  `);
  expect(() => readFileSync(join(folder, 'mark'))).toThrow('ENOENT');
  rmSync(filler);
  expect(await b.decom(...b.unattended)).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'mark'), 'utf8')).toBe('done\n');
});

test('a disk that fills up before an operation: the run ends there, and goes on when there is room', async () => {
  b.runbook(
    `- id: first\n  title: First\n  uses: command.run\n  with: { argv: ['true'], probe: { argv: [sh, -c, "${waitFor(`${folder}/go`)}; false"] } }\n  on_failure: continue\n${marking()}`,
  );
  letGo();
  await b.plan();
  rmSync(join(folder, 'go'));
  mount(b.state, '512k');
  const run = b.start(b.unattended);
  await until('the first step has begun', () => b.events().some(({ type }) => type === 'step.started'), run);
  const filler = fill(b.state, 0);
  letGo();
  const ended = await run.ended;
  expect(told(ended)).toMatchInlineSnapshot(`
    "exit 4
    stdout: 
    ✗ blocked at first. Nothing later has run.
    error whether there is room under the caps could not be counted [caps-uncounted]
      the state folder <workspace>/state cannot be written: ENOSPC: no space left on device, write
      Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR.
    steps   1 blocked, 1 to come
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  expect(() => readFileSync(join(folder, 'mark'))).toThrow('ENOENT');
  rmSync(filler);
  expect((await b.decom('audit', 'verify', 'practice')).code).toBe(11);
  await resume();
  expect(readFileSync(join(folder, 'mark'), 'utf8')).toBe('done\n');
});

test('a disk that fills up during an operation that may not be repeated: in doubt, and settled by its probe', async () => {
  b.runbook(
    `- id: mark\n  title: Leave a mark\n  uses: command.run\n  with: { shell: "echo began >> ${folder}/began; ${waitFor(`${folder}/go`)}; echo done >> ${folder}/mark; head -c 5000 /dev/zero | tr '\\\\0' x", probe: { argv: [test, -s, ${folder}/mark] } }`,
  );
  await b.plan();
  mount(b.state, '512k');
  const run = b.start(b.unattended);
  await until('it is under way', () => existsSync(join(folder, 'began')), run);
  const filler = fill(b.state, 0);
  letGo();
  expect(told(await run.ended)).toMatchInlineSnapshot(`
    "exit 5
    stdout: 
    ✗ the log could not be written. The run has ended there.
    An operation was under way; what became of it is not recorded.
    error <workspace>/state/runs/practice/<run>/audit.jsonl: writing to the audit log failed: only <n> of <m> bytes could be written: the disk is full. Nothing more was begun [log-not-written]
      Make room or mend the disk, then see what is known with: decom status; and go on with: decom resume
    steps   1 begun
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Once there is room and the disk is sound: decom resume <run>"
  `);
  expect(said(await b.decom('abandon', 'practice', '--reason', 'r'))).toMatchInlineSnapshot(`
    "exit 10
    error <workspace>/state/runs/practice/<run>/audit.jsonl: repairing the audit log failed: ENOSPC: no space left on device, write. Nothing more was begun [log-not-written]
      Make room or mend the disk, then see what is known with: decom status; and go on with: decom resume"
  `);
  expect(said(await resume())).toMatchInlineSnapshot(`
    "exit 10
    stdout: 
    ✗ the log could not be written. The run has ended there.
    error <workspace>/state/runs/practice/<run>/audit.jsonl: repairing the audit log failed: ENOSPC: no space left on device, write. Nothing more was begun [log-not-written]
      Make room or mend the disk, then see what is known with: decom status; and go on with: decom resume
    steps   1 begun
    record  <workspace>/state/runs/practice/<run>
    log     8 lines, head <hash>
    Once there is room and the disk is sound: decom resume <run>
    What goes wrong on practice at 127.0.0.1, serial <serial>
    run <run>, taken up again"
  `);
  rmSync(filler);
  expect(await resume()).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'mark'), 'utf8')).toBe('done\n');
  expect(readFileSync(join(folder, 'began'), 'utf8')).toBe('began\n');
  expect((await b.decom('audit', 'verify', 'practice')).code).toBe(12);
});

test('a vault without room is seen beforehand', async () => {
  b.runbook(
    `- id: copy\n  title: Copy\n  uses: backup.archive\n  with: { from: [${machine.folders[0]}], to: ${b.vault} }`,
  );
  mount(b.vault, '1m');
  expect(
    said(await b.decom('run', 'practice', '--dry-run', '--non-interactive'))
      .split('\n')
      .slice(0, 12)
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "exit 4
    stdout: root on vm, unattended
    rehearsal <run> of faults on practice
    [1/1] copy ✗ blocked
              error <workspace>/vault has 1.0 MiB free, and 3.7 MiB are needed [no-room]
                Make room there, or choose another place.
    rehearsed (by root)

    ✗ rehearsed: 1 step blocked; nothing on practice was changed
      copy
      error <workspace>/vault has 1.0 MiB free, and 3.7 MiB are needed [no-room]
        Make room there, or choose another place."
  `);
  expect(readdirSync(b.vault)).toEqual([]);
});

test('a vault that fills up under the copy: nothing half counts as a copy, and it is made anew when there is room', async () => {
  b.runbook(
    `- id: copy\n  title: Copy\n  uses: backup.archive\n  with: { from: [${machine.folders[0]}], to: ${b.vault} }`,
  );
  await b.plan();
  mount(b.vault, '64m');
  const held = holdIn(join(folder, 'machine', 'stand-ins'), 'tar', '*-c*');
  const run = b.start(b.unattended);
  await until('it is under way', () => held.calls() > 0, run);
  const filler = fill(b.vault, 65_536);
  held.letGo();
  const filled = await run.ended;
  expect(told(filled), filled.stderr).toMatchInlineSnapshot(`
    "exit 10
    stdout: 
    ✗ failed at copy. Nothing later has run.
    error the disk is full here, at <workspace>/vault/practice/<run>-copy.partial/data.tar [disk-full]
      ENOSPC: no space left on device, write
      Free some room or choose another place, then resume.
    steps   1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  const copies = (): readonly string[] =>
    readdirSync(b.vault, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('copy.json'));
  expect(copies()).toEqual([]);
  rmSync(filler);
  expect(await resume()).toMatchObject({ code: 0 });
  expect(copies()).toHaveLength(1);
  expect(
    readdirSync(b.vault, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('partial')),
  ).toEqual([]);
});

test('a disk that is full on the host fails the step with what the program said, and the run goes on when there is room', async () => {
  const small = join(folder, 'small');
  mount(small, '64k');
  const filler = fill(small, 0);
  b.runbook(
    `- id: dump\n  title: Dump\n  uses: command.run\n  with: { argv: [sh, -c, 'head -c 20000 /dev/zero > ${small}/dump'], probe: { argv: [sh, -c, 'test $(stat -c %s ${small}/dump) = 20000'] } }`,
  );
  await b.plan();
  expect(told(await b.decom(...b.unattended))).toMatchInlineSnapshot(`
    "exit 10
    stdout: 
    ✗ failed at dump. Nothing later has run.
    error sh -c "head -c 20000 /dev/zero > <machine>/small/dump" on practice ended with exit 1 [command-failed]
      head: error writing 'standard output': No space left on device
      Put right what its last lines say, and try again.
    steps   1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  rmSync(filler);
  expect(await resume()).toMatchObject({ code: 0 });
});
