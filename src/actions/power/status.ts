import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { noBmc } from '../parts/bmc-match.ts';
import { powerHolder } from '../parts/power-holder.ts';

const Input = Type.Object(
  { expect: Type.Optional(Type.Enum(['on', 'off'], { description: 'Fail unless the power is so.' })) },
  { additionalProperties: false, description: 'Asks the BMC whether the machine is on.' },
);

interface Facts {
  readonly power: Seen<'on' | 'off'>;
  /** Absent in the facts of a plan that was saved before this was looked for. */
  readonly weaknesses?: Seen<readonly Trouble[]>;
}

export const powerStatus = action<typeof Input, Facts>({
  kind: 'power.status',
  about: 'Asks the BMC whether the machine is on, and so tests the BMC; says how others could come in there.',
  effect: 'none',
  once: false,
  irreversible: false,
  bmc: 'uses',
  input: Input,
  output: Type.Object({ power: Type.Enum(['on', 'off']) }),

  inspect: async (_input, probe, _past, { host }) => {
    if (!host.hasBmc) return { power: { known: false, trouble: noBmc(host.name) } };
    const power = await probe({ kind: 'power' });
    return power.known ? { power, weaknesses: await probe({ kind: 'bmc.weaknesses' }) } : { power };
  },

  remarks: (facts) => weaknessesIn(facts).map(({ what, fix }) => `${what}. ${fix}`),

  // What is expected may become true only later in the run, so planning minds nothing but a BMC that does not answer.
  plan: (_input, { power }) => (power.known ? [] : { blocked: power.trouble }),

  verify: ({ expect }, facts, { host }) => {
    const { power } = facts;
    if (!power.known) return { ok: false, trouble: power.trouble };
    if (expect !== undefined && power.value !== expect) {
      return {
        ok: false,
        trouble: trouble(
          'power-not-as-expected',
          `${powerHolder(host)} reports power ${power.value}, expected ${expect}`,
          `Find out who switched it, then: decom resume ${host.name}`,
        ),
      };
    }
    const said = [`power ${power.value}`, ...weaknessesIn(facts).map(({ what }) => what)].join('; ');
    return { ok: true, output: { power: power.value }, evidence: [], said };
  },
});

/** A weakness stands in no step's way: the machine goes, and its BMC with it. But whoever retires it is to know. */
const weaknessesIn = ({ weaknesses }: Facts): readonly Trouble[] => (weaknesses?.known ? weaknesses.value : []);
