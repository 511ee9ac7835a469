import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Ended } from '../faults/program.ts';
import { makeAccount } from './account.ts';
import { type Apart, addresses, apart } from './apart.ts';
import { poll } from './poll.ts';

/*
 * A host that is really used: its users hold real connections to a real listener, and log in, each in a network namespace of their own.
 */
let net: Apart;

const run = ['run', '--plan', 'plan.json', '--non-interactive'] as const;
const resume = ['resume', 'web01', '--non-interactive'] as const;
/** Terminals of this computer are those of the host too; root is logged in wherever the tests are begun. */
const steps = (more = '', watch = '3s', allow = '{ user: root, why: whoever runs the tests }'): string => `
- { id: identity, title: identity, uses: identity.check }
- { id: unused, title: unused, uses: use.check, with: { watch: ${watch}, allow: [${allow}]${more} } }
- { id: after, title: after, uses: command.run, with: { argv: [touch, ${join(net.folder, 'after')}], probe: { argv: [test, -e, ${join(net.folder, 'after')}] } } }`;
const wentOn = (): boolean => existsSync(join(net.folder, 'after'));
const exits = async (ended: Promise<Ended>, code: number): Promise<string> => {
  const { code: was, stdout, stderr } = await ended;
  expect(was, `${stdout}${stderr}`).toBe(code);
  return stdout + stderr;
};
const isGone = (address: string): true | undefined =>
  net.onHost('ss', '-tan').includes(`${address}]:`) || net.onHost('ss', '-tan').includes(`${address}:`)
    ? undefined
    : true;
const gone = (address: string): Promise<true> =>
  poll(`no connection to be left of ${address}`, () => isGone(address), 50);

test('a live connection holds the run up before anything is done, named by peer, port and process, and it goes on once that is gone', async () => {
  net = await apart('nft');
  await net.plan(steps());
  const held = await net.hold();
  const said = await exits(net.decom(...run), 4);
  expect(said).toMatch(/web01 is in use: connections \(1\) \[in-use\]/);
  expect(said).toMatch(
    new RegExp(`connections: ${addresses.user} came to tcp port 7 \\(node\\): 1 connection, in (\\d+) of \\1 looks`),
  );
  expect(said).not.toContain(addresses.control);
  expect(wentOn()).toBe(false);
  expect(await exits(net.decom('why', 'web01'), 0)).toContain('decom waive web01 unused/connections --reason TEXT');
  held.end();
  await gone(addresses.user);
  await exits(net.decom(...resume), 0);
  expect(wentOn()).toBe(true);
});

test('a connection that comes and goes within the watch is found, and is told while it goes on', async () => {
  net = await apart('nft');
  await net.plan(steps('', '15s'));
  const begin = net.holdLooks();
  const watching = net.start(...run);
  await poll('the watch to be under way', () => (watching.said().includes('watching for') ? true : undefined), 50);
  const held = await net.hold(addresses.host6);
  begin();
  await poll('it to be told', () => (watching.said().includes(', 1 peer found until now') ? true : undefined), 50);
  const end = net.holdLooks();
  held.end();
  await gone(addresses.user6);
  end();
  const said = await exits(watching.ended, 4);
  const [, met, looks] =
    new RegExp(
      `connections: ${addresses.user6} came to tcp port 7 \\(node\\): 1 connection, in (\\d+) of (\\d+) looks`,
    ).exec(said) ?? [];
  expect(Number(met), said).toBeGreaterThan(0);
  expect(Number(met)).toBeLessThan(Number(looks));
});

