import { expect, test } from 'vitest';
import { askNobody } from '../../../src/cli/prompt/ask-nobody.ts';
import { questionsOf } from '../../../src/cli/prompt/questions-of.ts';
import { parseAnswers } from '../../../src/load/answers.ts';
import { clearPlan } from '../view/small-plan.ts';

const answers = (text: string) => {
  const parsed = parseAnswers(Buffer.from(text), 'answers.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};
const signal = new AbortController().signal;
const step = { id: 'told', title: 'Tell the users', position: 2, of: 7 };
const form = {
  ask: 'form',
  step,
  form: 'confirm',
  title: 'Do the users know?',
  items: [{ id: 'confirm', text: 'Do the users know?' }],
} as const;

test('every question of a plan is known before it runs, with the flag or the key that answers it', () => {
  expect(questionsOf(clearPlan, { answers: [], confirm: undefined })).toEqual([
    { step: 'told', asks: 'Do the users know?', by: '--answers FILE with answers.told.confirm', answered: false },
    { step: 'off', asks: 'the serial number of web01', by: '--confirm=SERIAL', answered: false },
  ]);
});

test('what was answered beforehand is not open any more', () => {
  const given = { answers: answers('answers:\n  told: { confirm: true }\n'), confirm: '0012345' };
  expect(questionsOf(clearPlan, given).map((question) => question.answered)).toEqual([true, true]);
});

test('where nobody is asked, an ordinary step begins, and everything else wants its answer', async () => {
  const nobody = askNobody({ answers: [], confirm: undefined });
  const begin = { ask: 'begin', step, details: [] } as const;
  expect(await nobody({ ...begin, serial: null }, signal)).toEqual({ answer: 'continue', how: 'beforehand' });
  expect(await nobody({ ...begin, serial: '0012345' }, signal)).toEqual({
    answer: 'missing',
    what: 'step "told" is irreversible and wants the serial of the host',
    fix: 'Give it with: --confirm=SERIAL',
  });
  expect(await nobody(form, signal)).toEqual({
    answer: 'missing',
    what: 'step "told" asks: Do the users know?',
    fix: 'Answer it in a file given with --answers, by the key answers.told.confirm',
  });
});

test('what was given beforehand is answered as given, and marked so', async () => {
  const nobody = askNobody({ answers: answers('answers:\n  told: { confirm: true, note: by mail }\n'), confirm: '1' });
  expect(await nobody({ ask: 'begin', step, details: [], serial: '0012345' }, signal)).toEqual({
    answer: 'typed',
    text: '1',
    how: 'beforehand',
  });
  expect(await nobody(form, signal)).toEqual({
    answer: 'filled',
    items: [{ id: 'confirm', done: true, note: 'by mail' }],
  });
});
