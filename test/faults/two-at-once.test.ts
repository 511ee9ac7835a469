import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { login, run as runThere } from '../practice/login.ts';
import { said as masked } from './bench.ts';
import { openStage, type Stage, until } from './interruption.ts';
import type { Ended } from './program.ts';

/*
 * Two processes that want one host.
 */
let s: Stage;

beforeEach(async () => {
  s = await openStage();
  s.bench.runbook(
    `- id: work\n  title: Work\n  uses: command.run\n  with: { shell: 'echo began >> ${s.folder}/began; while ! test -e ${s.folder}/go; do sleep 0.1; done; echo end > ${s.folder}/ended', probe: { argv: [test, -s, ${s.folder}/ended] } }`,
  );
});
afterEach(() => s.close());

const file = (name: string): string => join(s.folder, name);
const began = (): string => (existsSync(file('began')) ? readFileSync(file('began'), 'utf8') : '');
const said = (ended: Ended): string =>
  masked(ended, s.bench)
    .replace(/by \S+ on \S+ \(process \d+\)/, 'by <operator> on <machine> (process <pid>)')
    .replace(/\d\d:\d\d:\d\dZ? /g, '');
/** Lets the work end. */
const letGo = (): void => writeFileSync(file('go'), '');

test('while one process works on a host, no other can begin, go on with, end or take back a run of it', async () => {
  await s.bench.plan();
  await s.bench.decom('plan', 'practice', '-o', 'other.json');
  const run = s.bench.start(s.bench.unattended);
  await until('it is under way', () => began() !== '', run);
  const other = ['run', '--plan', 'other.json', '--non-interactive'];
  expect(said(await s.bench.decom(...other))).toMatchInlineSnapshot(`
    "exit 7
    error practice has an open run, <run> [run-open]
      Go on with it: decom resume practice, or end it: decom abandon practice --reason REASON"
  `);
  expect(said(await s.bench.decom('resume', 'practice', '--non-interactive'))).toMatchInlineSnapshot(`
    "exit 7
    error practice is being worked on by <operator> on <machine> (process <pid>) [locked]
      Wait until it ends, or end it there; see: decom status"
  `);
  for (const args of [
    ['abandon', 'practice', '--reason', 'r'],
    ['rollback', 'practice', '--yes'],
    ['replan', 'practice', '--yes'],
  ]) {
    expect((await s.bench.decom(...args)).code, args.join(' ')).toBe(7);
  }
  expect((await s.bench.decom('status', 'practice')).code).toBe(0);
  expect((await s.bench.decom('run', 'practice', '--dry-run', '--non-interactive')).code).toBe(0);
  letGo();
  expect((await run.ended).code).toBe(0);
  expect(began()).toBe('began\n');
  expect((await s.bench.decom('audit', 'verify', 'practice')).code).toBe(12);
});

test('of two that begin at the same moment, one runs and the other is refused', async () => {
  await s.bench.plan();
  await s.bench.decom('plan', 'practice', '-o', 'other.json');
  letGo();
  const both = await Promise.all([
    s.bench.decom(...s.bench.unattended),
    s.bench.decom('run', '--plan', 'other.json', '--non-interactive'),
  ]);
  // The second may also come so late that the first has ended: then it finds the work done.
  expect(both.map(({ code }) => code).sort()).toEqual(both.some(({ code }) => code === 7) ? [0, 7] : [0, 0]);
  expect(began()).toBe('began\n');
});

test('the lock of a process that was killed does not keep anybody out', async () => {
  await s.bench.plan();
  const run = s.bench.start(s.bench.unattended);
  await until('it is under way', () => began() !== '', run);
  run.signal('SIGKILL');
  await run.ended;
  expect(existsSync(join(s.bench.state, 'locks', 'practice'))).toBe(true);
  letGo();
  await until('the host has done it', () => existsSync(file('ended')));
  expect((await s.bench.decom('resume', 'practice', '--non-interactive')).code).toBe(0);
  expect(began()).toBe('began\n');
  expect(existsSync(join(s.bench.state, 'locks', 'practice'))).toBe(false);
});

