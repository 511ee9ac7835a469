import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Past } from '../core/action.ts';
import { durationPattern, milliseconds } from '../core/duration.ts';
import { knownAfter } from '../core/operation.ts';
import { type Seen, trouble } from '../core/result.ts';

const Input = Type.Object(
  {
    for: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 4h or 14d',
        description: 'How long, counted from when the step first starts.',
      }),
    ),
    until: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?([Zz]|[+-]\\d{2}:\\d{2})$',
        patternErrorMessage: 'a date and time with its zone, like 2026-03-01T02:00:00+03:00',
        description: 'An instant with its zone (RFC 3339): 2026-03-01T02:00:00+03:00.',
      }),
    ),
    why: Type.Optional(Type.String({ minLength: 1, description: 'What is waited for, in words.' })),
  },
  { additionalProperties: false, description: 'Parks the run for a while, or until an instant.' },
);

/** `started` is null until the step first starts in this run; `ended`: somebody answered by name for not waiting any longer. */
interface Facts {
  readonly now: Seen<string>;
  readonly started: string | null;
  readonly ended?: { readonly by: string; readonly at: string; readonly reason: string };
}

export const wait = action<typeof Input, Facts>({
  kind: 'wait',
  about: 'Parks the run for a while, or until an instant.',
  effect: 'none',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ until: Type.String() }),

  check: (input) => {
    if ((input.for === undefined) === (input.until === undefined)) return 'give either "for" or "until"';
    return input.until !== undefined && Number.isNaN(Date.parse(input.until))
      ? `"${input.until}" is not a date and time that exists`
      : undefined;
  },

  lasts: (input) => milliseconds(input.for ?? ''),

  inspect: async (_input, probe, past) => ({
    now: await probe({ kind: 'clock' }),
    started: past.started ?? null,
    ...endedIn(past),
  }),

  plan: (input, { now, started, ended }, setting) => {
    if (!now.known) return { blocked: now.trouble };
    if (ended !== undefined) return [];
    const end = endOf(input, started);
    const why = input.why ?? (input.for === undefined ? `until ${input.until}` : `for ${input.for}`);
    if (end === undefined) return [{ kind: 'wait', on: 'control', until: knownAfter(setting.step), why }];
    return Date.parse(now.value) >= end.getTime()
      ? []
      : [{ kind: 'wait', on: 'control', until: end.toISOString(), why }];
  },

  verify: (input, { now, started, ended }) => {
    if (!now.known) return { ok: false, trouble: now.trouble };
    if (ended !== undefined) {
      const said = `ended early by ${ended.by}: ${ended.reason}`;
      return { ok: true, output: { until: ended.at }, evidence: [], said };
    }
    const end = endOf(input, started);
    if (end === undefined || Date.parse(now.value) < end.getTime()) {
      return {
        ok: false,
        trouble: trouble(
          'not-yet',
          end === undefined
            ? 'the wait has not begun'
            : `it is ${now.value}, and the wait is over at ${end.toISOString()}`,
          'Nothing to do: resume after that time.',
        ),
      };
    }
    return { ok: true, output: { until: end.toISOString() }, evidence: [], said: `waited until ${end.toISOString()}` };
  },
});

function endedIn({ done }: Past): Pick<Facts, 'ended'> {
  const last = done.findLast(({ operation }) => operation.kind === 'wait');
  const { ended_by: by, reason } = last?.receipt ?? {};
  return last === undefined || typeof by !== 'string' || typeof reason !== 'string'
    ? {}
    : { ended: { by, reason, at: last.at } };
}

function endOf(input: Static<typeof Input>, started: string | null): Date | undefined {
  if (input.until !== undefined) return new Date(input.until);
  const length = milliseconds(input.for ?? '');
  return started === null || length === undefined ? undefined : new Date(Date.parse(started) + length);
}
