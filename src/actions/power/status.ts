import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import { type Seen, trouble } from '../../core/result.ts';
import { noBmc } from '../parts/bmc-match.ts';

const Input = Type.Object(
  { expect: Type.Optional(Type.Enum(['on', 'off'], { description: 'Fail unless the power is so.' })) },
  { additionalProperties: false, description: 'Asks the BMC whether the machine is on.' },
);

interface Facts {
  readonly power: Seen<'on' | 'off'>;
}

export const powerStatus = action<typeof Input, Facts>({
  kind: 'power.status',
  about: 'Asks the BMC whether the machine is on, and so tests the BMC.',
  effect: 'none',
  once: false,
  irreversible: false,
  bmc: 'uses',
  input: Input,
  output: Type.Object({ power: Type.Enum(['on', 'off']) }),

  inspect: async (_input, probe, _past, { host }) => ({
    power: host.hasBmc ? await probe({ kind: 'power' }) : { known: false, trouble: noBmc(host.name) },
  }),

  // What is expected may become true only later in the run, so planning minds nothing but a BMC that does not answer.
  plan: (_input, { power }) => (power.known ? [] : { blocked: power.trouble }),

  verify: ({ expect }, { power }, { host }) => {
    if (!power.known) return { ok: false, trouble: power.trouble };
    if (expect !== undefined && power.value !== expect) {
      return {
        ok: false,
        trouble: trouble(
          'power-not-as-expected',
          `the BMC of ${host.name} reports power ${power.value}, expected ${expect}`,
          `Find out who switched it, then: decom resume ${host.name}`,
        ),
      };
    }
    return { ok: true, output: { power: power.value }, evidence: [], said: `power ${power.value}` };
  },
});
