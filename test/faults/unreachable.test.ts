import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { said as masked } from './bench.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Ended, endCalls } from './program.ts';

/*
 * A host or a BMC that cannot be reached, or is not the one that the inventory knows: nothing is begun on either.
 */
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

const shellMasked = (text: string): string => text.replace(/(?:\/bin\/)?sh: \d+: exec:/g, '<sh>: exec:');

/** The troubles alone: the lines from `error` to what to do. */
const troubles = (ended: Ended): string => {
  // Where in its script a shell says this is nobody's business.
  const text = masked({ ...ended, stdout: shellMasked(ended.stdout), stderr: shellMasked(ended.stderr) }, b, {
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
    [unresolvable]: '<name>',
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
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error the host key of practice (127.0.0.1, port <ssh port>) is not known: ssh-ed25519 <fingerprint> [host-key-unknown]
      <key>
      Compare it at the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then put the key into ssh.host_keys of practice in hosts.yaml, or accept it with: mkdir -p -m 700 ~/.ssh && echo '[127.0.0.1]:<ssh port> <key>' >> ~/.ssh/known_hosts
    error depends on what blocks "identity" [depends]
      Clear that, then rehearse again."
  `);
  nothingDone();
});

test('a host whose key has changed is not talked to', async () => {
  await b.plan();
  b.ssh.redirect(other.ssh.port);
  expect(await refused()).toMatchInlineSnapshot(`
    "exit 4
    error the host key of practice (127.0.0.1, port <ssh port>) is not the known one: it shows ssh-ed25519 <fingerprint>, known is ssh-ed25519 <fingerprint> (ssh.host_keys in the inventory) [host-key-changed]
      <other key>
      Do not go on before you know why: another machine may be answering. If the host was reinstalled, compare the fingerprint at its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then put "<other key>" into ssh.host_keys of practice in hosts.yaml instead."
  `);
});

test('another machine with the right key is not taken for this one', async () => {
  b.edit('hosts.yaml', machine.ssh.hostKey, other.ssh.hostKey);
  b.edit('hosts.yaml', machine.ssh.identityFile, other.ssh.identityFile);
  b.ssh.redirect(other.ssh.port);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error the machine that answers as practice is not the one in the inventory: serial contradicts (expected "<serial>", seen "<other serial>"); uuid contradicts (expected "<uuid>", seen "<other uuid>"); machine-id contradicts (expected "<machine id>", seen "<other machine id>") [identity-contradicts]
      serial contradicts (expected "<serial>", seen "<other serial>")
      uuid contradicts (expected "<uuid>", seen "<other uuid>")
      machine-id contradicts (expected "<machine id>", seen "<other machine id>")
      host key agrees
      bmc guid agrees
      bmc serial agrees
      Compare the label on the machine with the inventory entry of practice. Correct the address or the entry, then try again."
  `);
  nothingDone();
});

test('a host that does not accept the key is not run on', async () => {
  b.edit('hosts.yaml', machine.ssh.identityFile, other.ssh.identityFile);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error root@practice (127.0.0.1, port <ssh port>) refused the login; offered: <folder>/other/machine/practice_key [auth-refused]
      Check the user, and that the public key is in its ~/.ssh/authorized_keys: ssh-copy-id -p <ssh port> root@127.0.0.1
    error depends on what blocks "identity" [depends]
      Clear that, then rehearse again."
  `);
  nothingDone();
});

test('a key file that is not there is named', async () => {
  b.edit('hosts.yaml', machine.ssh.identityFile, join(b.folder, 'no-such-key'));
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error there is no key to log in as root@practice (127.0.0.1, port <ssh port>): no agent, and none of the key files could be used [no-key]
      <workspace>/no-such-key: is not there
      Name a key in ssh.identity_files of the host in hosts.yaml, or start an agent and add one with ssh-add.
    error depends on what blocks "identity" [depends]
      Clear that, then rehearse again."
  `);
  nothingDone();
});

test('a host that refuses the connection is not taken for one that is off', async () => {
  await b.plan();
  await b.ssh.close();
  expect(await refused()).toMatchInlineSnapshot(`
    "exit 4
    error practice (127.0.0.1, port <ssh port>) refuses connections: nothing listens there [refused]
      Check the port, and that sshd runs."
  `);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error practice (127.0.0.1, port <ssh port>) refuses connections: nothing listens there [refused]
      Check the port, and that sshd runs.
    error depends on what blocks "identity" [depends]
      Clear that, then rehearse again."
  `);
  nothingDone();
});

test('a host that takes the connection and stays silent is given up on', async () => {
  await b.plan();
  b.ssh.redirect(silentPort);
  expect(await refused()).toMatchInlineSnapshot(`
    "exit 4
    error practice (127.0.0.1, port <ssh port>) did not answer in time [timeout]
      Check that it is up and that no firewall drops the connection."
  `);
});

/** No DNS server is asked for a label of more than 63 characters. */
const unresolvable = `${'x'.repeat(64)}.invalid`;

test('a name that cannot be resolved is told', async () => {
  b.edit('hosts.yaml', 'addresses: ["127.0.0.1"]', `addresses: ["${unresolvable}"]`);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error the name "<name>" of practice cannot be resolved [name-unknown]
      Check the address in hosts.yaml, and DNS.
    error depends on what blocks "identity" [depends]
      Clear that, then rehearse again."
  `);
  nothingDone();
});

