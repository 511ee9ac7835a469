import { expect, test } from 'vitest';
import { exit } from '../../src/cli/exit.ts';
import { exitOfRun } from '../../src/cli/exit-of-run.ts';
import type { EndSignal } from '../../src/cli/signals.ts';
import { trouble } from '../../src/core/result.ts';
import type { RunEnd } from '../../src/engine/drive.ts';

const why = trouble('code', 'what', 'fix');
const at = { step: 'off' } as const;

const ends: readonly { readonly code: number; readonly end: RunEnd; readonly signal?: EndSignal }[] = [
  { code: 0, end: { end: 'done' } },
  { code: 0, end: { end: 'rolled-back', kept: ['tidy'] } },
  { code: 0, end: { end: 'rehearsed', blocked: [] } },
  { code: 4, end: { end: 'rehearsed', blocked: [{ ...at, trouble: why }] } },
  { code: 4, end: { end: 'blocked', ...at, trouble: why } },
  { code: 8, end: { end: 'drift', ...at, trouble: why } },
  { code: 10, end: { end: 'failed', ...at, trouble: why } },
  { code: 5, end: { end: 'doubt', ...at, trouble: why } },
  { code: 9, end: { end: 'parked', ...at, until: '2026-04-01T00:00:00Z', why: 'a date' } },
  { code: 3, end: { end: 'quit', ...at, why: 'quit' } },
  { code: 3, end: { end: 'quit', ...at, why: 'end-of-input' } },
  { code: 129, end: { end: 'quit', ...at, why: 'end-of-input' }, signal: 'SIGHUP' },
  { code: 130, end: { end: 'quit', ...at, why: 'interrupted' }, signal: 'SIGINT' },
  { code: 143, end: { end: 'quit', ...at, why: 'interrupted' }, signal: 'SIGTERM' },
  { code: 130, end: { end: 'signal', ...at }, signal: 'SIGINT' },
  { code: 143, end: { end: 'signal', ...at }, signal: 'SIGTERM' },
  { code: 129, end: { end: 'signal', ...at }, signal: 'SIGHUP' },
  { code: 64, end: { end: 'missing', ...at, what: 'what', fix: 'fix' } },
  { code: 5, end: { end: 'journal', trouble: why, afterIntent: true } },
  { code: 10, end: { end: 'journal', trouble: why, afterIntent: false } },
];

test.each(ends)('exit $code for $end.end $signal', ({ code, end, signal }) => {
  expect(exitOfRun(end, signal)).toBe(code);
});

test('the published codes never change their meaning', () => {
  expect(exit).toEqual({
    done: 0,
    bug: 1,
    usage: 2,
    stopped: 3,
    blocked: 4,
    inDoubt: 5,
    logBroken: 6,
    locked: 7,
    stale: 8,
    parked: 9,
    failed: 10,
    logOpen: 11,
    logUnsigned: 12,
    missing: 64,
    hungUp: 129,
    interrupted: 130,
    terminated: 143,
  });
});
