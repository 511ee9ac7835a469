import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Setting, type Verdict } from '../../core/action.ts';
import { durationPattern, milliseconds } from '../../core/duration.ts';
import type { Operation } from '../../core/operation.ts';
import type { BmcIdentity, Reachable } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { noBmc, notThisBmc } from '../parts/bmc-match.ts';
import { offInOrder } from '../parts/off-in-order.ts';
import { holderWord, powerHolder } from '../parts/power-holder.ts';

const Input = Type.Object(
  {
    grace: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 30s or 5m',
        description:
          'How long its operating system may take to shut down, if one still runs behind a network that is dead. Default 5m.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Cuts the power of a host that does not answer any more.' },
);
type Input = Static<typeof Input>;

interface Facts {
  readonly power: Seen<'on' | 'off'>;
  readonly bmc: Seen<BmcIdentity>;
  readonly reachable: Seen<Reachable>;
}

interface After {
  readonly power: readonly Seen<'on' | 'off'>[];
  readonly reachable: Seen<Reachable>;
}

const day = 86_400_000;
const readings = 3;
const betweenReadings = 1000;
const graceOf = ({ grace }: Input): number => milliseconds(grace ?? '5m') ?? 0;

export const powerCut = action<typeof Input, Facts, After>({
  kind: 'power.cut',
  about:
    'Cuts the power of a host that does not answer any more, by its BMC: first as a button does, in case its system still runs.',
  effect: 'changes',
  once: false,
  irreversible: true,
  bmc: 'uses',
  // The plan may have become another one since somebody agreed to the attestation.
  witnesses: 1,
  input: Input,
  output: Type.Object({ power: Type.Enum(['off']) }),
  yields: ['power.is-off'],

  demands: () => [
    {
      kind: 'identity.attested',
      maxAge: day,
      why: 'Without it, another machine could be switched off, or one that lives.',
    },
  ],

  inspect: async (_input, probe, _past, { host }) => {
    if (!host.hasBmc) {
      const none = { known: false, trouble: noBmc(host.name) } as const;
      return { power: none, bmc: none, reachable: await probe({ kind: 'host.reachable' }) };
    }
    const [bmc, power, reachable] = await Promise.all([
      probe({ kind: 'bmc.identity' }),
      probe({ kind: 'power' }),
      probe({ kind: 'host.reachable' }),
    ]);
    return { power, bmc, reachable };
  },

  plan: (input, { power, bmc, reachable }, setting) => {
    if (!reachable.known) return { blocked: reachable.trouble };
    if (reachable.value !== 'no') return { blocked: answers(setting) };
    // Before the power is believed: "off" of another machine says nothing about this one.
    const wrong = notThisBmc(setting, bmc);
    if (wrong !== undefined) return { blocked: wrong };
    if (!power.known) return { blocked: power.trouble };
    if (power.value === 'off') return [];
    const off = { kind: 'bmc.power', on: 'control', want: 'off' } as const;
    const ways: readonly Operation[] = [
      { ...off, how: 'soft' },
      { ...off, how: 'hard', after: graceOf(input) },
    ];
    return ways;
  },

  execute: offInOrder,
  settle: () => ({ within: 120_000, every: 5000 }),

  examine: async (_input, _receipts, { probe, sleep }) => {
    const power: Seen<'on' | 'off'>[] = [];
    while (power.length < readings && power.every((seen) => seen.known && seen.value === 'off')) {
      if (power.length > 0) await sleep(betweenReadings);
      power.push(await probe({ kind: 'power' }));
    }
    return { power, reachable: await probe({ kind: 'host.reachable' }) };
  },

  verify: (_input, { power, reachable }, setting): Verdict => {
    for (const seen of power) if (!seen.known) return { ok: false, trouble: seen.trouble };
    if (power.length < readings || power.some((seen) => seen.known && seen.value === 'on')) {
      return { ok: false, trouble: stillOn(setting) };
    }
    if (!reachable.known) return { ok: false, trouble: reachable.trouble };
    if (reachable.value !== 'no') return { ok: false, trouble: answers(setting) };
    return {
      ok: true,
      output: { power: 'off' },
      evidence: [{ kind: 'power.is-off' }],
      said: `off in ${power.length} readings of ${holderWord(setting.host)}; the host did not answer before it either`,
    };
  },

  rollback: {
    plan: (_input, before, now, setting) => {
      if (before.power.known && before.power.value === 'off') return [];
      const wrong = notThisBmc(setting, now.bmc);
      if (wrong !== undefined) return { blocked: wrong };
      if (!now.power.known) return { blocked: now.power.trouble };
      return now.power.value === 'on' ? [] : [{ kind: 'bmc.power', on: 'control', want: 'on', how: 'soft' }];
    },
    verify: (_input, before, now): Verdict => {
      if (!before.power.known) return { ok: false, trouble: before.power.trouble };
      if (!now.power.known) return { ok: false, trouble: now.power.trouble };
      const said = before.power.value === 'off' ? 'off as before' : 'on, and as silent as before';
      if (before.power.value === 'off' || now.power.value === 'on') return { ok: true, output: {}, evidence: [], said };
      return {
        ok: false,
        trouble: trouble(
          'not-back',
          'the BMC still reports power off',
          'Check the BMC and the supply, then try again.',
        ),
      };
    },
  },
});

const answers = ({ host: { name } }: Setting): Trouble =>
  trouble(
    'host-answers',
    `${name} answers on its address, or whether it does cannot be told`,
    'This step is for hosts that are dead. Switch off what lives by power.off.',
  );

const stillOn = ({ host }: Setting): Trouble =>
  trouble(
    'still-on',
    `${powerHolder(host)} still reports power on, though it was told to cut it`,
    `Check ${holderWord(host)}, then: decom resume ${host.name}`,
  );
