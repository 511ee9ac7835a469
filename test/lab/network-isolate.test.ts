import { describe, expect, test } from 'vitest';
import { type Apart, addresses, apart, type Way } from './apart.ts';
import { poll } from './poll.ts';

/*
 * A host that is cut off the network for real: its firewall, its users' connections and the way of decom, each in a network namespace.
 */
let net: Apart;

const steps = (more = '') => `
- { id: identity, title: identity, uses: identity.check }
- { id: cut, title: cut, uses: network.isolate, with: { reopen_after: 30s${more} } }`;
const run = ['run', '--plan', 'plan.json', '--non-interactive'] as const;
const isCut = (where: Apart): true | undefined =>
  where.onHost('nft', 'list', 'ruleset').includes('decom-isolate') ? true : undefined;
const cutOff = (): boolean => !net.answers() && !net.answers(addresses.host6);

describe.each<[Way]>([['nft'], ['iptables'], ['iptables-legacy']])('by %s', (way) => {
  test('users lose what they hold and get nothing new, decom stays; a rollback takes our rules away and no others', async () => {
    net = await apart(way);
    const others =
      way === 'nft' ? ['nft', 'list', 'ruleset'] : [way === 'iptables' ? 'iptables-save' : 'iptables-legacy-save'];
    if (way === 'nft')
      net.onHost(
        'nft',
        'add table inet theirs; add chain inet theirs in { type filter hook input priority 0; }; add rule inet theirs in tcp dport 9 drop',
      );
    else net.onHost('iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '9', '-j', 'DROP');
    const rules = (): string => net.onHost(...others).replace(/\[\d+:\d+\]|^#.*$/gm, '');
    const before = rules();
    const held = await net.hold();
    expect(await held.echoes(5000)).toBe(true);
    expect([net.answers(), net.answers(addresses.host6)]).toEqual([true, true]);

    await net.plan(`${steps()}\n- { id: hold, title: hold, uses: wait, with: { for: 14d, why: somebody may scream } }`);
    const parked = await net.decom(...run);
    expect(parked.code, `${parked.stdout}${parked.stderr}`).toBe(9);
    expect(cutOff()).toBe(true);
    expect(await held.echoes(2000)).toBe(false);
    expect(rules()).toContain('decom-isolate');

    const back = await net.decom('rollback', 'web01', '--yes', '--non-interactive', '--reason', 'still needed');
    expect(back.code, `${back.stdout}${back.stderr}`).toBe(0);
    expect([net.answers(), net.answers(addresses.host6)]).toEqual([true, true]);
    expect(rules()).toBe(before);
    held.end();
  });
});

test('decom is killed in the moment after the cut: the host opens itself again, and resume cuts it off once more', async () => {
  net = await apart('nft');
  await net.plan(steps());
  const letGo = net.holdConfirm();
  const calling = net.start(...run);
  await poll('the host to be cut off', () => isCut(net), 50);
  expect(cutOff()).toBe(true);
  calling.kill();
  await calling.ended;
  await poll('the host to be open again', () => (net.answers() ? true : undefined));
  expect(net.onHost('nft', 'list', 'ruleset')).toBe('');
  letGo();
  const resumed = await net.decom('resume', 'web01', '--non-interactive');
  expect(resumed.code, `${resumed.stdout}${resumed.stderr}`).toBe(0);
  expect(cutOff()).toBe(true);
});

test('decom would come back from an address that is not kept: the step fails, and the host opens itself again', async () => {
  net = await apart('nft');
  await net.plan(steps());
  net.moveAtTheCut();
  const ended = await net.decom(...run);
  expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(10);
  expect(ended.stdout).toMatch(/\[(reopened|cannot-come-back)\]/);
  await poll('the host to be open again', () => (net.answers() ? true : undefined));
});
