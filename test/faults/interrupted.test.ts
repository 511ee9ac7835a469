import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { login, run as runThere } from '../practice/login.ts';
import { said as masked } from './bench.ts';
import { waitFor } from './hold.ts';
import { has, openStage, type Stage, typesOf, until } from './interruption.ts';
import type { Called, Ended } from './program.ts';

/*
 * Every kind of action, cut off while it is under way: by a connection that is lost, and by Ctrl-C. The run is kept, what was begun on
 * the host is ended or in doubt, and "resume" brings it to the same end without doing anything twice.
 *
 * What is cut off waits until it is let go, so that the moment is the same on every machine; and what waits for ever proves that nobody
 * waits for it.
 */

let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

const step = (id: string, uses: string, input?: string): string =>
  `- id: ${id}\n  title: ${id}\n  uses: ${uses}${input === undefined ? '' : `\n  with: ${input}`}`;
const identity = step('identity', 'identity.check');
const unused = step('unused', 'use.check', '{ watch: 1s }');
const stop = step('stop', 'service.stop', '{ unit: app.service }');
const start = step('start', 'service.start', '{ unit: app.service }');
const copy = (): string => step('copy', 'backup.archive', `{ from: [${s.machine.folders[0]}], to: ${s.bench.vault} }`);
const proof = step('proof', 'restore.verify', `{ backup: "\${{ steps.copy.backup }}" }`);
/** Leaves a line at its beginning, waits until it is let go, and leaves a file at its end. */
const work = (): string =>
  step(
    'work',
    'command.run',
    `{ shell: "echo began >> ${s.folder}/began; ${waitFor(`${s.folder}/go`)}; echo end > ${s.folder}/ended", probe: { argv: [test, -s, ${s.folder}/ended] } }`,
  );
const letWorkGo = (): void => writeFileSync(join(s.folder, 'go'), '');
const works = async (): Promise<boolean> => (await s.running()).some((line) => line.includes(`${s.folder}/go`));

const began = (): string => (existsSync(join(s.folder, 'began')) ? readFileSync(join(s.folder, 'began'), 'utf8') : '');

/** What stands on stdout, without what differs from one run to the next. */
const told = (ended: Ended): string =>
  masked({ ...ended, stderr: '' }, s.bench, {
    [s.folder]: '<machine>',
    [String(s.bench.ssh.port)]: '<ssh port>',
    [String(s.bench.bmc.port)]: '<bmc port>',
  })
    .replace(/log {4} \d+ lines/, 'log     <n> lines')
    .replace(/stdout: \n/, '')
    // How the kernel tells it depends on which side was writing, and on what had arrived.
    .replace(/\n *(write EPIPE|write ECONNRESET|read ECONNRESET|(ECONNRESET|EPIPE|UND_ERR_SOCKET) .*)$/m, '');

async function begin(steps: readonly string[]): Promise<Called> {
  s.bench.runbook(steps.join('\n'));
  await s.bench.plan();
  return s.bench.start(s.bench.unattended);
}

/** Changes a unit as somebody at the machine would. */
async function systemctl(verb: string, unit: string): Promise<void> {
  const client = await login(s.machine);
  const ran = await runThere(client, `systemctl ${verb} ${unit}`);
  client.end();
  expect(ran.code).toBe(0);
}

/** Nothing writes to the folders any more: a file that grows as it is copied is another matter. */
async function quiet(): Promise<void> {
  for (const unit of ['app-watch.timer', 'app.service']) await systemctl('stop', unit);
}

/** The host over no wire but its own: a wire answers even when the machine behind it is off. */
const straight = (): void => s.bench.edit('hosts.yaml', `port: ${s.bench.ssh.port}`, `port: ${s.machine.ssh.port}`);

const resume = (): Promise<Ended> =>
  s.bench.decom('resume', 'practice', '--non-interactive', `--confirm=${s.machine.identity.serial}`);

/** Presses Ctrl-C; what is under way on the host is ended, not waited for. */
async function interrupted(run: Called): Promise<Ended> {
  run.signal('SIGINT');
  return await ends(run.ended, 130);
}

