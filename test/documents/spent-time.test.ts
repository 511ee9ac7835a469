import { expect, test } from 'vitest';
import type { Event, Recorded } from '../../src/core/event.ts';
import { spentTime } from '../../src/documents/spent-time.ts';

/** Events a second apart. */
const recorded = (events: readonly Event[]): readonly Recorded[] =>
  events.map((event, seq) => ({ v: 1, seq, ts: `2026-03-01T10:00:0${seq}.000Z`, ...event }));
const at = { step: 'stop', direction: 'forth' } as const;
const started: Event = { ...at, type: 'step.started', attempt: 1 };

test('the time before a person agrees, skips or stops is waiting: a question stood there', () => {
  const answers: readonly Event[] = [
    { ...at, type: 'step.agreed', by: 'ada', how: 'asked', typed: null },
    { ...at, type: 'step.skipped', by: 'person', who: 'ada', reason: 'no need' },
    { type: 'run.stopped', by: 'person', who: 'ada', reason: 'stopped' },
  ];
  for (const answer of answers) {
    expect(spentTime(recorded([started, answer])).bySteps, answer.type).toEqual({
      stop: { working: 0, waiting: 1000 },
    });
  }
});

test('what nobody was asked about is work', () => {
  const answers: readonly Event[] = [
    { ...at, type: 'step.agreed', by: 'ada', how: 'beforehand', typed: null },
    { ...at, type: 'step.skipped', by: 'when', who: null, reason: 'when: false is false' },
    { type: 'run.stopped', by: 'signal', who: null, reason: 'stopped' },
  ];
  for (const answer of answers) {
    expect(spentTime(recorded([started, answer])).bySteps, answer.type).toEqual({
      stop: { working: 1000, waiting: 0 },
    });
  }
});
