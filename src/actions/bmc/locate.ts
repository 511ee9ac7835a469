import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import type { BmcIdentity } from '../../core/probe.ts';
import { type Seen, trouble } from '../../core/result.ts';
import { noBmc, notThisBmc } from '../parts/bmc-match.ts';

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
        said: `the BMC says that the light is ${light.value}`,
      };
    }
    return { ok: false, trouble: notSo(host.name, input.light) };
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
      if (now.light.value !== before.light.value) return { ok: false, trouble: notSo('the host', before.light.value) };
      return { ok: true, output: {}, evidence: [], said: `the light is ${now.light.value}, as before` };
    },
  },
});

const notSo = (host: string, want: 'on' | 'off') =>
  trouble(
    'light-not-so',
    `the BMC accepted to switch the locator light of ${host} ${want}, and says that it is ${want === 'on' ? 'off' : 'on'}`,
    'Look at the machine and at its web page: somebody else may be switching it. Then resume.',
  );
