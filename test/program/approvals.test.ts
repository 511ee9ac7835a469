import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { jcs } from '../../src/core/json.ts';
import { unarmoured } from '../../src/core/sshsig.ts';
import { type SignedStatement, statementBytes, statementNamespace } from '../../src/core/statement.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { settings } from '../faults/bench.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { type Ended, endCalls } from '../faults/program.ts';
import { type Person, person } from '../lab/people.ts';

/*
 * Who approves what cannot be undone: whole runs of the built program, whose approvals are signed by OpenSSH's own ssh-keygen.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
let ci: Person;
let grace: Person;
let eve: Person;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-approvals-'));
  machine = await startMachine(folder);
  b = await practiceBench(machine);
  // A wire answers even when the machine behind it is off.
  b.edit('hosts.yaml', `port: ${b.ssh.port}`, `port: ${machine.ssh.port}`);
  ci = person(b.folder, 'ci');
  grace = person(b.folder, 'grace@example.org', { roles: ['manager'] });
  eve = person(b.folder, 'eve@example.org');
  b.write('allowed_signers', ci.line + grace.line);
  b.write('decom.yaml', `${settings}allowed_signers: allowed_signers\n`);
});
afterEach(async () => {
  await endCalls();
  await b.close();
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const off = (more = ''): string => `
- { id: identity, uses: identity.check }
- { id: unused, uses: use.check, with: { watch: 1s } }
- { id: stop, uses: service.stop, with: { unit: app.service } }
- { id: copy, uses: backup.archive, with: { from: [${machine.folders[0]}/app/links], to: ${b.vault} } }
- { id: proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
- { id: off, uses: power.off, with: { grace: 5m }${more} }`;
const by = (who: Person, ...args: readonly string[]): Promise<Ended> => b.start(args, who.as).ended;
async function ends(ended: Promise<Ended>, code: number): Promise<string> {
  const came = await ended;
  expect(came.code, `${came.stdout}\n${came.stderr}`).toBe(code);
  return came.stdout + came.stderr;
}
const begun = (): boolean => b.events().some((event) => event.type === 'operation.intended' && event.step === 'off');
const confirm = (): string => `--confirm=${machine.identity.serial}`;

test('unattended, a run parks before its power-off until somebody who does not drive it has approved; then it goes on by itself', async () => {
  b.runbook(off());
  await b.plan();
  const parked = await ends(by(ci, ...b.unattended), 9);
  expect(parked).toContain(
    'step "off" waits for approval by one person; nobody has approved; missing: one more person;',
  );
  const [run = ''] = /[0-9a-f]{12}/.exec(b.runs().at(-1) ?? '') ?? [];
  expect(parked).toContain(`they approve with: decom approve ${run}`);
  expect(begun()).toBe(false);
  expect(await ends(by(ci, 'why', run), 0)).toContain('waits for approval by one person');

  // Who drives approves nothing, whatever the key; nor does anybody who is not listed, or in a role that is not theirs.
  await ends(by(ci, 'approve', run), 0);
  expect(await ends(by(eve, 'approve', run), 2)).toContain('[no-signing-key]');
  await ends(by(grace, 'approve', run, '--role', 'security'), 0);
  const still = await ends(by(ci, 'resume', '--due', '--non-interactive', confirm()), 0);
  expect(still).toContain('ci drives the run, and approves it for nobody else');
  expect(still).toContain('does not give grace@example.org the role security');
  expect(begun()).toBe(false);

  await ends(by(grace, 'approve', run, '--role', 'manager', '--text', 'change 4711'), 0);
  // What was taken in by another process counts as well: the inbox is empty, and it is due all the same.
  await ends(by(grace, 'inbox', 'take', run), 0);
  await ends(by(ci, 'resume', '--due', '--non-interactive', confirm()), 0);
  expect(await machine.power.get()).toBe('off');
  expect(b.events().filter(({ type }) => type === 'gate.approved')).toEqual([
    expect.objectContaining({
      step: 'off',
      approvals: [expect.objectContaining({ by: 'grace@example.org', role: 'manager' })],
    }),
  ]);
  expect(await ends(b.decom('audit', 'verify', run), 0)).toContain('grace@example.org (approve, line');
  expect(await ends(b.decom('report', run), 0)).toContain('approved by grace@example.org as manager');
});

test('what is said of a run whose plan took the place of another is taken in: it is still that run', async () => {
  b.runbook(off());
  await b.plan();
  await ends(by(ci, ...b.unattended), 9);
  const [run = ''] = /[0-9a-f]{12}/.exec(b.runs().at(-1) ?? '') ?? [];
  await ends(by(grace, 'approve', run), 0);
  b.runbook(off(', title: Off'));
  expect(await ends(by(ci, 'replan', run, '--yes'), 0)).toContain(
    'Approvals of the plan before it, and what was answered for under it, are void.',
  );
  expect(await ends(by(ci, ...['resume', run, '--non-interactive', confirm()]), 9)).toContain(
    'it was said of another plan than the one in force',
  );
  expect(await ends(by(grace, 'approve', run), 0)).toContain(`decom resume ${run}`);
  await ends(by(grace, 'comment', run, '--text', 'seen'), 0);
  const end = await ends(by(ci, ...['resume', run, '--non-interactive', confirm()]), 0);
  expect(end).not.toContain('not taken');
  expect(await machine.power.get()).toBe('off');
  const byScript = () =>
    spawnSync('sh', [join(b.runs().at(-1) ?? '', 'verify.sh'), '-s', join(b.folder, 'allowed_signers')]).status;
  expect(await ends(b.decom('audit', 'verify', run), 0)).toContain('closed and signed');
  expect(byScript()).toBe(0);
  rmSync(join(b.runs().at(-1) ?? '', 'intent.1.json'));
  expect(await ends(b.decom('audit', 'verify', run), 6)).toContain('the plan that it names is not in the run’s folder');
  expect(byScript()).toBe(6);
});

test('a saved plan is approved before it begins, by a file that is good for that plan alone and for its time', async () => {
  b.write('decom.yaml', `${settings}allowed_signers: allowed_signers\napprovals: { persons: 1, roles: [manager] }\n`);
  b.runbook(off());
  await b.plan();
  expect(await ends(b.decom('plan', 'practice', '-o', 'other.json'), 0)).toContain(
    'approved by one person, as manager',
  );
  await ends(by(grace, 'approve', 'other.json', '--role', 'manager', '-o', 'other-approval.json'), 0);
  await ends(by(grace, 'approve', 'plan.json', '--role', 'manager', '--for', '0s', '-o', 'none.json'), 2);
  const given = ['approve', 'plan.json', '--role', 'manager', '-o'] as const;
  expect(await ends(by(grace, ...given, 'approval.json'), 0)).toMatch(
    /Next, by whoever drives the run: decom run --plan plan\.json --approval \S+\/approval\.json\n/,
  );
  const run = [...b.unattended, '--approval'];
  expect(await ends(by(ci, ...run, 'other-approval.json'), 4)).toContain('approves another plan than this one');
  expect(await ends(by(ci, ...run, 'plan.json'), 4)).toContain('[not-a-statement]');
  const edited = b.read('approval.json').replace('grace@', 'eve@');
  b.write('edited.json', edited);
  expect(await ends(by(ci, ...run, 'edited.json'), 4)).toContain('was not taken');
  expect(b.runs()).toEqual([]);
  await ends(by(ci, ...run, 'approval.json'), 0);
  expect(await machine.power.get()).toBe('off');
  expect(await ends(by(grace, ...given, 'late.json'), 0)).toMatch(/decom inbox add [0-9a-f]{12} /);
});

test('a role that stands beside the name of whoever drives is no second person', async () => {
  const two = person(b.folder, 'deployer', { roles: ['manager'] });
  b.write('allowed_signers', two.line + grace.line);
  b.runbook(off());
  await b.plan();
  await ends(by(two, 'approve', 'plan.json', '-o', 'own.json'), 0);
  const { statement } = JSON.parse(b.read('own.json')) as SignedStatement;
  // ssh-keygen holds every name of a line for one whose key this is.
  const said = { ...statement, by: 'role:manager', id: '0123456789abcdef' };
  const signed = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', statementNamespace, '-f', two.file], {
    input: statementBytes(said),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  b.write('second.json', `${jcs({ statement: said, signed: unarmoured(signed.toString()) })}\n`);
  expect(await ends(by(two, ...b.unattended, '--approval', 'second.json'), 4)).toContain('its signature does not hold');
  await ends(by(two, ...b.unattended), 9);
  expect(await ends(by(two, 'inbox', 'add', 'practice', 'second.json'), 2)).toContain('its signature does not hold');
  expect(begun()).toBe(false);
});

test('where nobody is listed who could approve, nothing is begun without a terminal', async () => {
  b.write('decom.yaml', settings);
  b.runbook(off());
  await ends(b.decom('plan', 'practice', '-o', 'plan.json'), 0);
  expect(await ends(b.decom(...b.unattended), 4)).toContain('[approval-impossible]');
  expect(b.runs()).toEqual([]);
});

test('one key is one person: a list that gives it two names is refused', async () => {
  b.write('allowed_signers', ci.line + ci.line.replace(/^ci/, 'grace@example.org'));
  b.runbook(off());
  expect(await ends(by(ci, 'plan', 'practice', '-o', 'plan.json'), 0)).toContain('nothing stands in the way');
  expect(await ends(by(ci, ...b.unattended), 2)).toContain('the key is that of ci already, and one key is one person');
  expect(b.runs()).toEqual([]);
});
