import * as Type from 'typebox';
import { action, type Setting } from '../../core/action.ts';
import type { BmcIdentity } from '../../core/probe.ts';
import { type Seen, seen, trouble } from '../../core/result.ts';
import { noBmc, notThisBmc } from '../parts/bmc-match.ts';
import { holderWord } from '../parts/power-holder.ts';

const Input = Type.Object(
  { light: Type.Enum(['on', 'off'], { description: 'Switch the locator light on or off.' }) },
  { additionalProperties: false, description: 'Switches the light by which the machine is found in its rack.' },
);

interface Facts {
  readonly light: Seen<'on' | 'off'>;
  readonly bmc: Seen<BmcIdentity>;
}

export const bmcLocate = action<typeof Input, Facts>({
  kind: 'bmc.locate',
  about: 'Switches the locator light on or off, and reads it back.',
  effect: 'changes',
  once: false,
  irreversible: false,
  bmc: 'uses',
  input: Input,
  output: Type.Object({ light: Type.Enum(['on', 'off']) }),

  inspect: async (_input, probe, _past, { host }) => {
    if (!host.hasBmc) {
      const none = { known: false, trouble: noBmc(host.name) } as const;
      return { light: none, bmc: none };
    }
    const [bmc, light] = await Promise.all([probe({ kind: 'bmc.identity' }), probe({ kind: 'bmc.indicator' })]);
    return { light, bmc };
  },

  left: (facts, earlier) => {
    const last = earlier.findLast((operation) => operation.kind === 'bmc.locate');
    return last === undefined || !facts.light.known ? facts : { ...facts, light: seen(last.want) };
  },

  // A light that cannot be read back could not be confirmed either, so it is refused before anything is done.
  plan: (input, { light, bmc }, setting) => {
    // The light of the wrong machine sends a person to the wrong machine.
    const wrong = notThisBmc(setting, bmc);
    if (wrong !== undefined) return { blocked: wrong };
    if (!light.known) return { blocked: light.trouble };
    return light.value === input.light ? [] : [{ kind: 'bmc.locate', on: 'control', want: input.light }];
  },

  // Some need a moment until they say what they do.
  settle: () => ({ within: 30_000, every: 2000 }),

  verify: (input, { light }, { host }) => {
    if (!light.known) return { ok: false, trouble: light.trouble };
    if (light.value === input.light) {
      return {
        ok: true,
        output: { light: light.value },
        evidence: [],
        said: `${holderWord(host)} says that the light is ${light.value}`,
      };
    }
    return { ok: false, trouble: notSo(host, input.light) };
  },

  rollback: {
    plan: (_input, before, now, setting) => {
      if (!before.light.known) return { blocked: before.light.trouble };
      const wrong = notThisBmc(setting, now.bmc);
      if (wrong !== undefined) return { blocked: wrong };
      if (!now.light.known) return { blocked: now.light.trouble };
      const want = before.light.value;
      return now.light.value === want ? [] : [{ kind: 'bmc.locate', on: 'control', want }];
    },
    verify: (_input, before, now) => {
      if (!before.light.known) return { ok: false, trouble: before.light.trouble };
      if (!now.light.known) return { ok: false, trouble: now.light.trouble };
      if (now.light.value !== before.light.value) return { ok: false, trouble: notSoAgain(before.light.value) };
      return { ok: true, output: {}, evidence: [], said: `the light is ${now.light.value}, as before` };
    },
  },
});

const other = (want: 'on' | 'off') => (want === 'on' ? 'off' : 'on');

const notSo = ({ name, powerProgram }: Setting['host'], want: 'on' | 'off') =>
  trouble(
    'light-not-so',
    `${powerProgram === undefined ? 'the BMC' : `the program ${powerProgram}`} accepted to switch the locator light of ${name} ${want}, and says that it is ${other(want)}`,
    powerProgram === undefined
      ? 'Look at the machine and at the web page of its BMC: somebody else may be switching it. Then resume.'
      : 'Look at the machine, and try the program by hand: somebody else may be switching it. Then resume.',
  );

const notSoAgain = (want: 'on' | 'off') =>
  trouble(
    'light-not-so',
    `to switch the locator light ${want} again was accepted, and it is said to be ${other(want)}`,
    'Look at the machine: somebody else may be switching it. Then roll back once more.',
  );