test('somebody who is logged in holds it up, by name and by where from, until they log out', async () => {
  net = await apart('nft');
  const account = makeAccount(`decom-u${process.pid}`);
  onTestFinished(() => account.remove());
  await net.plan(steps());
  const ssh = net.asUser(
    ...['ssh', '-tt', '-F', 'none', '-i', net.sshd.userKey, '-o', 'StrictHostKeyChecking=no'],
    ...[
      '-o',
      `UserKnownHostsFile=${join(net.folder, 'known')}`,
      `${account.name}@${addresses.hostToUsers}`,
      'echo in; cat',
    ],
  );
  await once(ssh.stdout ?? ssh, 'data');
  const said = await exits(net.decom(...run), 4);
  expect(said).toContain('web01 is in use: connections (1), sessions (1)');
  expect(said).toMatch(new RegExp(`connections: ${addresses.user} came to tcp port 22 \\(sshd\\)`));
  expect(said).toMatch(new RegExp(`sessions: ${account.name} is logged in \\(pts/\\d+`));
  ssh.stdin?.end();
  ssh.kill('SIGKILL');
  await gone(addresses.user);
  await exits(net.decom(...resume), 0);
});

test('somebody answers for it by name: what was there passes and stays on record, who comes later does not pass', async () => {
  net = await apart('nft');
  await net.plan(steps());
  const first = await net.hold();
  await exits(net.decom(...run), 4);
  expect(await exits(net.decom('waive', 'web01', 'unused/sessions', '--reason', 'nobody'), 2)).toContain(
    '[nothing-found]',
  );
  await exits(net.decom('waive', 'web01', 'unused/connections', '--reason', 'a scanner of ours'), 0);
  const second = await net.hold(addresses.host6);
  const said = await exits(net.decom(...resume), 4);
  expect(said).toContain(`connections: ${addresses.user6} came to tcp port 7`);
  expect(said).not.toContain(`connections: ${addresses.user} came`);
  second.end();
  await gone(addresses.user6);
  const passed = await exits(net.decom(...resume), 0);
  expect(passed).toMatch(/connections waived by \S+: a scanner of ours/);
  expect(passed).toContain(`connections: ${addresses.user} came to tcp port 7 (node)`);
  expect(await first.echoes(5000)).toBe(true);
  expect(wentOn()).toBe(true);
  await exits(net.decom('report', 'web01', '-o', 'report.md'), 0);
  const report = readFileSync(join(net.folder, 'report.md'), 'utf8');
  for (const words of [
    'a scanner of ours',
    `${addresses.user} came to tcp port 7`,
    `${addresses.user6} came to tcp port 7`,
  ])
    expect(report).toContain(words);
});

test('nobody can answer for a kind that the runbook protects', async () => {
  net = await apart('nft');
  await net.plan(steps(', protect: [connections]'));
  const held = await net.hold();
  expect(await exits(net.decom(...run), 4)).toContain('Nobody can answer for connections: the runbook protects it.');
  expect(await exits(net.decom('waive', 'web01', 'unused/connections', '--reason', 'no matter'), 2)).toContain(
    'nobody can answer for the gate "connections" of step "unused" [cannot-waive]',
  );
  await exits(net.decom(...resume), 4);
  expect(wentOn()).toBe(false);
  held.end();
});

test('what the host has from others holds it up too, and monitoring that is allowed does not', async () => {
  net = await apart('nft');
  await net.plan(
    steps('', '3s', `{ user: root, why: tests }, { peer: ${addresses.user}, port: 7, process: node, why: monitoring }`),
  );
  const monitoring = await net.hold();
  const server = net.asUser(
    ...[process.execPath, '-e', "require('node:net').createServer(() => {}).listen(5432, () => console.log('up'))"],
  );
  await once(server.stdout ?? server, 'data');
  const worker = `require('node:net').connect(5432, '${addresses.user}', () => console.log('in')).on('error', () => process.exit())`;
  const away = net.stayingOnHost(process.execPath, '-e', worker);
  await once(away.stdout ?? away, 'data');
  const said = await exits(net.decom(...run), 4);
  expect(said).toContain('web01 is in use: connections (1)');
  expect(said).toContain(`connections: to ${addresses.user}, tcp port 5432 (node)`);
  // By its peer: whoever ends a connection remembers it for a minute.
  server.kill('SIGKILL');
  await once(away, 'exit');
  await poll('it to be gone', () => (net.onHost('ss', '-tan').includes(':5432') ? undefined : true), 50);
  expect(await exits(net.decom(...resume), 0)).toMatch(/unused ✓ verified: .*\(.*1 allowed|2 allowed/);
  monitoring.end();
});