test('from two state folders one host is worked on by one run; the other takes its claim over with a reason, on record', async () => {
  await s.bench.plan();
  const first = s.bench.start(s.bench.unattended);
  await until('it is under way', () => began() !== '', first);
  first.signal('SIGINT');
  expect((await first.ended).code).toBe(130);
  const [run = ''] = s.bench.runs().map((path) => path.split('/').at(-1));

  // Another laptop: the same workspace, and a state folder of its own.
  s.bench.edit('decom.yaml', './state', './elsewhere');
  const planned = await s.bench.decom('plan', 'practice', '-o', 'other.json');
  expect(planned.code).toBe(0);
  expect(planned.stdout).toContain(`claimed now: practice is claimed by run ${run}`);
  const rehearsed = await s.bench.decom('run', 'practice', '--dry-run', '--non-interactive');
  expect(rehearsed.code).toBe(4);
  expect(rehearsed.stdout).toContain(`practice is claimed by run ${run}`);
  const other = ['run', '--plan', 'other.json', '--non-interactive'];
  const refused = await s.bench.decom(...other);
  const shown = (ended: Ended): string =>
    said(ended)
      .replaceAll(run, '<first run>')
      .replace(/of \S+ on \S+, since \S+/, 'of <operator> on <machine>, since <time>')
      .replace(/Ask \S+\./, 'Ask <operator>.')
      .replace(/elsewhere\/runs\/practice\/\w+/, 'elsewhere/runs/practice/<run>')
      .replace(/log {4}.*/, 'log     <head>')
      .replace(/\n {2}.*\n/g, (line) => line);
  expect(shown({ ...refused, stderr: '' })).toMatchInlineSnapshot(`
    "exit 7
    stdout: 
    ✗ claimed by another run at work. Nothing later has run.
    error practice is claimed by run <run> of <operator> on <machine>, since <time> [claimed]
      Ask <operator>. If that run is over or lost for good: --take-over <run> --take-over-reason TEXT
    steps   1 to come
    record  <workspace>/elsewhere/runs/practice/<run>
    log     <head>
    Next, when the host is free: decom resume <run>"
  `);
  expect((await s.bench.decom('resume', 'practice', '--non-interactive', '--take-over', run)).code).toBe(2);
  expect((await s.bench.decom('resume', 'practice', '--non-interactive', ...over('ffffffffffff'))).code).toBe(7);
  expect(began()).toBe('began\n');

  letGo();
  const taken = await s.bench.decom('resume', 'practice', '--non-interactive', ...over(run));
  expect(taken.code, taken.stdout + taken.stderr).toBe(0);
  expect(taken.stderr).toMatch(new RegExp(`claim taken over by \\S+ from run ${run} .*: her laptop is lost`));
  expect((await s.bench.decom('report', 'practice')).stdout).toContain('her laptop is lost');

  // The first one's run is still open, and the host is free again.
  s.bench.edit('decom.yaml', './elsewhere', './state');
  expect((await s.bench.decom('abandon', 'practice', '--reason', 'done elsewhere')).code).toBe(0);
});

const over = (run: string): readonly string[] => ['--take-over', run, '--take-over-reason', 'her laptop is lost'];

test('the claim of an earlier run of one’s own, which had ended where the host could not be reached, keeps nobody out', async () => {
  await s.bench.plan();
  letGo();
  // A refused call makes the state folder and its id.
  expect((await s.bench.decom('run', '--plan', 'plan.json', '--non-interactive', '--confirm=other')).code).toBe(4);
  expect((await s.bench.decom('run', 'practice', '--dry-run', '--non-interactive')).code).toBe(0);
  const state = readFileSync(join(s.bench.state, 'id'), 'utf8').trim();
  const earlier = { run: 'aaaaaaaaaaaa', state, operator: 'ada', control: 'laptop', at: '2026-01-02T03:04:05.000Z' };
  const client = await login(s.machine);
  const claim = `decom-claim 1 ${state} ${earlier.run}\n${JSON.stringify(earlier)}\n`;
  await runThere(client, 'mkdir -p ~/.decom && cat > ~/.decom/claim', claim);
  client.end();
  const ran = await s.bench.start(s.bench.unattended).ended;
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  const taken = s.bench.events().find(({ type }) => type === 'claim.taken-over');
  expect(taken).toMatchObject({ was: earlier, reason: 'run aaaaaaaaaaaa, of the same state folder, has ended' });
});
