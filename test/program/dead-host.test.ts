import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { settings } from '../faults/bench.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { type Ended, endCalls } from '../faults/program.ts';
import { type Person, person } from '../lab/people.ts';

/*
 * The shipped runbook dead-server, by the built program: a machine that nothing answers from any more, whose BMC still does, and three people with keys.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
let ci: Person;
let grace: Person;
let bob: Person;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-dead-'));
  machine = await startMachine(folder);
  b = await practiceBench(machine);
  ci = person(b.folder, 'ci');
  grace = person(b.folder, 'grace@example.org');
  bob = person(b.folder, 'bob@example.org');
  b.write('allowed_signers', ci.line + grace.line + bob.line);
  b.write('decom.yaml', `${settings}allowed_signers: allowed_signers\n`);
  mkdirSync(join(b.folder, 'runbooks'), { recursive: true });
  const shipped = fileURLToPath(new URL('../../runbooks/dead-server.yaml', import.meta.url));
  copyFileSync(shipped, join(b.folder, 'runbooks', 'dead-server.yaml'));
});
afterEach(async () => {
  await endCalls();
  await b.close();
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const by = (who: Person, ...args: readonly string[]): Promise<Ended> => b.start(args, who.as).ended;
async function ends(ended: Promise<Ended>, code: number): Promise<string> {
  const came = await ended;
  expect(came.code, `${came.stdout}\n${came.stderr}`).toBe(code);
  return (came.stdout + came.stderr).replaceAll(/\s+/g, ' ');
}

/** A port at which nothing listens: it was free a moment ago. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const tick = (...ids: readonly string[]): string => ids.map((id) => `      ${id}: { done: true }\n`).join('');
const answers = (label: string): string => `answers:
  attest:
    items:
      serial: { done: true, note: "${label}" }
  told: { confirm: true }
  copies:
    items:
${tick('last', 'restored')}  unplug:
    items:
${tick('label', 'no-power', 'unplugged')}  disks:
    items:
${tick('out', 'locked', 'order')}  found: { confirm: true }
`;
const planned = [
  'plan',
  'practice',
  '-r',
  'dead-server',
  '-p',
  'over=1s',
  '-p',
  'grace=1m',
  '-o',
  'plan.json',
] as const;
const unattended = (): readonly string[] => [
  '--non-interactive',
  '--answers',
  'answers.yaml',
  `--confirm=${machine.identity.serial}`,
];

test('a machine that does not answer is retired by its label, its BMC, a second person, and an answer for each source that is missing', async () => {
  b.edit('hosts.yaml', `port: ${b.ssh.port}`, `port: ${await deadPort()}`);
  b.write('answers.yaml', answers(machine.identity.serial));
  const plan = await ends(by(ci, ...planned), 0);
  expect(plan).not.toContain('blocked');
  expect(await ends(by(ci, 'run', '--plan', 'plan.json', ...unattended()), 9)).toContain(
    'step "attest" waits for approval by one person',
  );
  const [run = ''] = /[0-9a-f]{12}/.exec(b.runs().at(-1) ?? '') ?? [];
  await ends(by(grace, 'approve', run), 0);
  const missing = await ends(by(ci, 'resume', run, ...unattended()), 4);
  expect(missing).toContain('running, host-keys, machine-id, uuid cannot be had');
  expect(await machine.power.get()).toBe('on');
  const none = await ends(by(bob, 'waive', run, 'attest/host-key', '--reason', 'burnt'), 2);
  expect(none).toContain('for: attest/running, attest/host-keys, attest/machine-id, attest/uuid, attest/bmc');
  for (const source of ['running', 'host-keys', 'machine-id', 'uuid']) {
    await ends(by(ci, 'resume', run, ...unattended()), 4);
    await ends(by(bob, 'waive', run, `attest/${source}`, '--reason', 'its mainboard burnt'), 0);
  }
  await ends(by(ci, 'resume', run, ...unattended()), 0);
  expect(await machine.power.get()).toBe('off');
  expect(b.read('hosts.yaml')).toMatch(/status: "?retired/);
  expect(await ends(b.decom('audit', 'verify', run), 0)).toContain('closed and signed');
  const report = await ends(b.decom('report', run), 0);
  expect(report).toContain('bob@example.org answered for uuid');
  expect(report).toContain('its mainboard burnt');
}, 120_000);

test('a machine that answers is none of it, whatever is said of it', async () => {
  b.write('answers.yaml', answers(machine.identity.serial));
  const plan = await ends(by(ci, ...planned), 0);
  expect(plan).toContain('practice answers on its address: it is not dead');
  await ends(by(grace, 'approve', 'plan.json', '-o', 'approval.json'), 0);
  const refused = await ends(by(ci, 'run', '--plan', 'plan.json', '--approval', 'approval.json', ...unattended()), 4);
  expect(refused).toContain('it is not dead');
  expect(await machine.power.get()).toBe('on');
});

test('nor is one whose label says another serial', async () => {
  b.edit('hosts.yaml', `port: ${b.ssh.port}`, `port: ${await deadPort()}`);
  b.write('answers.yaml', answers('PR000000'));
  await ends(by(ci, ...planned), 0);
  await ends(by(grace, 'approve', 'plan.json', '-o', 'approval.json'), 0);
  const refused = await ends(by(ci, 'run', '--plan', 'plan.json', '--approval', 'approval.json', ...unattended()), 10);
  expect(refused).toContain(
    `the serial on the label is "PR000000", and that of practice is "${machine.identity.serial}"`,
  );
  expect(await machine.power.get()).toBe('on');
});
