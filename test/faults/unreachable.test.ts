import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { said as masked } from './bench.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Ended, endCalls } from './program.ts';

/*
 * A host or a BMC that cannot be reached, or is not the one that the inventory knows: nothing is begun on either.
 */
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
let machine: PracticeMachine;
let other: PracticeMachine;
/** Takes connections and never says a word. */
let silent: Server;
let silentPort: number;
const sockets = new Set<Socket>();
let b: PracticeBench;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-faults-')));
  machine = await startMachine(join(folder, 'one'));
  other = await startMachine(join(folder, 'other'));
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  silentPort = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  await other.close();
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
  b.runbook(`${identity}\n${marking}`);
});
afterEach(async () => {
  await endCalls();
  rmSync(mark, { force: true });
  await b.close();
});

const mark = join(tmpdir(), `decom-faults-unreachable-${process.pid}`);
const identity = `
- id: identity
  title: Check the identity
  uses: identity.check`.trim();
const marking = `
- id: mark
  title: Leave a mark
  uses: command.run
  with: { argv: [sh, -c, 'echo done >> ${mark}'], probe: { argv: [test, -s, ${mark}] } }`.trim();
const bmc = `
- id: bmc
  title: Ask the BMC
  uses: power.status`.trim();

/** The troubles alone: the lines from `error` to what to do. */
const troubles = (ended: Ended): string => {
  const text = masked(ended, b, {
    [machine.identity.serial]: '<serial>',
    [other.identity.serial]: '<other serial>',
    [machine.identity.uuid]: '<uuid>',
    [other.identity.uuid]: '<other uuid>',
    [machine.identity.machineId]: '<machine id>',
    [other.identity.machineId]: '<other machine id>',
    [machine.ssh.hostKey]: '<key>',
    [other.ssh.hostKey]: '<other key>',
    [machine.bmc.pin.slice(7)]: '<pin>',
    [other.bmc.pin.slice(7)]: '<other pin>',
    [`:${b.ssh.port}`]: ':<ssh port>',
    [`:${b.bmc.port}`]: ':<bmc port>',
    [b.ssh.port]: '<ssh port>',
    [b.bmc.port]: '<bmc port>',
    [folder]: '<folder>',
  }).replace(/SHA256:[A-Za-z0-9+/]{43}/g, '<fingerprint>');
  const lines = text.split('\n');
  const kept: string[] = [lines[0] ?? ''];
  for (const [i, line] of lines.entries()) {
    const indent = /^ */.exec(line)?.[0].length ?? 0;
    if (!/^(stdout: )?\s*error /.test(line)) continue;
    const block = [line.trim()];
    for (const next of lines.slice(i + 1)) {
      if ((/^ */.exec(next)?.[0].length ?? 0) <= indent) break;
      block.push(`  ${next.trim()}`);
    }
    if (!kept.includes(block.join('\n'))) kept.push(block.join('\n'));
  }
  return kept.join('\n');
};

const rehearse = ['run', 'practice', '--dry-run', '--non-interactive'];

const nothingDone = (): void => {
  expect(() => readFileSync(mark)).toThrow('ENOENT');
  expect(b.events().map(({ type }) => type)).not.toContain('operation.intended');
};

/** A rehearsal and a run of a plan that was made while all was well are told the same. */
async function refused(): Promise<string> {
  const ended = await b.decom(...b.unattended);
  nothingDone();
  return troubles(ended);
}

test('a host whose key nobody knows is not talked to', async () => {
  b.edit('hosts.yaml', /\n *host_keys: .*/, '');
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a host whose key has changed is not talked to', async () => {
  await b.plan();
  b.ssh.redirect(other.ssh.port);
  expect(await refused()).toMatchInlineSnapshot();
});

