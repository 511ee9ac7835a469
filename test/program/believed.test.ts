import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { jcs, sha256 } from '../../src/core/json.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { settings } from '../faults/bench.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { type Ended, endCalls } from '../faults/program.ts';

/*
 * Whoever can write the state folder, and has no key, writes lines to the log of a run that waits: nothing is done on the strength of them.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-believed-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
  for (const person of ['ada', 'bob']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(b.folder, person)]);
  }
  b.write('allowed_signers', ['ada', 'bob'].map((person) => `${person} ${b.read(`${person}.pub`)}`).join(''));
});
afterEach(async () => {
  await endCalls();
  await b.close();
});

type Fields = { readonly [name: string]: unknown };
const listed = `${settings}allowed_signers: allowed_signers\n`;
const steps = `- { id: identity, title: Is it this machine, uses: identity.check }
- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }`;
const as = (person: string, ...args: readonly string[]): Promise<Ended> =>
  b.start(args, { env: { DECOM_SIGNING_KEY: join(b.folder, person) } }).ended;
const path = (): string => join(b.runs().at(-1) ?? '', 'audit.jsonl');
const lines = (): readonly Fields[] =>
  readFileSync(path(), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Fields);
const without = (line: Fields | undefined, ...names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(line ?? {}).filter(([name]) => !names.includes(name)));

/** Writes the log anew, chained and numbered, as one can who has no key. */
function rewrite(all: readonly Fields[]): void {
  let prev = String(all[0]?.prev);
  const texts = all.map((line, seq) => {
    const text = `${jcs({ ...line, seq, prev })}\n`;
    prev = sha256(text);
    return text;
  });
  writeFileSync(path(), texts.join(''));
}

/** A run that ada began and that waits. */
async function waiting(decom = listed): Promise<void> {
  b.write('decom.yaml', decom);
  b.runbook(steps);
  await b.plan();
  const ran = await as('ada', ...b.unattended);
  expect(ran.code, ran.stderr).toBe(9);
}

/** Evidence as the run itself wrote it, of a later time. */
const planted = (): Fields => {
  const real = lines().find(({ type }) => type === 'step.verified');
  return { ...without(real, 'signature'), ts: new Date().toISOString() };
};
const opened = (): Fields => ({ ...without(lines()[0], 'seal', 'signature'), operator: 'ada' });

/** Every command that would go on from the log. */
const goingOn: readonly (readonly string[])[] = [
  ['resume', 'practice', '--non-interactive'],
  ['rollback', 'practice', '--yes', '--non-interactive'],
  ['replan', 'practice', '--redo', 'identity', '--yes'],
  ['abandon', 'practice', '--reason', 'mine'],
  ['inbox', 'take', 'practice'],
];

test.each<[string, () => readonly Fields[], number, string]>([
  [
    'a line that the key of its session did not sign',
    () => [...lines(), planted()],
    6,
    'it is not signed, and its session (line',
  ],
  [
    'a session that nobody vouches for',
    () => [...lines(), opened(), planted()],
    12,
    'no listed person vouches for the session of ada that begins at line',
  ],
  [
    'a session that nobody vouches for, which answers for itself',
    () => [
      ...lines(),
      opened(),
      planted(),
      { v: 1, type: 'unsigned.accepted', ts: new Date().toISOString(), lines: 999, by: 'ada', reason: 'fine' },
    ],
    12,
    'no listed person vouches for the session of ada that begins at line',
  ],
  [
    'no signatures any more',
    () => lines().map((line) => without(line, 'seal', 'signature')),
    12,
    'no listed person vouches for the session of root that begins at line 1',
  ],
])('nothing goes on from a log with %s', async (_, forged, code, why) => {
  await waiting();
  rewrite(forged());
  const before = readFileSync(path());
  for (const args of goingOn) {
    const ended = await as('bob', ...args);
    expect([args[0], ended.code]).toEqual([args[0], code]);
    expect(ended.stderr.replaceAll(/\s+/g, ' ')).toContain(why);
  }
  expect(readFileSync(path())).toEqual(before);
});

test('nor from a signed log where nobody is listed any more who could have signed it', async () => {
  await waiting();
  b.write('decom.yaml', settings);
  const ended = await as('bob', 'resume', 'practice', '--non-interactive');
  expect(ended.code).toBe(12);
  expect(ended.stderr.replaceAll(/\s+/g, ' ')).toContain('there is no list of allowed signers to judge it by');
});

test('what somebody said cannot be taken in where lines were added that nobody signed', async () => {
  await waiting();
  expect((await as('bob', 'comment', 'practice', '--text', 'keep it')).code).toBe(0);
  rewrite([...lines(), opened(), planted()]);
  expect((await as('ada', 'inbox', 'take', 'practice')).code).toBe(12);
});

test('a run that was begun before there was a list goes on once a listed person answers for its lines', async () => {
  await waiting(settings);
  b.write('decom.yaml', listed);
  const refused = await as('bob', 'resume', 'practice', '--non-interactive');
  expect(refused.code).toBe(12);
  expect(refused.stderr).toContain('decom audit accept');
  const accepted = await as('bob', 'audit', 'accept', 'practice', '--reason', 'begun before the list was made');
  expect(accepted.code, accepted.stderr).toBe(0);
  const resumed = await as('ada', 'resume', 'practice', '--non-interactive');
  expect(resumed.code, resumed.stderr).toBe(9);
  expect(await as('bob', 'audit', 'accept', 'practice', '--reason', 'again')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing to answer for'),
  });
  const ended = await as('ada', 'abandon', 'practice', '--reason', 'kept');
  expect(ended.code, ended.stderr).toBe(0);
  // Its first lines stay what they are.
  const verified = await b.decom('audit', 'verify', 'practice');
  expect(verified).toMatchObject({
    code: 12,
    stdout: expect.stringContaining('Not signed: nobody vouches for the session of root that begins at line 1'),
  });
  const report = await b.decom('report', 'practice');
  expect(report.stdout).toMatch(
    /root answered for the lines up to \d+, of which some were signed by nobody: begun before/,
  );
});

test('what comes after an answer has to be answered for again', async () => {
  await waiting(settings);
  b.write('decom.yaml', listed);
  expect((await as('bob', 'audit', 'accept', 'practice', '--reason', 'begun before')).code).toBe(0);
  rewrite([...lines(), opened(), planted()]);
  expect((await as('bob', 'resume', 'practice', '--non-interactive')).code).toBe(12);
});

test('what is broken cannot be answered for', async () => {
  await waiting();
  rewrite([...lines(), planted()]);
  const before = readFileSync(path());
  expect((await as('bob', 'audit', 'accept', 'practice', '--reason', 'fine')).code).toBe(6);
  expect(readFileSync(path())).toEqual(before);
});