test('a BMC that refuses the password is told as that', async () => {
  b.write('secrets/bmc-password', 'not the password\n');
  b.runbook(`${identity}\n${bmc}\n${marking}`);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error the BMC of practice at 127.0.0.1:<bmc port> refuses the login of admin [bmc-refused]
      The login was denied: user name or password is wrong.
      Correct user and password of the host’s "bmc" in the hosts file. Do not try often: many BMCs lock a user out."
  `);
  nothingDone();
});

test('a password of the BMC that is not there is told', async () => {
  b.runbook(bmc);
  rmSync(join(b.folder, 'secrets', 'bmc-password'));
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error password of the BMC of practice cannot be had: there is no file <workspace>/secrets/bmc-password [no-secret]
      Create it with mode 600, or correct its name."
  `);
  b.edit('hosts.yaml', /password: \{.*\}/, 'password: { env: BMC_PASSWORD }');
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error password of the BMC of practice cannot be had: the environment variable BMC_PASSWORD is not set [no-secret]
      Set it in this shell: read -rs BMC_PASSWORD && export BMC_PASSWORD"
  `);
  nothingDone();
});

test('a BMC that refuses the connection is not taken for one that is off', async () => {
  b.runbook(bmc);
  await b.plan();
  await b.bmc.close();
  expect(await refused()).toMatchInlineSnapshot(`
    "exit 4
    error the BMC of practice does not answer at 127.0.0.1:<bmc port> [bmc-no-answer]
      ECONNREFUSED connect ECONNREFUSED 127.0.0.1:<bmc port>
      Check its address, port and cabling, that the management network is reachable from here, and that its protocol is enabled. No answer says nothing about the power."
  `);
});

test('a BMC that takes the connection and stays silent is given up on', async () => {
  b.runbook(bmc);
  await b.plan();
  b.bmc.redirect(silentPort);
  expect(await refused()).toMatchInlineSnapshot(`
    "exit 4
    error the BMC of practice does not answer at 127.0.0.1:<bmc port> [bmc-no-answer]
      UND_ERR_CONNECT_TIMEOUT Connect Timeout Error (attempted address: 127.0.0.1:<bmc port>, timeout: 8000ms)
      Check its address, port and cabling, that the management network is reachable from here, and that its protocol is enabled. No answer says nothing about the power."
  `);
});

test('a BMC that shows another certificate is not given the password', async () => {
  b.runbook(bmc);
  await b.plan();
  b.bmc.redirect(other.bmc.port);
  expect(await refused()).toMatchInlineSnapshot(`
    "exit 4
    error the BMC of practice at 127.0.0.1:<bmc port> shows the certificate sha256:<other pin>, and sha256:<pin> is pinned [bmc-certificate]
      If its certificate was renewed, compare the new fingerprint with what the BMC itself shows, then correct tls_pin in the hosts file. If not, something else answers in its place."
  `);
});

test('the BMC of another machine is not taken for this one’s', async () => {
  b.edit('hosts.yaml', machine.bmc.pin, other.bmc.pin);
  b.write('secrets/bmc-password', `${other.bmc.password}\n`);
  b.bmc.redirect(other.bmc.port);
  b.runbook(`${identity}\n${bmc}\n- id: off\n  title: Switch it off\n  uses: power.off`);
  expect(troubles(await b.decom(...rehearse))).toMatchInlineSnapshot(`
    "exit 4
    error the BMC in the inventory entry of practice belongs to another machine: bmc guid contradicts (expected "<uuid>", seen "<other uuid>"); bmc serial contradicts (expected "<serial>", seen "<other serial>") [bmc-other-machine]
      serial agrees
      uuid agrees
      machine-id agrees
      host key agrees
      bmc guid contradicts (expected "<uuid>", seen "<other uuid>")
      bmc serial contradicts (expected "<serial>", seen "<other serial>")
      Correct bmc.address in the inventory entry of practice, or what is wrong there of its serial and GUID, then run the same command again.
    error depends on what blocks "identity" [depends]
      Clear that, then rehearse again."
  `);
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
    expect(troubles(ended).replaceAll(bench.folder, '<workspace>')).toMatchInlineSnapshot(`
      "exit 4
      error the services of practice cannot be told: systemd does not answer there [no-systemd]
        <sh>: exec: systemctl: not found
        Use command.run with the commands of its own init system, and a probe that proves them.
      error a program that the copy needs is not on the host: tar [tool-missing]
        Install it there, or use another kind of backup."
    `);
    expect(readdirSync(bench.vault)).toEqual([]);
    bench.runbook(
      `- id: run\n  title: Run\n  uses: command.run\n  with: { argv: [no-such-program], probe: { argv: [test, -e, /nowhere] } }`,
    );
    await bench.plan();
    expect(
      troubles(await bench.decom(...bench.unattended)).replaceAll(bench.folder, '<workspace>'),
    ).toMatchInlineSnapshot(`
      "exit 10
      error there is no program no-such-program on practice [tool-missing]
        <sh>: exec: no-such-program: not found
        Install it there (Debian: apt-get install no-such-program), or change the step."
    `);
  } finally {
    await bench.close();
    await bare.close();
  }
});
