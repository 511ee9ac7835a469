import { type HoursWindow, type Opening, weekdays } from '../core/window.ts';
import { changeBetween, dateAfter, instantsOf, wallClock, weekdayOf } from '../core/zoned-time.ts';

const day = 86_400_000;

/** Minutes since midnight of `22:00`; `24:00` is the end of the day. */
export const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

/**
 * A window of hours at an instant, by what the clocks of its zone show: an hour that is skipped is in no window, and one that comes twice is
 * in it twice. What is after midnight belongs to the day before. Undefined for one that never opens again.
 */
export function hoursAt(window: HoursWindow, at: Date): Opening | undefined {
  const now = at.getTime();
  const open = isOpen(window, now);
  // Between two dates on which it does not open there are at most six on which it is not to.
  const days = 8 * (window.except.length + 1);
  for (let i = 0; i < days; i++) {
    const turn = edges(window, now + i * day, now + (i + 1) * day).find((edge) => isOpen(window, edge) !== open);
    if (turn !== undefined) return open ? { open, until: new Date(turn) } : { open, opens: new Date(turn) };
  }
  return open ? { open, until: null } : undefined;
}

function isOpen({ from, to, days, except, timezone }: HoursWindow, at: number): boolean {
  const { date, minute } = wallClock(at, timezone);
  const [begins, ends] = [minutesOf(from), minutesOf(to)];
  const overnight = ends <= begins;
  if (overnight ? minute < begins && minute >= ends : minute < begins || minute >= ends) return false;
  const of = overnight && minute < ends ? dateAfter(date, -1) : date;
  return days.includes(weekdays[weekdayOf(of)] ?? 'sun') && !except.includes(of);
}

/** The instants after `after`, `until` included, at which it may open or close: its own times, midnight, and when the clocks are changed. */
function edges({ from, to, timezone }: HoursWindow, after: number, until: number): readonly number[] {
  const { date } = wallClock(after, timezone);
  const change = changeBetween(after, until, timezone);
  const shown = [-1, 0, 1, 2].flatMap((days) =>
    [0, minutesOf(from), minutesOf(to) % 1440].flatMap((minute) => instantsOf(dateAfter(date, days), minute, timezone)),
  );
  return [...shown, ...(change === undefined ? [] : [change])]
    .filter((edge) => edge > after && edge <= until)
    .sort((a, b) => a - b);
}