async function ends(ended: Promise<Ended>, code: number): Promise<Ended> {
  const value = await ended;
  expect(value.code, `${value.stdout}\n${value.stderr}`).toBe(code);
  return value;
}

/** What a log that is whole is verified with: it is signed where somebody had to approve the plan. */
const intact = (): number => (existsSync(join(s.bench.folder, 'signers')) ? 0 : 12);

/** Resuming says first what it goes on with, brings it to its end, and the log is whole. */
async function resumed(): Promise<void> {
  const { stderr } = await ends(resume(), 0);
  expect(stderr).toMatch(/^.* on practice at .*, serial .+\nrun \S+, taken up again\n/);
  await ends(s.bench.decom('audit', 'verify', 'practice'), intact());
}

test('identity.check, the connection cut: the step is blocked, and goes on', async () => {
  s.bench.runbook(identity);
  await s.bench.plan();
  const held = s.hold('cat', '*product_serial*');
  const run = s.bench.start(s.bench.unattended);
  await until('the serial is asked', () => held.calls() > 0, run);
  s.bench.ssh.cut();
  expect(told(await ends(run.ended, 4))).toMatchInlineSnapshot(`
    "exit 4
    ✗ blocked at identity. Nothing later has run.
    error the SSH connection to practice was lost [connection-lost]
      Check that the host is up, then go on: decom resume
    steps   1 blocked
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  held.letGo();
  await resumed();
});

test('identity.check, Ctrl-C: nothing is left running on the host', async () => {
  s.bench.runbook(identity);
  await s.bench.plan();
  const held = s.hold('cat', '*product_serial*');
  const run = s.bench.start(s.bench.unattended);
  await until('the serial is asked', () => held.calls() > 0, run);
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at identity by a signal. Everything is kept.
    steps   1 not begun
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  await until('nothing is left running', async () => !(await held.waits()));
  held.letGo();
  await resumed();
});

test('use.check, the connection cut: of what was watched until then nothing is claimed, and it is watched once more', async () => {
  const held = s.hold('awk', '*decom?watch?end*');
  const run = await begin([identity, unused]);
  await until('the host is watched', () => held.calls() > 0, run);
  s.bench.ssh.cut();
  expect(told(await ends(run.ended, 10))).toMatchInlineSnapshot(`
    "exit 10
    ✗ failed at unused. Nothing later has run.
    error the connection to practice was lost after 0.0 s of 1.0 s; what was not seen to its end proves nothing [watch-lost]
      the SSH connection to practice was lost
      See that it stays reachable, and have it watched once more: decom resume
    steps   1 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  held.letGo();
  await resumed();
  expect(s.bench.events().filter(({ type }) => type === 'step.verified')).toHaveLength(2);
});

test('use.check, Ctrl-C in the middle of an hour: it ends at once, and nothing goes on watching', async () => {
  const run = await begin([identity, step('unused', 'use.check', '{ watch: 1h }')]);
  const watches = async (): Promise<boolean> => (await s.running()).some((line) => line.includes('decom watch end'));
  await until('the host is watched', watches, run);
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at unused by a signal. Everything is kept.
    steps   1 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  await until('nobody watches any more', async () => !(await watches()));
});

test('service.stop, the connection cut: what became of it is not known, and is looked at', async () => {
  const held = s.hold('systemctl', '*stop*app.service*');
  const run = await begin([identity, stop]);
  await until('the unit is being stopped', () => held.calls() > 0, run);
  s.bench.ssh.cut();
  expect(told(await ends(run.ended, 10))).toMatchInlineSnapshot(`
    "exit 10
    ✗ failed at stop. Nothing later has run.
    error the SSH connection to practice was lost [connection-lost]
      Check that the host is up, then go on: decom resume
    steps   1 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  expect(typesOf(s.bench.events(), 'stop')).toContain('operation.in-doubt');
  held.letGo();
  await until('the host has stopped it', () => s.machine.unit('app.service')?.active === 'inactive');
  await resumed();
  expect(held.calls()).toBe(1);
});

test('service.stop, Ctrl-C: the command is ended on the host, and done anew', async () => {
  const held = s.hold('systemctl', '*stop*app.service*');
  const run = await begin([identity, stop]);
  await until('the unit is being stopped', () => held.calls() > 0, run);
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at stop by a signal. Everything is kept.
    steps   1 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  await until('nothing is left running', async () => !(await held.waits()));
  expect(s.machine.unit('app.service')?.active).toBe('active');
  held.letGo();
  await resumed();
  expect(s.machine.unit('app.service')?.active).toBe('inactive');
});

test('service.start, the connection cut: what became of it is not known, and is looked at', async () => {
  await quiet();
  const held = s.hold('systemctl', '*start*app.service*');
  const run = await begin([identity, start]);
  await until('the unit is being started', () => held.calls() > 0, run);
  s.bench.ssh.cut();
  await ends(run.ended, 10);
  held.letGo();
  await until('the host has started it', () => s.machine.unit('app.service')?.active === 'active');
  await resumed();
  expect(held.calls()).toBe(1);
});

test('service.start, Ctrl-C: the command is ended on the host, and done anew', async () => {
  await quiet();
  const held = s.hold('systemctl', '*start*app.service*');
  const run = await begin([identity, start]);
  await until('the unit is being started', () => held.calls() > 0, run);
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at start by a signal. Everything is kept.
    steps   1 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  await until('nothing is left running', async () => !(await held.waits()));
  expect(s.machine.unit('app.service')?.active).toBe('inactive');
  held.letGo();
  await resumed();
  expect(s.machine.unit('app.service')?.active).toBe('active');
});

test('command.run, the connection cut: it goes on there, and its end is learnt over a new one', async () => {
  const run = await begin([identity, work()]);
  await until('it has begun', () => began() !== '', run);
  s.bench.ssh.cut();
  letWorkGo();
  expect(told(await ends(run.ended, 0))).toMatchInlineSnapshot(`
    "exit 0
    ✓ done: every step of the run on practice is done or was skipped on record
    steps   2 done
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom report <run>, and: decom audit verify <run>"
  `);
  expect(began()).toBe('began\n');
  expect(typesOf(s.bench.events(), 'work')).not.toContain('operation.in-doubt');
  const receipts = s.bench
    .events()
    .flatMap((e) => (e.type === 'operation.done' && e.step === 'work' ? [e.receipt] : []));
  expect(receipts).toMatchObject([{ exit: 0, lost: 'the SSH connection to practice was lost' }]);
});

test('command.run, killed with the program here: it goes on there, and resume learns its end', async () => {
  const run = await begin([identity, work()]);
  await until('it has begun', () => began() !== '', run);
  run.signal('SIGKILL');
  await run.ended;
  const ended = resume();
  await until('its end is waited for', async () => (await s.running()).some((line) => line.includes(' look decom-')));
  letWorkGo();
  await ends(ended, 0);
  await ends(s.bench.decom('audit', 'verify', 'practice'), intact());
  expect(began()).toBe('began\n');
  expect(typesOf(s.bench.events(), 'work')).toEqual([
    'step.started',
    'step.agreed',
    'host.counted',
    'step.planned',
    'operation.intended',
    'operation.done',
    'step.started',
    'step.verified',
  ]);
});

test('command.run, Ctrl-C: ended on the host, in doubt, and not begun a second time', async () => {
  const run = await begin([identity, work()]);
  await until('it has begun', () => began() !== '', run);
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at work by a signal. Everything is kept.
    steps   1 done, 1 begun
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  await until('nothing is left running', async () => !(await works()));
  expect(existsSync(join(s.folder, 'ended'))).toBe(false);
  expect(told(await ends(resume(), 5))).toMatchInlineSnapshot(`
    "exit 5
    ✗ in doubt at work. Nothing later has run.
    error step "work" was cut off: its operation was begun, and nobody saw it end [in-doubt]
      Look at the host, then: decom resume <run>
    steps   1 done, 1 begun
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  expect(began()).toBe('began\n');
});

test('over a line of 300 ms every kind of step on the host comes to the same end', async () => {
  s.bench.ssh.slow(150);
  letWorkGo();
  s.bench.runbook([identity, stop, work(), copy(), proof].join('\n'));
  await s.bench.plan();
  const ended = await ends(s.bench.start(s.bench.unattended).ended, 0);
  expect(ended.stdout).toContain('steps   5 done');
  expect(s.machine.unit('app.service')?.active).toBe('inactive');
  expect(began()).toBe('began\n');
});

test('backup.archive, the connection cut: nothing half is a copy, and it is made anew', async () => {
  await quiet();
  const held = s.hold('tar', '*-c*');
  const run = await begin([identity, copy()]);
  await until('tar runs', () => held.calls() > 0, run);
  s.bench.ssh.cutAfter(200_000);
  held.letGo();
  expect(told(await ends(run.ended, 10))).toMatchInlineSnapshot(`
    "exit 10
    ✗ failed at copy. Nothing later has run.
    error the SSH connection to practice was lost [connection-lost]
      Check that the host is up, then go on: decom resume
    steps   1 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  expect(
    readdirSync(s.bench.vault, { recursive: true, encoding: 'utf8' }).filter((name) => /copy\.json$/.test(name)),
  ).toEqual([]);
  await resumed();
  expect(
    readdirSync(s.bench.vault, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /copy\.json$|partial/.test(name),
    ),
  ).toHaveLength(1);
});

test('backup.archive, Ctrl-C: tar is ended on the host, and nothing half is a copy', async () => {
  await quiet();
  const held = s.hold('tar', '*-c*');
  const run = await begin([identity, copy()]);
  await until('tar runs', () => held.calls() > 0, run);
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at copy by a signal. Everything is kept.
    steps   1 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  await until('nothing is left running', async () => !(await held.waits()));
  expect(
    readdirSync(s.bench.vault, { recursive: true, encoding: 'utf8' }).filter((name) => /copy\.json$/.test(name)),
  ).toEqual([]);
  held.letGo();
  await resumed();
});

/** Copies and begins to unpack the copy; the tar here waits. */
async function unpacking() {
  s.bench.runbook([identity, stop, copy(), proof].join('\n'));
  await s.bench.plan();
  const held = s.holdHere('tar', '-x*');
  const run = s.bench.start(s.bench.unattended, { env: { PATH: held.PATH } });
  await until('tar runs', () => held.calls() > 0, run);
  return { run, held };
}

test('restore.verify, the connection cut: it works on the copy alone, and goes on', async () => {
  const { run, held } = await unpacking();
  s.bench.ssh.cut();
  held.letGo();
  await ends(run.ended, 0);
});

test('restore.verify, Ctrl-C: the scratch place is made anew, and nothing of it stays', async () => {
  const { run, held } = await unpacking();
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at proof by a signal. Everything is kept.
    steps   3 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  held.letGo();
  await resumed();
  expect(readdirSync(join(s.bench.state, 'scratch'))).toEqual([]);
});

test.each([0, 1500, 3000, 4500, 6000])(
  'power.off, the connection to the BMC cut after %i bytes: the machine is off in the end, switched once at most',
  async (bytes) => {
    straight();
    const run = await begin([identity, unused, stop, copy(), proof, step('off', 'power.off', '{ grace: 5m }')]);
    await until('it is begun', () => has(s, 'off', 'operation.intended'), run);
    if (bytes === 0) s.bench.bmc.cut();
    else s.bench.bmc.cutAfter(bytes);
    const ended = await run.ended;
    expect([0, 4, 10], `${ended.stdout}\n${ended.stderr}`).toContain(ended.code);
    // It may have ended before the cut.
    s.bench.bmc.cutAfter(Number.POSITIVE_INFINITY);
    if (ended.code !== 0) await ends(resume(), 0);
    expect(await s.machine.power.get()).toBe('off');
    await ends(s.bench.decom('audit', 'verify', 'practice'), intact());
  },
);

test('power.off, Ctrl-C while it waits for the end: it is off, and resuming only looks', async () => {
  // The wire goes on answering for the machine, so its end is waited for until the wire is gone too.
  const run = await begin([identity, unused, stop, copy(), proof, step('off', 'power.off', '{ grace: 1h }')]);
  await until('the BMC has been told', () => has(s, 'off', 'operation.done'), run);
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at off by a signal. Everything is kept.
    steps   5 done, 1 failed
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  await until('it is off', async () => (await s.machine.power.get()) === 'off');
  await s.bench.ssh.close();
  await resumed();
  const intended = s.bench.events().filter((event) => event.type === 'operation.intended' && event.step === 'off');
  expect(intended).toHaveLength(1);
});

/** Asks the BMC, which does not answer: nothing comes through. */
async function asking(): Promise<Called> {
  s.bench.runbook(step('status', 'power.status'));
  await s.bench.plan();
  s.bench.bmc.freeze(true);
  const run = s.bench.start(s.bench.unattended);
  await until('the BMC is asked', () => s.bench.bmc.open() > 0, run);
  return run;
}

test('power.status, the connection to the BMC cut: the step is blocked, and goes on', async () => {
  const run = await asking();
  s.bench.bmc.cut();
  expect(told(await ends(run.ended, 4))).toMatchInlineSnapshot(`
    "exit 4
    ✗ blocked at status. Nothing later has run.
    error the BMC of practice does not answer at 127.0.0.1:<bmc port> [bmc-no-answer]
      Check its address, port and cabling, that the management network is reachable from here, and that its protocol is enabled. No answer says nothing about the power.
    steps   1 blocked
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom why <run>, then: decom resume <run>"
  `);
  s.bench.bmc.freeze(false);
  await resumed();
});

test('power.status, Ctrl-C while the BMC does not answer: nothing is waited for', async () => {
  const run = await asking();
  expect(told(await interrupted(run))).toMatchInlineSnapshot(`
    "exit 130
    stopped at status by a signal. Everything is kept.
    steps   1 not begun
    record  <workspace>/state/runs/practice/<run>
    log     <n> lines, head <hash>
    Next: decom resume <run>"
  `);
  s.bench.bmc.freeze(false);
  await resumed();
});

test('inventory.retire, Ctrl-C: the host is retired once, and its entry stays whole', async () => {
  // What comes after it waits, so that the process is there whenever the signal comes.
  const run = await begin([identity, step('retire', 'inventory.retire'), work()]);
  await until('it is begun', () => has(s, 'retire', 'step.started'), run);
  await interrupted(run);
  await until('nothing is left running', async () => !(await works()));
  const before = began();
  letWorkGo();
  await ends(resume(), before === '' ? 0 : 5);
  expect(s.bench.read('hosts.yaml').match(/status: retired/g)).toHaveLength(1);
});

test('inventory.retire, the connections cut: it needs neither host nor BMC', async () => {
  const run = await begin([identity, step('retire', 'inventory.retire')]);
  await until('the identity is checked', () => has(s, 'identity', 'step.verified'), run);
  s.bench.ssh.cut();
  s.bench.bmc.cut();
  await ends(run.ended, 0);
  expect(s.bench.read('hosts.yaml').match(/status: retired/g)).toHaveLength(1);
});

test('wait, the connections cut, and Ctrl-C as it parks: the end that it waits for stays', async () => {
  s.bench.runbook([identity, step('quiet', 'wait', '{ for: 14d }')].join('\n'));
  await s.bench.plan();
  const run = s.bench.start(s.bench.unattended);
  await until('it is begun', () => has(s, 'quiet', 'step.started'), run);
  s.bench.ssh.cut();
  run.signal('SIGINT');
  const ended = await run.ended;
  // Either it had parked before, or it parks when it is resumed; null: it was on its way out, and nobody listened any more.
  expect([9, 130, null], `${ended.stdout}\n${ended.stderr}`).toContain(ended.code);
  await ends(resume(), 9);
  const started = s.bench.events().find((event) => event.type === 'step.started' && event.step === 'quiet');
  const parked = s.bench.events().filter((event) => event.type === 'run.parked');
  const end = new Date(Date.parse(started?.ts ?? '') + 14 * 86_400_000).toISOString();
  expect(parked.length).toBeGreaterThan(0);
  for (const { until: at } of parked) expect(at).toBe(end);
});
