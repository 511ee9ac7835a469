import { durationText } from '../core/duration.ts';
import type { Operation } from '../core/operation.ts';
import { operationWords } from '../core/operation-words.ts';
import { printableLines } from '../core/printable.ts';
import { type Block, timeText } from './block.ts';
import type { ReportModel, StepReport } from './report-model.ts';
import type { Resolution } from './resolution.ts';

export const skipped = ({ phases }: ReportModel): Block => ({
  block: 'table',
  caption: 'Skipped steps and why',
  head: ['step', 'title', 'skipped by', 'reason', 'at'],
  rows: phases
    .flatMap(({ steps }) => steps)
    .flatMap(({ step, status, skipped: event }) =>
      event === null || status !== 'skipped'
        ? []
        : [
            [
              step.id,
              step.title,
              event.by === 'person' ? event.who : `the runbook (${event.by})`,
              event.reason,
              timeText(event.ts),
            ],
          ],
    ),
  empty: 'No step was skipped.',
});

export function failures({ failures: events, phases }: ReportModel): Block {
  const steps = phases.flatMap((phase) => phase.steps);
  return {
    block: 'table',
    caption: 'Everything that failed or was held up',
    head: ['at', 'step', 'what', 'detail', 'the step now'],
    rows: events.map((event) => [
      timeText(event.ts),
      event.step,
      `${event.type === 'gate.blocked' ? `held up by ${event.gate}: ` : ''}${event.trouble.what} (${event.trouble.code})`,
      event.trouble.detail === undefined ? '–' : printableLines(event.trouble.detail).join('; '),
      steps.find(({ step }) => step.id === event.step)?.status ?? null,
    ]),
    empty: 'Nothing failed, and nothing was held up.',
  };
}

export const doubts = ({ doubts: found }: ReportModel): Block => ({
  block: 'table',
  caption: 'Operations that were begun and whose end nobody saw',
  head: ['at', 'step', 'why', 'resolved as', 'by', 'reason'],
  rows: found.map(({ doubt, resolved }) => [
    timeText(doubt.ts),
    doubt.step,
    doubt.trouble.what,
    resolved === null ? 'not resolved' : resolvedWords[resolved.outcome],
    resolved === null ? '–' : byWords(resolved),
    resolved === null ? '–' : resolved.reason,
  ]),
  empty: 'No operation was in doubt.',
});

const resolvedWords: { readonly [O in Resolution['outcome']]: string } = {
  done: 'done',
  'not-done': 'not-done',
  failed: 'failed',
  'done anew': 'looked at again and done anew',
  'found done': 'looked at again and found done',
  'taken back': 'taken back',
};

const byWords = ({ by, who }: Resolution): string | null =>
  by === 'probe' ? 'the step’s own probe' : by === 'host' ? 'the host' : who;

export const times = ({ spent, phases }: ReportModel): Block => ({
  block: 'text',
  text: `${phases.reduce((sum, { steps }) => sum + steps.length, 0)} steps; ${durationText(spent.working)} of work, ${durationText(spent.waiting)} of waiting.`,
});

export function phaseBlocks(steps: readonly StepReport[]): readonly Block[] {
  return [
    {
      block: 'table',
      caption: 'Steps of this phase',
      head: ['step', 'title', 'status', 'begun', 'ended', 'work', 'waiting', 'what it says'],
      rows: steps.map(({ step, status, forth, spent }) => [
        step.id,
        step.title,
        status,
        timeText(forth.started),
        timeText(forth.ended),
        durationText(spent.working),
        durationText(spent.waiting),
        forth.said !== '' ? forth.said : (forth.trouble?.what ?? null),
      ]),
      empty: 'It has no steps.',
      kind: 'steps',
    },
    ...steps.flatMap((one): Block[] => {
      const items = operationsOf(one);
      return items.length === 0 ? [] : [{ block: 'details', summary: `Operations of ${one.step.id}`, items }];
    }),
  ];
}

function operationsOf({ forth, back, previewed }: StepReport): readonly string[] {
  // The items of a form are shown where its answers are.
  const first = (operation: Operation): string => operationWords(operation)[0] ?? operation.kind;
  const words = (prefix: string) => (o: (typeof forth.operations)[number]) =>
    `${prefix}${first(o.operation)} — ${o.status}, ${timeText(o.at) ?? ''}`;
  return [
    ...(previewed === null ? [] : previewed.operations.map((operation) => `would ${first(operation)}`)),
    ...forth.operations.map(words('')),
    ...back.operations.map(words('rolled back: ')),
  ];
}
