import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../faults/hold.ts';
import { openStage, type Stage, typesOf, until } from '../faults/interruption.ts';
import type { Called, Ended } from '../faults/program.ts';
import { login, run as runThere } from '../practice/login.ts';
import { type Sshd, signal, startSshd } from './sshd.ts';

/*
 * The way to the host, broken in the middle of every action that needs it, for each way there is: what was begun is looked at again or asked
 * for, and "resume" brings the run to the same end without doing anything twice.
 */
let s: Stage;
let bastion: Sshd | undefined;

beforeEach(async () => {
  s = await openStage();
});
afterEach(async () => {
  await bastion?.stop();
  bastion = undefined;
  await s.close();
});

const byTheProgram = (): void => s.bench.edit('hosts.yaml', 'config: none', 'config: none\n      transport: openssh');
const byABastion = async (): Promise<Sshd> => {
  bastion = await startSshd();
  s.bench.edit(
    'hosts.yaml',
    /$/,
    `  gate:
    addresses: ["${bastion.address}"]
    serial: "GATE-1"
    ssh: { user: root, port: ${bastion.port}, identity_files: [${bastion.userKey}], host_keys: ["${bastion.hostKeys[0]}"], config: none }
`,
  );
  s.bench.edit('hosts.yaml', 'config: none\n', 'config: none\n      jump: [gate]\n');
  return bastion;
};
const endSessions = (of: Sshd): void => {
  for (const pid of of.sessions()) signal(pid, 'SIGKILL');
};

/** Sets the way up; gives what breaks every connection on it. New ones can be made. */
const ways: readonly (readonly [string, () => Promise<() => void>])[] = [
  [
    'the ssh program, cut',
    async () => {
      byTheProgram();
      return () => s.bench.ssh.cut();
    },
  ],
  [
    'a bastion that ends its connections',
    async () => {
      const gate = await byABastion();
      return () => endSessions(gate);
    },
  ],
  [
    'the ssh program and a bastion that ends its connections',
    async () => {
      const gate = await byABastion();
      byTheProgram();
      return () => endSessions(gate);
    },
  ],
];

const step = (id: string, uses: string, input?: string): string =>
  `- id: ${id}\n  title: ${id}\n  uses: ${uses}${input === undefined ? '' : `\n  with: ${input}`}`;
const identity = step('identity', 'identity.check');
const stop = step('stop', 'service.stop', '{ unit: app.service }');
const start = step('start', 'service.start', '{ unit: app.service }');
const copyBy = (method: string): string =>
  step('copy', `backup.${method}`, `{ from: [${s.machine.folders[0]}], to: ${s.bench.vault} }`);
const copies = (): readonly string[] =>
  readdirSync(s.bench.vault, { recursive: true, encoding: 'utf8' }).filter((name) => /copy\.json$|partial/.test(name));
const begin = async (steps: readonly string[]): Promise<Called> => {
  s.bench.runbook(steps.join('\n'));
  await s.bench.plan();
  return s.bench.start(s.bench.unattended);
};
const ends = async (ended: Promise<Ended>, code: number): Promise<Ended> => {
  const value = await ended;
  expect(value.code, `${value.stdout}\n${value.stderr}`).toBe(code);
  return value;
};
const resume = (): Promise<Ended> => s.bench.decom('resume', 'practice', '--non-interactive');
const resumed = async (): Promise<void> => {
  await ends(resume(), 0);
  await ends(s.bench.decom('audit', 'verify', 'practice'), 12);
};

describe.each(ways)('by %s', (_by, open) => {
  test('identity.check is blocked, and goes on', async () => {
    const breakIt = await open();
    s.bench.runbook(identity);
    await s.bench.plan();
    const held = s.hold('cat', '*product_serial*');
    const run = s.bench.start(s.bench.unattended);
    await until('the serial is asked', () => held.calls() > 0, run);
    breakIt();
    expect((await ends(run.ended, 4)).stdout).toContain('[connection-lost]');
    held.letGo();
    await resumed();
  });

  test('what became of service.stop is not known, and is looked at', async () => {
    const breakIt = await open();
    const held = s.hold('systemctl', '*stop*app.service*');
    const run = await begin([identity, stop]);
    await until('the unit is being stopped', () => held.calls() > 0, run);
    breakIt();
    expect((await ends(run.ended, 10)).stdout).toContain('[connection-lost]');
    expect(typesOf(s.bench.events(), 'stop')).toContain('operation.in-doubt');
    held.letGo();
    await until('the host has stopped it', () => s.machine.unit('app.service')?.active === 'inactive');
    await resumed();
    expect(held.calls()).toBe(1);
  });

  test('so it is with service.start', async () => {
    const breakIt = await open();
    const client = await login(s.machine);
    for (const unit of ['app-watch.timer', 'app.service']) await runThere(client, `systemctl stop ${unit}`);
    client.end();
    const held = s.hold('systemctl', '*start*app.service*');
    const run = await begin([identity, start]);
    await until('the unit is being started', () => held.calls() > 0, run);
    breakIt();
    await ends(run.ended, 10);
    expect(typesOf(s.bench.events(), 'start')).toContain('operation.in-doubt');
    held.letGo();
    await until('the host has started it', () => s.machine.unit('app.service')?.active === 'active');
    await resumed();
    expect(held.calls()).toBe(1);
  });

  test('command.run goes on there, and its end is learnt over a new connection', async () => {
    const breakIt = await open();
    const began = join(s.folder, 'began');
    const go = join(s.folder, 'go');
    const work = step(
      'work',
      'command.run',
      `{ shell: "echo began >> ${began}; ${waitFor(go)}; echo end > ${s.folder}/ended", probe: { argv: [test, -s, ${s.folder}/ended] } }`,
    );
    const run = await begin([identity, work]);
    await until('it has begun', () => existsSync(began), run);
    breakIt();
    writeFileSync(go, '');
    await ends(run.ended, 0);
    expect(readFileSync(began, 'utf8')).toBe('began\n');
    expect(typesOf(s.bench.events(), 'work')).not.toContain('operation.in-doubt');
  });

  test.each([
    ['archive', 'tar', '*-c*'],
    ['rsync', 'rsync', '*--server*'],
  ])('nothing half of backup.%s is a copy, and it is made', async (method, program, pattern) => {
    const breakIt = await open();
    const held = s.hold(program, pattern);
    const run = await begin([identity, stop, copyBy(method)]);
    await until(`${program} runs`, () => held.calls() > 0, run);
    breakIt();
    await ends(run.ended, 10);
    expect(copies().filter((name) => /copy\.json$/.test(name))).toEqual([]);
    held.letGo();
    await resumed();
    expect(copies()).toHaveLength(1);
  });
});

test('a bastion that is gone for good is named, and the run waits for it', async () => {
  const gate = await byABastion();
  const held = s.hold('systemctl', '*stop*app.service*');
  const run = await begin([identity, stop]);
  await until('the unit is being stopped', () => held.calls() > 0, run);
  await gate.stop();
  expect((await ends(run.ended, 10)).stdout).toContain('practice is reached by way of gate');
  held.letGo();
  const again = await ends(resume(), 4);
  expect(again.stdout).toContain('practice is reached by way of gate, and that does not work: gate (127.0.0.1');
  bastion = await startSshd({ port: gate.port });
  s.bench.edit('hosts.yaml', gate.hostKeys[0] ?? '', bastion.hostKeys[0] ?? '');
  s.bench.edit('hosts.yaml', gate.userKey, bastion.userKey);
  await until('the host has stopped it', () => s.machine.unit('app.service')?.active === 'inactive');
  await resumed();
  expect(held.calls()).toBe(1);
});
