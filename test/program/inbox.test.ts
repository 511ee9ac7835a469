import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Head, nextLine } from '../../src/core/chain.ts';
import type { Event } from '../../src/core/event.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { settings } from '../faults/bench.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { type Ended, endCalls } from '../faults/program.ts';
import { type Person, person } from '../lab/people.ts';

/*
 * Several people and one run: what they say is signed by OpenSSH's own ssh-keygen, and taken in by whoever drives.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
let ada: Person;
let bob: Person;
let eve: Person;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-inbox-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
  ada = person(b.folder, 'ada@example.org');
  bob = person(b.folder, 'bob@example.org', { roles: ['manager'] });
  eve = person(b.folder, 'eve@example.org');
  b.write('allowed_signers', ada.line + bob.line);
  b.write('decom.yaml', `${settings}allowed_signers: allowed_signers\n`);
});
afterEach(async () => {
  await endCalls();
  await b.close();
});

const look = '- { id: look, title: Look at the power, uses: power.status }';
const hands = `- id: hands
  title: Unplug it
  uses: checklist
  with: { title: Cables, items: [{ id: power-a, text: Unplug the left cord }, { id: power-b, text: Unplug the right cord }] }`;

const by = (who: Person, ...args: readonly string[]): Promise<Ended> => b.start(args, who.as).ended;
const well = async (ended: Promise<Ended>, code = 0): Promise<Ended> => {
  const came = await ended;
  expect(came.code, `${came.stdout}\n${came.stderr}`).toBe(code);
  return came;
};
/** What `verify.sh` says of the run, by dash. */
function byScript(): { readonly code: number | null; readonly said: string } {
  const script = join(b.runs().at(-1) ?? '', 'verify.sh');
  const ran = spawnSync('dash', [script, '-s', join(b.folder, 'allowed_signers')], { encoding: 'utf8' });
  return { code: ran.status, said: `${ran.stdout}${ran.stderr}` };
}
const inbox = (...names: readonly string[]): string => join(b.runs().at(-1) ?? '', 'inbox', ...names);
const said = (kind: string) =>
  b.events().filter((event) => event.type === 'statement.taken' && event.statement.kind === kind);

/** Ada's run that has come to a checklist which others answer. */
async function waitingForHands(): Promise<void> {
  b.runbook([look, hands].join('\n'));
  b.write('answers.yaml', 'answers:\n  hands: { others: true }\n');
  await b.plan();
  const parked = await well(by(ada, ...b.unattended, '--answers', 'answers.yaml'), 9);
  expect(parked.stdout).toContain('parked at hands: others answer power-a, power-b: decom tick');
}

test('a run waits for the hands of others, takes in what they signed, and their words stand in a log that holds without decom', async () => {
  await waitingForHands();
  await well(by(bob, 'tick', 'practice', 'hands', 'power-a', '--text', 'label P-17'));
  await well(by(bob, 'comment', 'practice', '--text', 'the rack is "locked" now: {"a":1}, ключ у охраны'));
  // One item is still open.
  const still = await well(by(ada, 'resume', '--due', '--non-interactive'));
  expect(still.stdout).toContain('others answer power-b');
  await well(by(bob, 'tick', 'practice', 'hands', 'power-b'));
  await well(by(bob, 'approve', 'practice'));
  expect(readdirSync(inbox())).toHaveLength(2);
  expect((await well(b.decom('status', 'practice'))).stdout).toContain('2 statements lie in its inbox');
  await well(by(ada, 'resume', '--due', '--non-interactive'));
  expect(readdirSync(inbox())).toEqual([]);
  const verified = b.events().find((event) => event.type === 'step.verified' && event.step === 'hands');
  expect(verified).toMatchObject({ said: 'all 2 done, says bob@example.org' });
  expect(said('tick')).toHaveLength(2);
  // After its end somebody answers for the record as it stands.
  await well(by(bob, 'sign', 'practice', '--role', 'manager'));
  await well(by(ada, 'inbox', 'take', 'practice'));
  const audit = await well(by(ada, 'audit', 'verify', 'practice', '--json'));
  expect(JSON.parse(audit.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    verdict: 'closed and signed',
    signatures: {
      lacks: [],
      statements: [
        { by: 'bob@example.org', kind: 'tick', held: true },
        { by: 'bob@example.org', kind: 'comment', held: true },
        { by: 'bob@example.org', kind: 'tick', held: true },
        { by: 'bob@example.org', kind: 'approve', held: true },
        { by: 'bob@example.org', kind: 'sign', held: true },
      ],
    },
  });
  const script = byScript();
  expect(script.said).toContain('closed and signed');
  expect(script.said.match(/Good "decom-statement@v1" signature for bob@example\.org/g)).toHaveLength(5);
  expect(script.code).toBe(0);
  const report = (await well(by(ada, 'report', 'practice'))).stdout;
  expect(report).toContain('signed by bob@example.org as manager');
  expect(report).toContain('ключ у охраны');
});

