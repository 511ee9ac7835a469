import * as Type from 'typebox';
import { action } from '../core/action.ts';
import { trouble } from '../core/result.ts';
import { type Answered, lastAnswer } from './parts/answers.ts';

const Input = Type.Object(
  {
    question: Type.String({ minLength: 1, maxLength: 2000, description: 'A question that "yes" lets the run go on.' }),
  },
  { additionalProperties: false, description: 'Asks a person one question.' },
);

interface Facts {
  readonly answered: Answered | null;
}

const item = 'confirmed';

export const confirm = action<typeof Input, Facts>({
  kind: 'confirm',
  about: 'Asks a person one question, and goes on when the answer is yes.',
  effect: 'none',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ by: Type.String(), note: Type.String() }),

  inspect: async (_input, _probe, past) => ({ answered: lastAnswer(past) }),

  foresee: () => ({ answered: null }),

  plan: ({ question }, { answered }) =>
    isYes(answered)
      ? []
      : [{ kind: 'ask', on: 'control', form: 'confirm', title: question, items: [{ id: item, text: question }] }],

  verify: ({ question }, { answered }) => {
    if (answered === null || !isYes(answered)) {
      const note = answered?.items.find((i) => i.note !== '')?.note;
      return {
        ok: false,
        trouble: trouble(
          'not-confirmed',
          `not confirmed: ${question}${note === undefined ? '' : ` (${note})`}`,
          'Clear up what stands in the way, then take the step again.',
        ),
      };
    }
    const note = answered.items.find((i) => i.note !== '')?.note ?? '';
    return {
      ok: true,
      output: { by: answered.by, note },
      evidence: [],
      said: `confirmed by ${answered.by}${note === '' ? '' : `: ${note}`}`,
    };
  },
});

const isYes = (answered: Answered | null): boolean =>
  answered !== null && answered.items.length > 0 && answered.items.every((i) => i.done);