test('another machine with the right key is not taken for this one', async () => {
  b.edit('hosts.yaml', machine.ssh.hostKey, other.ssh.hostKey);
  b.edit('hosts.yaml', machine.ssh.identityFile, other.ssh.identityFile);
  b.ssh.redirect(other.ssh.port);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a host that does not accept the key is not run on', async () => {
  b.edit('hosts.yaml', machine.ssh.identityFile, other.ssh.identityFile);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a key file that is not there is named', async () => {
  b.edit('hosts.yaml', machine.ssh.identityFile, join(b.folder, 'no-such-key'));
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a host that refuses the connection is not taken for one that is off', async () => {
  await b.plan();
  await b.ssh.close();
  expect(await refused()).toMatchInlineSnapshot();
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a host that takes the connection and stays silent is given up on', async () => {
  await b.plan();
  b.ssh.redirect(silentPort);
  expect(await refused()).toMatchInlineSnapshot();
});

test('a name that cannot be resolved is told', async () => {
  b.edit('hosts.yaml', 'addresses: ["127.0.0.1"]', 'addresses: ["no-such-host.invalid"]');
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a BMC that refuses the password is told as that', async () => {
  b.write('secrets/bmc-password', 'wrong\n');
  b.runbook(`${identity}\n${bmc}\n${marking}`);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a password of the BMC that is not there is told', async () => {
  b.runbook(bmc);
  rmSync(join(b.folder, 'secrets', 'bmc-password'));
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  b.edit('hosts.yaml', /password: \{.*\}/, 'password: { env: BMC_PASSWORD }');
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  nothingDone();
});

test('a BMC that refuses the connection is not taken for one that is off', async () => {
  b.runbook(bmc);
  await b.plan();
  await b.bmc.close();
  expect(await refused()).toMatchInlineSnapshot();
});

test('a BMC that takes the connection and stays silent is given up on', async () => {
  b.runbook(bmc);
  await b.plan();
  b.bmc.redirect(silentPort);
  expect(await refused()).toMatchInlineSnapshot();
});

test('a BMC that shows another certificate is not given the password', async () => {
  b.runbook(bmc);
  await b.plan();
  b.bmc.redirect(other.bmc.port);
  expect(await refused()).toMatchInlineSnapshot();
});

test('the BMC of another machine is not taken for this one’s', async () => {
  b.edit('hosts.yaml', machine.bmc.pin, other.bmc.pin);
  b.write('secrets/bmc-password', `${other.bmc.password}\n`);
  b.bmc.redirect(other.bmc.port);
  b.runbook(`${identity}\n${bmc}\n- id: off\n  title: Switch it off\n  uses: power.off`);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot();
  expect(await other.power.get()).toBe('on');
  expect(await machine.power.get()).toBe('on');
  nothingDone();
});

test('a program that is missing on the host is named, and how to install it', async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const from of ['/bin', '/usr/bin']) {
    for (const name of readdirSync(from)) {
      if (['tar', 'bsdtar', 'systemctl'].includes(name)) continue;
      try {
        symlinkSync(join(from, name), join(bin, name));
      } catch {
        // The other folder has it already.
      }
    }
  }
  const path = process.env.PATH;
  process.env.PATH = bin;
  const bare = await startMachine(join(folder, 'bare'));
  process.env.PATH = path ?? '';
  const bench = await practiceBench(bare);
  try {
    rmSync(join(folder, 'bare', 'machine', 'stand-ins', 'systemctl'));
    bench.runbook(
      [
        identity,
        `- { id: stop, title: Stop, uses: service.stop, with: { unit: app.service } }`,
        `- id: copy\n  title: Copy\n  uses: backup.archive\n  with: { from: [${bare.folders[0]}], to: ${bench.vault} }`,
        `- id: run\n  title: Run\n  uses: command.run\n  with: { argv: [no-such-program], probe: { argv: [test, -e, /nowhere] } }`,
      ].join('\n'),
    );
    const ended = await bench.decom(...rehearse);
    expect(troubles(ended).replaceAll(bench.folder, '<workspace>')).toMatchInlineSnapshot();
    expect(readdirSync(bench.vault)).toEqual([]);
    bench.runbook(
      `- id: run\n  title: Run\n  uses: command.run\n  with: { argv: [no-such-program], probe: { argv: [test, -e, /nowhere] } }`,
    );
    await bench.plan();
    expect(
      troubles(await bench.decom(...bench.unattended)).replaceAll(bench.folder, '<workspace>'),
    ).toMatchInlineSnapshot();
  } finally {
    await bench.close();
    await bare.close();
  }
});