/** Whoever holds the log writes it anew, without signatures of their own, and with other words of Bob's. */
function rebuilt(change: (event: Event) => Event): void {
  const path = join(b.runs().at(-1) ?? '', 'audit.jsonl');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  let head: Head = { size: 0, hash: JSON.parse(lines[0] ?? '').prev };
  const made = lines.flatMap((line) => {
    const { v: _v, seq: _seq, ts, prev: _prev, seal: _seal, signature: _signature, ...event } = JSON.parse(line);
    const next = nextLine(head, change(event), ts);
    head = next.head;
    return [Buffer.from(next.bytes)];
  });
  writeFileSync(path, Buffer.concat(made));
}

test('whoever drives the run cannot put words into the mouth of another, nor sign another log in their name', async () => {
  await waitingForHands();
  await well(by(bob, 'comment', 'practice', '--text', 'keep it'));
  await well(by(bob, 'sign', 'practice'));
  await well(by(ada, 'inbox', 'take', 'practice'));
  const path = join(b.runs().at(-1) ?? '', 'audit.jsonl');
  const whole = readFileSync(path);
  const words = (event: Event): Event =>
    event.type === 'statement.taken' ? { ...event, statement: { ...event.statement, text: 'throw it away' } } : event;
  for (const [change, why] of [
    [words, 'the signature of bob@example.org does not hold'],
    [(event: Event) => event, 'bob@example.org signed another log'],
  ] as const) {
    rebuilt(change);
    const found = await well(b.decom('audit', 'verify', 'practice'), 6);
    expect(found.stdout).toContain(why);
    const script = byScript();
    expect(script.said).toContain(why);
    expect(script.code).toBe(6);
    writeFileSync(path, whole);
  }
  const line = (said: string) => /^Line (\d+):/m.exec(said)?.[1];
  rebuilt(words);
  expect(line(byScript().said)).toBe(line((await b.decom('audit', 'verify', 'practice')).stdout));
});

test('what one person says later counts, although both came before anybody took it in', async () => {
  await waitingForHands();
  await well(by(bob, 'tick', 'practice', 'hands', 'power-b'));
  for (const more of [[], ['--undone'], [], ['--undone']] as const)
    await well(by(bob, 'tick', 'practice', 'hands', 'power-a', ...more));
  const still = await well(by(ada, 'resume', '--due', '--non-interactive'));
  expect(still.stdout).toContain('others answer power-a:');
});

test('what is handed over as a file is taken by whoever drives the run, once', async () => {
  await waitingForHands();
  await well(by(bob, 'tick', 'practice', 'hands', 'power-a', '-o', 'tick.json'));
  expect(existsSync(inbox())).toBe(false);
  await well(by(ada, 'inbox', 'add', 'practice', 'tick.json'));
  await well(by(ada, 'inbox', 'take', 'practice'));
  expect(said('tick')).toHaveLength(1);
  await well(by(ada, 'inbox', 'add', 'practice', 'tick.json'));
  await well(by(ada, 'inbox', 'take', 'practice'));
  expect(said('tick')).toHaveLength(1);
  expect(readdirSync(inbox())).toEqual([]);
});

