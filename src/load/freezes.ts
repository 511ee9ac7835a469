import type { Diagnostic } from '../core/diagnostic.ts';
import type { WorkspaceFile } from '../core/host.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Freeze } from '../core/window.ts';
import { dateAfter, isDate, isZone, startOfDate } from '../core/zoned-time.ts';
import { placeAt, type SourceNode } from './node.ts';

type Written = NonNullable<WorkspaceFile['freezes']>[number];

interface Amiss {
  readonly at: 'from' | 'to';
  readonly what: string;
  readonly fix: string;
}

/** The freezes of a workspace whose settings `parseWorkspace` has read. */
export const freezesOf = ({ freezes = [], organisation }: WorkspaceFile): readonly Freeze[] =>
  freezes.map((freeze) => {
    const read = freezeOf(freeze, organisation?.timezone);
    if (!read.ok) throw new Error(`a freeze that was read before is ${read.error.what}`);
    return read.value;
  });

/** What is wrong with the times of freezes, each in its place. */
export const freezeFaults = ({ freezes = [], organisation }: WorkspaceFile, root: SourceNode): readonly Diagnostic[] =>
  freezes.flatMap((freeze, i) => {
    const read = freezeOf(freeze, organisation?.timezone);
    if (read.ok) return [];
    const { at, what, fix } = read.error;
    return [{ code: 'freeze', ...placeAt(root, ['freezes', i, at]), what: `"freezes[${i}].${at}" ${what}.`, fix }];
  });

function freezeOf({ from, to, why }: Written, zone: string | undefined): Result<Freeze, Amiss> {
  const begins = instantOf(from, 'from', zone);
  if (!begins.ok) return begins;
  const ends = instantOf(to, 'to', zone);
  if (!ends.ok) return ends;
  if (ends.value <= begins.value) {
    return fail({ at: 'to', what: 'is not after "from"', fix: 'Correct one of them.' });
  }
  return ok({ from: new Date(begins.value).toISOString(), to: new Date(ends.value).toISOString(), why });
}

/** Milliseconds. A date is its first instant, and as `to` the first one after it. */
function instantOf(text: string, at: Amiss['at'], zone: string | undefined): Result<number, Amiss> {
  const missing: Amiss = { at, what: `("${text}") does not exist`, fix: 'Correct it.' };
  if (!isDate(text.slice(0, 10))) return fail(missing);
  if (text.includes('T')) {
    const instant = Date.parse(text);
    return Number.isNaN(instant) ? fail(missing) : ok(instant);
  }
  if (zone === undefined || !isZone(zone)) {
    const what = `("${text}") is a date, and ${zone === undefined ? 'the organisation has no time zone' : `"${zone}" is no time zone`}`;
    return fail({ at, what, fix: 'Give organisation.timezone in decom.yaml: Europe/Moscow.' });
  }
  return ok(startOfDate(at === 'to' ? dateAfter(text, 1) : text, zone));
}
