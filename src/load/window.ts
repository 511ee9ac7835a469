import type { Static } from 'typebox';
import * as Type from 'typebox';
import type { Diagnostic } from '../core/diagnostic.ts';
import { durationPattern, milliseconds } from '../core/duration.ts';
import { type Window, weekdays } from '../core/window.ts';
import { isDate, isZone } from '../core/zoned-time.ts';
import { checkNode } from './check.ts';
import { minutesOf } from './hours.ts';
import { entryOf, placeAt, type SourceNode } from './node.ts';

const clockTime = (pattern: string, description: string) =>
  Type.String({ pattern, patternErrorMessage: 'a time like "22:00"', description });
const date = '^\\d{4}-\\d{2}-\\d{2}$';

/** A window as written: hours, or a pattern with a length. */
export const WindowShape = Type.Object(
  {
    days: Type.Optional(
      Type.Array(Type.Enum([...weekdays], { description: 'A day of the week.' }), {
        minItems: 1,
        uniqueItems: true,
        description: 'Days on which it opens. Default every day.',
      }),
    ),
    from: Type.Optional(clockTime('^([01]\\d|2[0-3]):[0-5]\\d$', 'When it opens: "22:00". Default "00:00".')),
    to: Type.Optional(
      clockTime(
        '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$',
        'When it closes, on the next day where that is not after "from": "05:00". Default "24:00".',
      ),
    ),
    cron: Type.Optional(
      Type.String({ minLength: 1, description: 'Instead of hours: when it opens, in five fields: "0 22 * * 1-5".' }),
    ),
    for: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 30m or 7h',
        description: 'With "cron": how long it stays open.',
      }),
    ),
    timezone: Type.Optional(
      Type.String({ minLength: 1, description: 'IANA zone: Europe/Moscow. Default: that of the organisation.' }),
    ),
    except: Type.Optional(
      Type.Array(
        Type.String({
          pattern: date,
          patternErrorMessage: 'a date like 2026-12-31',
          description: 'A date on which it does not open.',
        }),
        { minItems: 1, maxItems: 400, uniqueItems: true, description: 'Dates on which it does not open.' },
      ),
    ),
  },
  {
    additionalProperties: false,
    description: 'When steps that change something may be begun. The innermost one holds.',
  },
);
export type WindowShape = Static<typeof WindowShape>;

/** What a window is judged with. */
export interface WindowContext {
  /** The organisation's zone, where it has one. */
  readonly timezone?: string;
  /** Says what is wrong with a window, or undefined. */
  readonly checkWindow?: (window: Window) => string | undefined;
}

/** Reads the window that a runbook, phase or step holds; undefined where it holds none, or one with faults, which are added. */
export function readWindow(
  holder: SourceNode,
  about: string,
  context: WindowContext,
  faults: Diagnostic[],
): Window | undefined {
  const node = entryOf(holder, 'window')?.value;
  if (node === undefined) return undefined;
  const { value, faults: misshapen } = checkNode(node, WindowShape);
  // These are told with the rest of what holds it.
  if (misshapen.length > 0) return undefined;
  const shape = value as WindowShape;
  const before = faults.length;
  const complain = (at: string | undefined, what: string, fix: string): void => {
    const place = at === undefined ? node.place : placeAt(node, [at]);
    faults.push({ code: 'window', ...place, what: `${about}"window": ${what}`, fix });
  };
  const { days, from, to, cron, for: length, except = [], timezone = context.timezone } = shape;
  const hours = days !== undefined || from !== undefined || to !== undefined;
  if (hours === (cron !== undefined || length !== undefined)) {
    complain(undefined, 'it has to be either hours or a pattern.', 'Give days, "from" and "to", or "cron" and "for".');
  } else if (!hours && (cron === undefined || length === undefined)) {
    complain(undefined, '"cron" and "for" go together.', 'Give both: { cron: "0 22 * * 1-5", for: 7h }.');
  }
  const [opens, closes] = [from ?? '00:00', to ?? '24:00'];
  if (hours && minutesOf(opens) === minutesOf(closes)) {
    complain('to', 'it opens and closes at the same time.', 'Leave out "from" and "to" for whole days.');
  }
  if (timezone === undefined) {
    const fix = 'Give "timezone" here, or under "organisation" in decom.yaml: Europe/Moscow.';
    complain(undefined, 'its time zone is not known.', fix);
  } else if (!isZone(timezone)) {
    const at = shape.timezone === undefined ? undefined : 'timezone';
    complain(at, `"${timezone}" is no time zone.`, 'Name one of the IANA database: Europe/Moscow.');
  }
  for (const one of except) {
    if (!isDate(one)) complain('except', `"${one}" is not a date that exists.`, 'Write it as 2026-12-31.');
  }
  if (faults.length > before || timezone === undefined) return undefined;
  const window: Window =
    cron !== undefined
      ? { cron, for: milliseconds(length ?? '') ?? 0, timezone, except }
      : { days: weekdays.filter((day) => days?.includes(day) ?? true), from: opens, to: closes, timezone, except };
  const complaint = context.checkWindow?.(window);
  if (complaint !== undefined) complain(undefined, `${complaint.replace(/\.$/, '')}.`, 'Correct it.');
  return complaint === undefined ? window : undefined;
}
