import { expect, test } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { trouble } from '../../src/core/result.ts';
import { reportMarkdown } from '../../src/documents/report-markdown.ts';
import { reportModel } from '../../src/documents/report-model.ts';
import { journal, lines, plan } from './small-journal.ts';

const at = { step: 'copy', direction: 'forth' } as const;
const intended = lines().find(([, event]) => event.type === 'operation.intended' && event.step === 'copy')?.[1];
if (intended?.type !== 'operation.intended') throw new Error('the journal has a copy');
const lost = trouble('connection-lost', 'the connection was lost while it ran', 'Take it up again.');
const upToCopy = lines().slice(
  0,
  lines().findIndex(([, event]) => event === intended || (event.type === 'step.started' && event.step === 'copy')),
);
const cutOff: readonly Event[] = [
  { ...at, type: 'step.started', attempt: 1 },
  intended,
  { ...at, type: 'operation.in-doubt', attempt: 1, n: 0, trouble: lost },
  { ...at, type: 'step.failed', attempt: 1, trouble: lost },
];
const again: Event = { ...at, type: 'step.started', attempt: 2 };
const anew: readonly Event[] = [
  { ...intended, attempt: 2 },
  { ...at, type: 'operation.done', attempt: 2, n: 0, receipt: {} },
];
const verified: Event = {
  ...at,
  type: 'step.verified',
  attempt: 2,
  already: false,
  output: {},
  evidence: [],
  said: '12 files',
};
const told = (events: readonly Event[]): { readonly status: string | undefined; readonly markdown: string } => {
  const model = reportModel(plan, journal([...upToCopy, ...events.map((event): [number, Event] => [1, event])]));
  const steps = model.phases.flatMap((phase) => phase.steps);
  return { status: steps.find(({ step }) => step.id === 'copy')?.status, markdown: reportMarkdown(model) };
};

test('an operation in doubt whose step was done anew and verified is settled, and so is its step', () => {
  const { status, markdown } = told([...cutOff, again, ...anew, verified]);
  expect(status).toBe('recovered');
  expect(markdown).toMatch(
    /\| the connection was lost while it ran \| looked at again and done anew \| the step’s own probe \| verified at 2026-03-01 \d\d:\d\d:\d\d UTC \|/,
  );
  expect(markdown).toContain('(connection-lost) | – | recovered |');
  expect(markdown).not.toContain('not resolved');
});

test('an operation in doubt whose step was found done is told so', () => {
  expect(told([...cutOff, again, verified]).markdown).toContain('| looked at again and found done |');
});

test('an operation in doubt is in doubt until its step is verified', () => {
  const { status, markdown } = told([...cutOff, again, ...anew]);
  expect(status).toBe('in doubt');
  expect(markdown).toContain('| not resolved | – | – |');
});

test('a step that was come to, and of which nothing was begun, is not begun', () => {
  const stopped: Event = { type: 'run.stopped', by: 'person', who: 'anna', reason: 'lunch' };
  expect(told([{ ...at, type: 'step.started', attempt: 1 }, stopped]).status).toBe('not begun');
  expect(told([{ ...at, type: 'step.started', attempt: 1 }, intended, stopped]).status).toBe('begun');
});
