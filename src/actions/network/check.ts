import * as Type from 'typebox';
import { action, type Setting } from '../../core/action.ts';
import type { NetworkSeen } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { howItEnded, isOfThisRun, runOf } from '../parts/isolation.ts';

const Input = Type.Object(
  {
    since: Type.String({
      minLength: 1,
      description: 'When it was cut off, as network.isolate puts it out: "${{ steps.isolate.since }}".',
    }),
  },
  { additionalProperties: false, description: 'Says whether the host was cut off the network all the time.' },
);

export const networkCheck = action<typeof Input, Seen<NetworkSeen>>({
  kind: 'network.check',
  about: 'Says whether the host has been cut off the network ever since network.isolate, as far as it can be known.',
  effect: 'none',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ dropped: Type.Integer() }),

  inspect: (_input, probe) => probe({ kind: 'network' }),
  // "since" is known only once network.isolate has run.
  foresee: (_input, setting) => ({
    known: true,
    value: {
      ...{ state: 'isolated', run: runOf(setting), since: null, boot: null, ended: 'never', dropped: null },
      ...{ way: null, lack: null, from: null, relies: [] },
    },
  }),
  plan: (_input, network) => (network.known ? [] : { blocked: network.trouble }),

  verify: ({ since }, network, setting) => {
    if (!network.known) return { ok: false, trouble: network.trouble };
    const { state, since: cut, dropped } = network.value;
    if (state !== 'isolated' || cut !== since || !isOfThisRun(network.value, setting)) {
      return { ok: false, trouble: wasReopened(since, network.value, setting) };
    }
    const count = dropped ?? 0;
    return {
      ok: true,
      output: { dropped: count },
      evidence: [],
      said: `cut off since ${since}, by the same rules; ${count} ${count === 1 ? 'packet' : 'packets'} from outside dropped`,
    };
  },
});

function wasReopened(since: string, network: NetworkSeen, setting: Setting): Trouble {
  const { name } = setting.host;
  return trouble(
    'was-reopened',
    `${name} was not cut off all the time since ${since}: ${why(network, since, setting)}`,
    fix(name),
  );
}

function why(network: NetworkSeen, since: string, setting: Setting): string {
  switch (network.state) {
    case 'open':
      return howItEnded(network);
    case 'altered':
      return 'somebody changed the rules';
    case 'pending':
    case 'isolated':
      return isOfThisRun(network, setting) && network.since !== since
        ? `it was opened, and cut off once more at ${network.since ?? 'a time that is not known'}`
        : `it was cut off by run ${network.run ?? 'that is not known'}`;
  }
}

const fix = (name: string): string =>
  `Find out who opened it, and why. Cut it off and wait once more: decom replan ${name} --redo STEP (for both steps); or skip this one with a reason.`;
