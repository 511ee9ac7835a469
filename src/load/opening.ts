import { Cron } from 'croner';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { type CronWindow, type NextOpening, type Opening, type Window, windowWords } from '../core/window.ts';
import { wallClock } from '../core/zoned-time.ts';
import { hoursAt } from './hours.ts';

/** Most moments of a pattern that may fall on one date: one a minute, on a day of 25 hours. */
const mostADay = 1500;

/** Judges hours by the clocks of their zone, and patterns by croner. */
export const nextOpening: NextOpening = (window, at) => {
  try {
    const opening = 'cron' in window ? cronAt(window, at) : hoursAt(window, at);
    return opening === undefined ? never(window, at) : ok(opening);
  } catch (error) {
    return fail(
      trouble(
        'window-unreadable',
        `it cannot be told whether the window ${windowWords(window)} is open: ${(error as Error).message}`,
        'Correct "window" in the runbook; whether it can be read says: decom validate',
      ),
    );
  }
};

const never = (window: Window, at: Date): Result<Opening> =>
  fail(
    trouble(
      'window-never',
      `the window ${windowWords(window)} never opens after ${at.toISOString()}`,
      'Correct "window" in the runbook.',
    ),
  );

/** Why a window cannot be kept to; undefined where it can. */
export function windowComplaint(window: Window, at: Date): string | undefined {
  if ('cron' in window) {
    const complaint = patternComplaint(window);
    if (complaint !== undefined) return complaint;
  }
  const opening = nextOpening(window, at);
  return opening.ok ? undefined : opening.error.what;
}

function patternComplaint({ cron }: CronWindow): string | undefined {
  // croner knows further marks, which others read otherwise, and names for whole patterns, which hide their five fields.
  if (!/^([0-9*/,-]|[A-Za-z]{3})+( ([0-9*/,-]|[A-Za-z]{3})+){4}$/.test(cron)) {
    return `"${cron}" is not a cron pattern of five fields (minute, hour, day of the month, month, day of the week)`;
  }
  try {
    new Cron(cron, { mode: '5-part' });
    return undefined;
  } catch (error) {
    return `"${cron}" is not a cron pattern: ${(error as Error).message}`;
  }
}

/**
 * A pattern's window at an instant. It is open for `for` of elapsed time after each moment, whatever the clocks do meanwhile. A moment
 * belongs to the date that its zone shows then.
 */
function cronAt(window: CronWindow, at: Date): Opening | undefined {
  const job = new Cron(window.cron, { mode: '5-part', timezone: window.timezone });
  const most = mostADay * (window.except.length + 1);
  const after = (moment: Date): Date | undefined => {
    let next = job.nextRun(moment);
    for (let i = 0; next !== null && i < most; i++) {
      if (!window.except.includes(wallClock(next.getTime(), window.timezone).date)) return next;
      next = job.nextRun(next);
    }
    return undefined;
  };
  const ends = (moment: Date): number => moment.getTime() + window.for;
  let opened = after(new Date(at.getTime() - window.for - 1000));
  while (opened !== undefined && ends(opened) <= at.getTime()) opened = after(opened);
  if (opened === undefined) return undefined;
  if (opened > at) return { open: false, opens: opened };
  // Moments that come before the end keep it open.
  for (let i = 0; i < mostADay; i++) {
    const next = after(opened);
    if (next === undefined || next.getTime() > ends(opened)) return { open: true, until: new Date(ends(opened)) };
    opened = next;
  }
  return { open: true, until: null };
}