test('nobody speaks for another, and what was refused is on record and kept', async () => {
  await waitingForHands();
  const refused = await well(by(eve, 'tick', 'practice', 'hands', 'power-a'), 2);
  expect(refused.stderr).toContain('none of your SSH keys is among the allowed signers');
  await well(by(bob, 'tick', 'practice', 'hands', 'power-a', '-o', 'tick.json'));
  const tick = b.read('tick.json');
  const forged: { readonly [name: string]: string } = {
    'a-other-person.json': tick.replace('"by":"bob@', '"by":"ada@'),
    'b-other-item.json': tick.replace('power-a', 'power-b'),
    'c-unsigned.json': tick.replace(/"signed":"[^"]*"/, '"signed":null'),
    'd-other-run.json': tick.replace(/"run":"[0-9a-f]+"/, '"run":"abcdef012345"'),
    'e-no-json.json': '{',
    'f-spaced.json': tick.replace('{', '{ '),
  };
  await well(by(bob, 'comment', 'practice', '--text', 'so that there is an inbox'));
  for (const [name, text] of Object.entries(forged)) writeFileSync(inbox(name), text);
  symlinkSync('/etc/hostname', inbox('g-link.json'));
  writeFileSync(inbox('h-large.json'), Buffer.alloc(20_000, 0x20));
  const took = await well(by(ada, 'inbox', 'take', 'practice'), 2);
  expect(took.stdout).toContain('1 taken in, 8 refused');
  const kept = readdirSync(inbox('refused')).sort();
  expect(kept).toEqual([...Object.keys(forged), 'g-link.json', 'h-large.json']);
  const whys = b.events().flatMap((event) => (event.type === 'statement.refused' ? [event.trouble.what] : []));
  expect(whys).toEqual([
    'what ada@example.org said (tick) was not taken: its signature does not hold',
    'what bob@example.org said (tick) was not taken: its signature does not hold',
    'what bob@example.org said (tick) was not taken: it is not signed, and this workspace has a list of who may sign',
    expect.stringContaining('it speaks of run'),
    'e-no-json.json cannot be taken: it is not the JSON that decom writes',
    'f-spaced.json cannot be taken: its bytes were changed since it was made',
    'g-link.json in the inbox cannot be taken: it is a symbolic link',
    'h-large.json in the inbox cannot be taken: it has 20000 bytes, and 16384 are allowed',
  ]);
  expect(said('tick')).toEqual([]);
  const role = await well(by(ada, 'sign', 'practice', '--role', 'manager'));
  expect(role.stdout).toContain('signed by ada@example.org as manager');
  const took2 = await well(by(ada, 'inbox', 'take', 'practice'), 2);
  expect(took2.stderr).toContain('does not give ada@example.org the role manager');
});

test('an approval of a plan that has not begun is handed over, and speaks of no other plan', async () => {
  await waitingForHands();
  await well(by(bob, 'approve', 'plan.json', '-o', 'approval.json'));
  b.runbook(look);
  await well(b.decom('plan', 'practice', '-o', 'other.json'));
  await well(by(bob, 'approve', 'other.json', '-o', 'other-approval.json'));
  await well(by(ada, 'inbox', 'add', 'practice', 'approval.json'));
  const other = await well(by(ada, 'inbox', 'add', 'practice', 'other-approval.json'), 2);
  expect(other.stderr).toContain('speaks of run');
  await well(by(ada, 'inbox', 'take', 'practice'));
  expect(said('approve')).toHaveLength(1);
  expect(readFileSync(join(b.folder, 'approval.json'), 'utf8')).toContain('"kind":"approve"');
});

test('nothing is said of a run whose log is broken, and the exit code tells that it is', async () => {
  await waitingForHands();
  const path = join(b.runs().at(-1) ?? '', 'audit.jsonl');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"seq":1,', '"seq":7,'));
  const refused = await well(by(bob, 'comment', 'practice', '--text', 'keep it'), 6);
  expect(refused.stderr).toContain('[log-broken]');
  expect(existsSync(inbox())).toBe(false);
});
