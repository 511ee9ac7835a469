import type { Static } from 'typebox';
import * as Type from 'typebox';

/** How long a copy is kept, as a step says it. */
export const KeepShape = Type.Object(
  {
    until: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d{2}-\\d{2}$',
        patternErrorMessage: 'a date like 2031-12-31',
        description: 'The last day on which it has to be there.',
      }),
    ),
    for: Type.Optional(
      Type.String({
        pattern: '^[1-9]\\d{0,3}(d|mo|y)$',
        patternErrorMessage: 'days, months or years, like 90d, 18mo or 7y',
        description: 'The same, counted from the day on which the copy is made: 90d, 18mo, 7y.',
      }),
    ),
    by: Type.String({ minLength: 1, maxLength: 200, description: 'Who may delete it after that.' }),
    why: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'Which rule or decision says so.' })),
  },
  { additionalProperties: false, description: 'How long the copy is kept, and who may delete it then.' },
);
export type Keep = Static<typeof KeepShape>;

/** The same of a copy that is there. */
export interface Kept {
  /** `2031-12-31`, in UTC: the last day. */
  readonly until: string;
  readonly by: string;
  readonly why?: string;
}

/** What is wrong with it; undefined where nothing is. */
export function badKeep(keep: Keep | undefined): string | undefined {
  if (keep === undefined) return undefined;
  const { until } = keep;
  if ((until === undefined) === (keep.for === undefined)) return '"keep" wants either "until" or "for"';
  return until !== undefined && dayOf(new Date(`${until}T00:00:00Z`)) !== until
    ? `"${until}" in "keep" is no day of the calendar`
    : undefined;
}

/** `made`: when the copy was. Where a month is too short for the day, its last one. */
export function keptFrom({ until, for: term, by, why }: Keep, made: Date): Kept {
  return { until: until ?? after(made, term ?? ''), by, ...(why === undefined ? {} : { why }) };
}

function after(made: Date, term: string): string {
  const [, count = '0', unit] = /^(\d+)(d|mo|y)$/.exec(term) ?? [];
  const [year, month, day] = [made.getUTCFullYear(), made.getUTCMonth(), made.getUTCDate()];
  if (unit === 'd') return dayOf(new Date(Date.UTC(year, month, day + Number(count))));
  const months = month + Number(count) * (unit === 'y' ? 12 : 1);
  const last = new Date(Date.UTC(year, months + 1, 0)).getUTCDate();
  return dayOf(new Date(Date.UTC(year, months, Math.min(day, last))));
}

const dayOf = (date: Date): string => (Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10));
