import { randomBytes } from 'node:crypto';
import type { OperationHandlers, ProbeHandlers } from '../../core/action.ts';
import type { Outcome, Receipt } from '../../core/operation.ts';
import type { Clock, Machine } from '../../core/ports.ts';
import type { NetworkLack, NetworkSeen } from '../../core/probe.ts';
import { fail, ok, type Result, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { askNetwork, type NetworkSaid } from './network-answer.ts';
import { byHandScript, confirmScript, cutScript, guardScript, lookScript, reopenScript } from './network-script.ts';

export interface NetworkDeps {
  readonly machine: Machine;
  /** The same machine over connections of its own: the first thing asked of it opens a new one. Closed after use. */
  readonly anew: () => Promise<Machine>;
  readonly clock: Clock;
  /** Milliseconds to go on trying to come back after a cut, and never longer than the guard waits. Default 60 seconds. */
  readonly patience?: number;
}

const usualPatience = 60_000;
const betweenTries = 2000;

/** `network`: whether the host is cut off, and by which way it could be. Needs root, as rules are told to nobody else. */
export const networkProbe =
  (machine: Machine): ProbeHandlers['network'] =>
  async () => {
    const from = await comesFrom(machine);
    if (!from.ok) return unseen(from.error);
    const said = await askNetwork(machine, [lookScript], nonceFor());
    if (!said.ok) return unseen(said.error.trouble);
    return seen(networkSeen(said.value, from.value));
  };

type NetworkOperation = 'network.cut' | 'network.confirm' | 'network.reopen';

/**
 * `network.cut`: receipt `{since, from}`. `network.confirm`: `{since, by}`, where `by` is the new connection. `network.reopen`: `{}`. Each may be
 * done twice.
 */
export const networkHandlers = (deps: NetworkDeps): Pick<OperationHandlers, NetworkOperation> => ({
  'network.cut': async ({ run, keep, reopen_after }, { signal }) => {
    const { machine } = deps;
    const from = await comesFrom(machine);
    if (!from.ok) return { outcome: 'failed', trouble: from.error };
    if (from.value === null) return { outcome: 'failed', trouble: noPath(machine.name) };
    const seconds = String(Math.ceil(reopen_after / 1000));
    const words = [cutScript, guardScript, byHandScript, run, seconds, from.value, ...keep];
    const said = await askNetwork(machine, words, nonceFor(), signal);
    if (said.ok) return cutOutcome(machine.name, run, said.value, from.value);
    if (!said.error.begun) return { outcome: 'failed', trouble: said.error.trouble };
    // The connection may have gone with the cut, or by itself: a new one tells.
    const found = await comeBack(deps, reopen_after, signal, (again) => askNetwork(again, [lookScript], nonceFor()));
    if (found.ok) return cutOutcome(machine.name, run, found.value, from.value, said.error.trouble.what);
    return { outcome: 'unknown', trouble: cannotComeBack(machine.name, reopen_after, found.error) };
  },

  'network.confirm': async ({ run }, { signal }) => {
    const { name } = deps.machine;
    let by = '';
    const said = await comeBack(deps, usualPatience, signal, async (again) => {
      const path = await comesFrom(again);
      if (!path.ok) return fail({ trouble: path.error, begun: false });
      by = path.value ?? '';
      return askNetwork(again, [confirmScript, run, by], nonceFor());
    });
    if (!said.ok) return { outcome: 'failed', trouble: cannotComeBack(name, null, said.error) };
    const { state, ended, since } = said.value;
    if (said.value.refused === 'same-connection') return { outcome: 'failed', trouble: sameConnection(name) };
    if (state === 'isolated') return done({ since: since ?? '', by });
    return { outcome: 'failed', trouble: notCut(name, state, ended) };
  },

  'network.reopen': async (_operation, { signal }) => {
    const { name } = deps.machine;
    const said = await askNetwork(deps.machine, [reopenScript], nonceFor(), signal);
    if (!said.ok) return { outcome: said.error.begun ? 'unknown' : 'failed', trouble: said.error.trouble };
    return said.value.state === 'open' ? done({}) : { outcome: 'failed', trouble: stillCut(name) };
  },
});

const done = (receipt: Receipt): Outcome => ({ outcome: 'done', receipt });
const nonceFor = (): string => `decom-${randomBytes(8).toString('hex')}`;

/** Tries on new connections until something is said, for as long as there is patience. */
async function comeBack(
  { anew, clock, patience = usualPatience }: NetworkDeps,
  within: number,
  signal: AbortSignal,
  ask: (again: Machine) => ReturnType<typeof askNetwork>,
): Promise<Result<NetworkSaid>> {
  const until = clock.monotonic() + Math.min(patience, within);
  for (;;) {
    const again = await anew();
    const said = await ask(again);
    await again.close();
    if (said.ok) return said;
    if (signal.aborted || clock.monotonic() + betweenTries > until) return fail(said.error.trouble);
    await clock.sleep(betweenTries, signal);
  }
}

/** `SSH_CONNECTION` as the host has it: the address and port it comes from, and those it came to. Null where it says nothing. */
async function comesFrom(machine: Machine): Promise<Result<string | null>> {
  const nonce = nonceFor();
  const argv = ['sh', '-c', 'echo "$1 $SSH_CONNECTION"', 'sh', nonce];
  const ran = await machine.exec({ argv, root: false });
  if (!ran.ok) return ran;
  const { ended, stdout } = ran.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  const line = Buffer.from(stdout)
    .toString()
    .split('\n')
    .find((one) => one.startsWith(`${nonce} `));
  const [from = '', fromPort = '', to = '', toPort = ''] =
    line
      ?.slice(nonce.length + 1)
      .trim()
      .split(' ') ?? [];
  const path = [plainAddress(from), fromPort, plainAddress(to), toPort].join(' ');
  return ok(/^[0-9a-fA-F.:]+ \d{1,5} [0-9a-fA-F.:]+ \d{1,5}$/.test(path) ? path : null);
}

/** Without its zone, and an IPv4 address as one. */
const plainAddress = (address: string): string => address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');

function networkSeen(said: NetworkSaid, from: string | null): NetworkSeen {
  const { refused: _refused, failed: _failed, ...told } = said;
  return { ...told, from: from === null ? null : (from.split(' ')[0] ?? null) };
}

function cutOutcome(name: string, run: string, said: NetworkSaid, from: string, lost?: string): Outcome {
  if (said.refused !== null) return { outcome: 'failed', trouble: refusedCut(name, said.refused) };
  if (said.failed !== null) return { outcome: 'failed', trouble: firewallFailed(name, said.failed) };
  if (said.run !== run || (said.state !== 'pending' && said.state !== 'isolated'))
    return { outcome: 'failed', trouble: notCut(name, said.state, said.ended) };
  const receipt = { since: said.since ?? '', from: from.split(' ')[0] ?? '' };
  return done(lost === undefined ? receipt : { ...receipt, lost });
}

const noPath = (name: string): Trouble =>
  trouble(
    'no-way-in',
    `${name} does not say where the SSH connection of decom comes from, so it could not be kept open`,
    'Its SSH server has to set SSH_CONNECTION, as OpenSSH does. Nothing was cut.',
  );

const refusedCut = (name: string, why: string): Trouble =>
  why in lackWords
    ? trouble(why, `${name} cannot be cut off: ${lackWords[why as NetworkLack]}`, 'Nothing was cut.')
    : trouble(
        'not-cut',
        `${name} was not cut off: nothing could be kept of it there (${why})`,
        'Make room in /run, then resume.',
      );

const lackWords: { readonly [lack in NetworkLack]: string } = {
  'no-firewall': 'neither nft nor iptables works there',
  'no-ip6tables': 'it speaks IPv6, and ip6tables does not work there',
  'no-bridge': 'it has bridges, and its firewall cannot cut what goes through them',
  'no-boot-id': 'it has no boot id, so that a restart could not be told',
  'network-root': 'its own system lies on the network',
};

const firewallFailed = (name: string, said: string): Trouble =>
  trouble(
    'firewall-failed',
    `the firewall of ${name} did not take the rules; none of them is left`,
    'See what it says; then resume.',
    said,
  );

const cannotComeBack = (name: string, after: number | null, why: Trouble): Trouble =>
  trouble(
    'cannot-come-back',
    `no new connection to ${name} was let in after it was cut off: ${why.what}`,
    `It opens again by itself${after === null ? '' : ` ${Math.ceil(after / 1000)} s after it was cut`}. Add to "keep" the network that decom comes from, or what its login needs (name service, directory, VPN); then resume.`,
    why.detail,
  );

const sameConnection = (name: string): Trouble =>
  trouble(
    'same-connection',
    `what should have been a new connection to ${name} is the one that cut it off`,
    'Something on the way shares connections (ControlMaster, a proxy): reach it without that. It opens again by itself.',
  );

const notCut = (name: string, state: NetworkSeen['state'], ended: NetworkSeen['ended']): Trouble => {
  if (state === 'open' && ended === 'guard')
    return trouble(
      'reopened',
      `${name} opened itself again before decom had come back`,
      'Give it longer with "reopen_after", then resume.',
    );
  if (state === 'open')
    return trouble('not-cut', `${name} is not cut off (${ended})`, 'Look at its firewall, then resume.');
  return trouble(
    'isolated-otherwise',
    `${name} is cut off already, by another run or with other rules (${state})`,
    'On the host: sh /run/decom-isolate/reopen.sh; then resume.',
  );
};

const stillCut = (name: string): Trouble =>
  trouble(
    'still-cut',
    `rules that cut ${name} off are still there`,
    'On the host: nft delete table inet decom-isolate; or remove the chains decom-isolate-* of iptables.',
  );
