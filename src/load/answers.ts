import type { Static } from 'typebox';
import * as Type from 'typebox';
import { type Diagnostic, didYouMean } from '../core/diagnostic.ts';
import type { FormItem } from '../core/operation.ts';
import type { PlannedStep } from '../core/plan.ts';
import { RecordOf } from '../core/record-of.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Place } from '../core/runbook.ts';
import { checkNode } from './check.ts';
import { entryOf } from './node.ts';
import { parseSource } from './source.ts';

const note = Type.Optional(Type.String({ minLength: 1, description: 'What was found, who said so.' }));

/**
 * `--answers FILE`: the questions of `confirm` and `checklist` steps, answered beforehand.
 * ```yaml
 * answers:
 *   users-told: { confirm: true, note: by mail on 3 May }
 *   unplugged:
 *     items:
 *       power-a: { done: true, note: label P-17 }
 *   shelved: { others: true }
 * ```
 */
export const AnswersFile = Type.Object(
  {
    answers: RecordOf(
      '^[a-z0-9][a-z0-9-]{0,62}$',
      Type.Object(
        {
          confirm: Type.Optional(Type.Boolean({ description: 'For a confirm step: true agrees.' })),
          note,
          others: Type.Optional(
            Type.Literal(true, {
              description:
                'Left to others: the run parks at the step until each of its items is ticked with "decom tick".',
            }),
          ),
          items: Type.Optional(
            RecordOf(
              '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
              Type.Object(
                { done: Type.Boolean({ description: 'Whether it was done.' }), note },
                { additionalProperties: false, description: 'One item.' },
              ),
              { additionalProperties: false, minProperties: 1, description: 'For a checklist: its items by id.' },
            ),
          ),
        },
        { additionalProperties: false, minProperties: 1, description: 'What one step is answered.' },
      ),
      { additionalProperties: false, minProperties: 1, description: 'Answers by step.' },
    ),
  },
  { additionalProperties: false, title: 'decom answers' },
);
export type AnswersFile = Static<typeof AnswersFile>;

/** An answer with the place it stands at. */
export interface GivenAnswer {
  readonly step: string;
  readonly place: Place;
  readonly confirm: boolean | undefined;
  readonly note: string;
  /** Other people answer it, with ticks. */
  readonly others: boolean;
  readonly items: readonly {
    readonly id: string;
    readonly done: boolean;
    readonly note: string;
    readonly place: Place;
  }[];
}

export function parseAnswers(bytes: Uint8Array, file: string): Result<readonly GivenAnswer[], readonly Diagnostic[]> {
  const source = parseSource(bytes, file);
  if (!source.ok) return source;
  const { value, faults } = checkNode(source.value, AnswersFile);
  if (faults.length > 0) return fail(faults);
  const root = entryOf(source.value, 'answers')?.value;
  return ok(
    Object.entries((value as AnswersFile).answers).map(([step, answer]) => {
      const entry = entryOf(root, step);
      const items = entryOf(entry?.value, 'items')?.value;
      const at = (node = entry): Place => node?.place ?? source.value.place;
      return {
        step,
        place: at(),
        confirm: answer.confirm,
        note: answer.note ?? '',
        others: answer.others ?? false,
        items: Object.entries(answer.items ?? {}).map(([id, item]) => ({
          id,
          done: item.done,
          note: item.note ?? '',
          place: at(entryOf(items, id)),
        })),
      };
    }),
  );
}

/** Answers that no step of the plan asks for, so that a misspelt one is not taken for silence. */
export function unusedAnswers(
  answers: readonly GivenAnswer[],
  steps: readonly Pick<PlannedStep, 'id' | 'uses' | 'operations'>[],
): readonly Diagnostic[] {
  return answers.flatMap(({ step, place, confirm, items }): readonly Diagnostic[] => {
    const complain = (at: Place, what: string, fix: string): Diagnostic => ({
      code: 'unused-answer',
      ...at,
      what,
      fix,
    });
    const planned = steps.find((s) => s.id === step);
    if (planned === undefined) {
      const fix =
        didYouMean(
          step,
          steps.map((s) => s.id),
        ) || 'Remove it.';
      return [complain(place, `the plan has no step "${step}".`, fix)];
    }
    const form = planned.operations?.find((operation) => operation.kind === 'ask');
    if (planned.operations === null) return [];
    if (form === undefined) return [complain(place, `step "${step}" (${planned.uses}) asks nothing.`, 'Remove it.')];
    if (confirm !== undefined && form.form === 'checklist') {
      return [complain(place, `step "${step}" is a checklist, and is answered by "items".`, 'Write its items.')];
    }
    if (items.length > 0 && form.form === 'confirm') {
      return [
        complain(place, `step "${step}" is one question, and is answered by "confirm".`, 'Write "confirm: true".'),
      ];
    }
    const ids = form.items.map((item) => item.id);
    return items
      .filter((item) => !ids.includes(item.id))
      .map(({ id, place: at }) =>
        complain(at, `step "${step}" has no item "${id}".`, didYouMean(id, ids) || `Its items: ${ids.join(', ')}.`),
      );
  });
}

/** Whether a step's form was left to others beforehand. */
export const leftToOthers = (answers: readonly GivenAnswer[], step: string): boolean =>
  answers.some((answer) => answer.step === step && answer.others);

/** What was answered beforehand to a step's form, item by item; undefined where something of it is left open. */
export function answerTo(
  answers: readonly GivenAnswer[],
  step: string,
  form: 'confirm' | 'checklist',
  items: readonly FormItem[],
): readonly { readonly id: string; readonly done: boolean; readonly note: string }[] | undefined {
  const given = answers.find((answer) => answer.step === step);
  if (given === undefined) return undefined;
  if (form === 'confirm') {
    const { confirm, note: said } = given;
    return confirm === undefined ? undefined : items.map(({ id }) => ({ id, done: confirm, note: said }));
  }
  const filled = items.flatMap(({ id }) => {
    const item = given.items.find((i) => i.id === id);
    return item === undefined ? [] : [{ id, done: item.done, note: item.note }];
  });
  return filled.length === items.length ? filled : undefined;
}
