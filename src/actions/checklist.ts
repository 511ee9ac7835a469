import * as Type from 'typebox';
import { action } from '../core/action.ts';
import { trouble } from '../core/result.ts';
import { type Answered, lastAnswer } from './parts/answers.ts';

const Input = Type.Object(
  {
    title: Type.Optional(Type.String({ minLength: 1, description: 'What the list is about. Default: "Checklist".' })),
    items: Type.Array(
      Type.Object(
        {
          id: Type.String({
            pattern: '^[a-z0-9][a-z0-9-]*$',
            patternErrorMessage: 'lower-case letters, digits and "-"',
            description: 'A short name, for answers given beforehand.',
          }),
          text: Type.String({ minLength: 1, maxLength: 2000, description: 'What a person does, and then ticks.' }),
        },
        { additionalProperties: false, description: 'One thing to do.' },
      ),
      { minItems: 1, maxItems: 100, description: 'What is to be done, in order.' },
    ),
  },
  { additionalProperties: false, description: 'Leads a person through things to do, and records each with a note.' },
);

interface Facts {
  readonly answered: Answered | null;
}

export const checklist = action<typeof Input, Facts>({
  kind: 'checklist',
  about: 'Leads a person through things to do; each is ticked, with a note.',
  effect: 'none',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ by: Type.String(), items: Type.Integer() }),

  check: ({ items }) => {
    const twice = items.find((item, i) => items.findIndex((other) => other.id === item.id) !== i);
    return twice === undefined ? undefined : `the id "${twice.id}" stands twice in "items"`;
  },

  inspect: async (_input, _probe, past) => ({ answered: lastAnswer(past) }),

  foresee: () => ({ answered: null }),

  plan: ({ title = 'Checklist', items }, { answered }) =>
    undone(items, answered).length === 0
      ? []
      : [{ kind: 'ask', on: 'control', form: 'checklist', title, items: items.map(({ id, text }) => ({ id, text })) }],

  verify: ({ items }, { answered }) => {
    const left = undone(items, answered);
    if (left.length > 0 || answered === null) {
      const noted = left.map(({ id, text }) => {
        const note = answered?.items.find((a) => a.id === id)?.note ?? '';
        return `${text}${note === '' ? '' : ` (${note})`}`;
      });
      return {
        ok: false,
        trouble: trouble(
          'not-all-done',
          `${left.length} of ${items.length} not done: ${noted.join('; ')}`,
          'Do them, then take the step again.',
        ),
      };
    }
    return {
      ok: true,
      output: { by: answered.by, items: items.length },
      evidence: [],
      said: `all ${items.length} done, says ${answered.by}`,
    };
  },
});

function undone<T extends { readonly id: string }>(items: readonly T[], answered: Answered | null): readonly T[] {
  return items.filter(({ id }) => !answered?.items.some((a) => a.id === id && a.done));
}
