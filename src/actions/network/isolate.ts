import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Setting } from '../../core/action.ts';
import { durationPattern, milliseconds } from '../../core/duration.ts';
import type { NetworkLack, NetworkSeen } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { howItEnded, isOfThisRun, runOf } from '../parts/isolation.ts';

const Input = Type.Object(
  {
    keep: Type.Optional(
      Type.Array(
        Type.String({
          pattern:
            '^([0-9]{1,3}(\\.[0-9]{1,3}){3}(/([1-9]|[12][0-9]|3[0-2]))?|[0-9a-fA-F:]*:[0-9a-fA-F:]*(/([1-9][0-9]?|1[01][0-9]|12[0-8]))?)$',
          patternErrorMessage: 'an address or a network like 192.0.2.0/24 or 2001:db8::/32, and never all addresses',
        }),
        {
          description:
            'Addresses and networks (CIDR) that keep all their traffic with the host, besides the SSH connection that decom comes by: those that decom may come from later, monitoring, what logins need.',
        },
      ),
    ),
    reopen_after: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 90s or 5m',
        description:
          'The host opens itself again after this long unless decom has come back on a new connection. From 30s to 1h, default 5m.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description:
      'Cuts the host off the network, but for the way that decom comes by, so that whoever still uses it says so.',
  },
);
type Input = Static<typeof Input>;

const usualReopen = 300_000;
const hour = 3_600_000;
const reopenAfter = ({ reopen_after }: Input): number => milliseconds(reopen_after ?? '') ?? usualReopen;

export const networkIsolate = action<typeof Input, Seen<NetworkSeen>>({
  kind: 'network.isolate',
  cutsOff: true,
  about:
    'Cuts the host off the network, all but the way that decom comes by; it opens again by itself unless decom can come back.',
  effect: 'changes',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ since: Type.String() }),

  check: (input) => {
    const after = reopenAfter(input);
    if (after < 30_000 || after > hour) return '"reopen_after" is to be from 30s to 1h';
    const wrong = input.keep?.find((one) =>
      one
        .split(/[./]/)
        .slice(0, 4)
        .some((part) => !one.includes(':') && Number(part) > 255),
    );
    return wrong === undefined ? undefined : `"${wrong}" is no address`;
  },

  demands: () => [
    { kind: 'identity.confirmed', maxAge: 24 * hour, why: 'Without it, another machine could be cut off.' },
  ],

  inspect: (_input, probe) => probe({ kind: 'network' }),

  remarks: (network) => {
    if (!network.known) return [];
    const { from, relies, state } = network.value;
    if (state !== 'open') return [];
    return [
      ...(from === null
        ? []
        : [`SSH from ${from} stays open: whoever is to come later from elsewhere stands in "keep"`]),
      ...relies.map((one) => `it has ${one} over the network, and what uses that hangs once it is cut off`),
    ];
  },

  plan: (input, network, setting) => {
    if (!network.known) return { blocked: network.trouble };
    const { state, lack, from } = network.value;
    const run = runOf(setting);
    const confirm = { kind: 'network.confirm', on: 'host', run } as const;
    if (state !== 'open') {
      if (state === 'altered' || !isOfThisRun(network.value, setting))
        return { blocked: cutOtherwise(network.value, setting) };
      return state === 'pending' ? [confirm] : [];
    }
    if (lack !== null) return { blocked: cannotCut(lack, setting) };
    if (from === null) return { blocked: noWayIn(setting) };
    return [
      { kind: 'network.cut', on: 'host', run, keep: input.keep ?? [], reopen_after: reopenAfter(input) },
      confirm,
    ];
  },

  verify: (_input, network, setting) => {
    if (!network.known) return { ok: false, trouble: network.trouble };
    const { state, since } = network.value;
    if (state === 'isolated' && isOfThisRun(network.value, setting) && since !== null) {
      return { ok: true, output: { since }, evidence: [], said: `cut off the network since ${since}` };
    }
    if (state === 'open') return { ok: false, trouble: isOpen(network.value, setting) };
    return { ok: false, trouble: state === 'pending' ? notConfirmed(setting) : cutOtherwise(network.value, setting) };
  },

  rollback: {
    plan: (_input, before, now) => {
      if (!before.known) return { blocked: before.trouble };
      if (!now.known) return { blocked: now.trouble };
      return before.value.state !== 'open' || now.value.state === 'open'
        ? []
        : [{ kind: 'network.reopen', on: 'host' }];
    },
    verify: (_input, before, now) => {
      if (!before.known) return { ok: false, trouble: before.trouble };
      if (!now.known) return { ok: false, trouble: now.trouble };
      if (before.value.state !== 'open') return { ok: true, output: {}, evidence: [], said: 'cut off as before' };
      if (now.value.state === 'open') return { ok: true, output: {}, evidence: [], said: 'in the network again' };
      return { ok: false, trouble: stillCut };
    },
  },
});

const lackWords: { readonly [lack in NetworkLack]: readonly [what: string, fix: string] } = {
  'no-firewall': ['neither nft nor iptables works there', 'Install nftables, or use power.off for the scream test.'],
  'no-ip6tables': [
    'it speaks IPv6, and ip6tables does not work there',
    'Install it or nftables, or use power.off for the scream test.',
  ],
  'no-bridge': [
    'it has bridges, and its firewall cannot cut what goes through them',
    'Install nftables, or use power.off for the scream test.',
  ],
  'no-boot-id': ['it has no boot id, so that a restart could not be told', 'Use power.off for the scream test.'],
  'network-root': [
    'its own system lies on the network, and it would stand still',
    'Use power.off for the scream test.',
  ],
};

const cannotCut = (lack: NetworkLack, { host }: Setting): Trouble =>
  trouble(lack, `${host.name} cannot be cut off: ${lackWords[lack][0]}`, lackWords[lack][1]);

const noWayIn = ({ host }: Setting): Trouble =>
  trouble(
    'no-way-in',
    `${host.name} does not say where the SSH connection of decom comes from, so it could not be kept open`,
    'Its SSH server has to set SSH_CONNECTION, as OpenSSH does.',
  );

const cutOtherwise = ({ state, run }: NetworkSeen, { host }: Setting): Trouble =>
  trouble(
    'isolated-otherwise',
    state === 'altered'
      ? `${host.name} is cut off, and its rules are not those that were made: somebody changed them`
      : `${host.name} is cut off already, by run ${run ?? 'that is not known'}`,
    'Open it, on the host: sh /run/decom-isolate/reopen.sh; then resume.',
  );

const isOpen = (network: NetworkSeen, { host }: Setting): Trouble =>
  trouble('not-cut', `${host.name} is not cut off; ${howItEnded(network)}`, `Try again: decom resume ${host.name}`);

const notConfirmed = ({ host }: Setting): Trouble =>
  trouble(
    'not-confirmed',
    `${host.name} is cut off, and opens again by itself, as nobody has come back to it on a new connection`,
    `Try again: decom resume ${host.name}`,
  );

const stillCut: Trouble = trouble(
  'still-cut',
  'rules that cut it off are still there',
  'On the host: sh /run/decom-isolate/reopen.sh',
);
