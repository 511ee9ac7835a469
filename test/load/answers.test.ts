import { describe, expect, it } from 'vitest';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import type { Operation } from '../../src/core/operation.ts';
import { answerTo, parseAnswers, unusedAnswers } from '../../src/load/answers.ts';

const read = (text: string) => parseAnswers(new TextEncoder().encode(text), 'answers.yaml');
const file = `answers:
  told: { confirm: true, note: by mail }
  parts:
    items:
      psu1: { done: true, note: label 0017 }
      psu2: { done: false }
`;
const form = (of: 'confirm' | 'checklist', ...ids: readonly string[]): readonly Operation[] => [
  { kind: 'ask', on: 'control', form: of, title: 't', items: ids.map((id) => ({ id, text: id })) },
];
const given = (text = file) => {
  const result = read(text);
  return result.ok ? result.value : [];
};
const items = (...ids: readonly string[]) => ids.map((id) => ({ id, text: id }));

describe('answers given beforehand', () => {
  it('fill the forms they are for, and nothing half', () => {
    expect(answerTo(given(), 'told', 'confirm', items('yes'))).toEqual([{ id: 'yes', done: true, note: 'by mail' }]);
    expect(answerTo(given(), 'parts', 'checklist', items('psu1', 'psu2'))).toEqual([
      { id: 'psu1', done: true, note: 'label 0017' },
      { id: 'psu2', done: false, note: '' },
    ]);
    expect(answerTo(given(), 'parts', 'checklist', items('psu1', 'psu2', 'fan'))).toBeUndefined();
    expect(answerTo(given(), 'told', 'checklist', items('yes'))).toBeUndefined();
    expect(answerTo(given(), 'parts', 'confirm', items('yes'))).toBeUndefined();
    expect(answerTo(given(), 'other', 'confirm', items('yes'))).toBeUndefined();
  });

  it('that nothing asks for are told, each in its place', () => {
    const steps = [
      { id: 'told', uses: 'confirm', operations: form('confirm', 'yes') },
      { id: 'parts', uses: 'checklist', operations: form('checklist', 'psu1', 'psu2') },
      { id: 'stop', uses: 'service.stop', operations: [] },
      { id: 'dark', uses: 'checklist', operations: null },
    ];
    expect(unusedAnswers(given(), steps)).toEqual([]);
    const wrong = given(`answers:
  tld: { confirm: true }
  stop: { confirm: true }
  told: { items: { yes: { done: true } } }
  parts: { items: { psu: { done: true }, psu1: { done: true } } }
  dark: { items: { x: { done: true } } }
`);
    expect(unusedAnswers(wrong, steps).map(diagnosticText)).toEqual([
      'answers.yaml:2:3  the plan has no step "tld". Did you mean "told"?',
      'answers.yaml:3:3  step "stop" (service.stop) asks nothing. Remove it.',
      'answers.yaml:4:3  step "told" is one question, and is answered by "confirm". Write "confirm: true".',
      'answers.yaml:5:21  step "parts" has no item "psu". Did you mean "psu1"?',
    ]);
  });

  it('are refused where they are malformed', () => {
    const result = read('answers:\n  a: { confirm: yes, items: { x: true } }\n  b: {}\n');
    expect(result.ok ? [] : result.error.map(diagnosticText)).toEqual([
      'answers.yaml:2:17  "answers.a.confirm" must be true or false, and is "yes". Write one of them.',
      'answers.yaml:2:34  "answers.a.items.x" must be a mapping, and is a text. It takes: done, note.',
      'answers.yaml:3:6  "answers.b" is empty. What one step is answered.',
    ]);
  });
});
