import { expect, test } from 'vitest';
import type { Operation } from '../../src/core/operation.ts';
import { changesBetween, changesToTell } from '../../src/engine/amend.ts';
import { plan } from '../documents/small-journal.ts';

const restore = (copy: string): Operation => ({ kind: 'exec', on: 'host', argv: ['look', copy], root: true });
const intent = (operation: Operation) => ({
  ...plan.intent,
  steps: plan.intent.steps.map((step) => (step.id === 'proof' ? { ...step, operations: [operation] } : step)),
});

test('a value that was known after a step and is known now is no change to tell', () => {
  const was = intent(restore('(known after copy)'));
  const is = intent(restore('/vault/web01/p1-copy'));
  expect(changesBetween(was, is)).toHaveLength(1);
  expect(changesToTell(was, is)).toEqual([]);
});

test('changes are told as text: operations in words, lists and new steps without brackets', () => {
  const was = { ...intent(restore('/a')), params: { units: ['nginx.service'] } };
  const [first] = was.steps;
  if (first === undefined) throw new Error('the plan has steps');
  const is = {
    ...intent(restore('/b')),
    params: { units: ['nginx.service', 'cron.service'] },
  };
  const more = { ...is, steps: [...is.steps, { ...first, id: 'more', title: 'Look once more' }] };
  expect(changesToTell(was, more)).toEqual([
    'params.units: was "nginx.service", is "nginx.service", "cron.service"',
    'steps.proof.operations: was run on the host as root: look /a, is run on the host as root: look /b',
    'steps.more: was nothing, is the step "Look once more" (identity.check)',
  ]);
});
