import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HoursWindow, type Opening, type Weekday, type Window, weekdays } from '../../src/core/window.ts';
import { nextOpening, windowComplaint } from '../../src/load/opening.ts';

const minute = 60_000;
const days: readonly Weekday[] = weekdays;
const workdays: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri'];
const hours = (from: string, to: string, timezone: string, more: Partial<HoursWindow> = {}): HoursWindow => ({
  ...{ days, from, to, timezone, except: [] },
  ...more,
});
const cron = (pattern: string, minutes: number, timezone: string, except: readonly string[] = []): Window => ({
  ...{ cron: pattern, for: minutes * minute, timezone, except },
});

const judged = (window: Window, at: string): Opening => {
  const opening = nextOpening(window, new Date(at));
  if (!opening.ok) throw new Error(opening.error.what);
  return opening.value;
};
const open = (until: string | null): Opening => ({ open: true, until: until === null ? null : new Date(until) });
const shut = (opens: string): Opening => ({ open: false, opens: new Date(opens) });

describe('a window at an instant', () => {
  const night = hours('22:00', '05:00', 'Europe/Moscow', { days: workdays });
  const weekend = hours('00:00', '24:00', 'Europe/Moscow', { days: ['sun', 'sat'] });
  const gap = hours('02:15', '02:45', 'Europe/Berlin');
  const across = hours('01:30', '03:30', 'Europe/Berlin');
  const yearEnd = hours('22:00', '05:00', 'Europe/Moscow', { except: ['2026-12-31'] });
  const leap = hours('22:00', '02:00', 'UTC', { days: ['tue'] });
  const pattern = cron('0 22 * * 1-5', 420, 'Europe/Moscow');
  const berlin = cron('30 2 * * *', 120, 'Europe/Berlin');
  it.each<[string, Window, string, Opening]>([
    ['is open from the minute that it names', night, '2026-11-23T19:00:00Z', open('2026-11-24T02:00:00Z')],
    ['is closed a millisecond before', night, '2026-11-23T18:59:59.999Z', shut('2026-11-23T19:00:00Z')],
    ['is open after midnight', night, '2026-11-23T23:30:00Z', open('2026-11-24T02:00:00Z')],
    ['is closed at the minute that it ends', night, '2026-11-24T02:00:00Z', shut('2026-11-24T19:00:00Z')],
    ['has of Friday’s night the Saturday morning', night, '2026-11-27T23:00:00Z', open('2026-11-28T02:00:00Z')],
    ['has of Sunday’s night no Monday morning', night, '2026-11-29T23:00:00Z', shut('2026-11-30T19:00:00Z')],
    ['of two whole days closes after the second', weekend, '2026-11-28T12:00:00Z', open('2026-11-29T21:00:00Z')],
    ['of whole days opens at midnight', weekend, '2026-11-27T12:00:00Z', shut('2026-11-27T21:00:00Z')],
    ['of every hour never closes', hours('00:00', '24:00', 'UTC'), '2026-11-28T12:00:00Z', open(null)],
    ['in the hour that is skipped does not open that day', gap, '2026-03-29T00:00:00Z', shut('2026-03-30T00:15:00Z')],
    [
      'across the hour that is skipped is an hour shorter',
      across,
      '2026-03-29T00:30:00Z',
      open('2026-03-29T01:30:00Z'),
    ],
    ['in the hour that comes twice opens once', gap, '2026-10-25T00:00:00Z', shut('2026-10-25T00:15:00Z')],
    ['and a second time', gap, '2026-10-25T00:45:00Z', shut('2026-10-25T01:15:00Z')],
    [
      'across the hour that comes twice is an hour longer',
      across,
      '2026-10-24T23:30:00Z',
      open('2026-10-25T02:30:00Z'),
    ],
    [
      'on an excepted date does not open, also after its midnight',
      yearEnd,
      '2026-12-31T19:30:00Z',
      shut('2027-01-01T19:00:00Z'),
    ],
    ['goes over the end of the year', yearEnd, '2026-12-30T22:00:00Z', open('2026-12-31T02:00:00Z')],
    ['opens on a leap day', leap, '2028-02-28T12:00:00Z', shut('2028-02-29T22:00:00Z')],
    ['goes from a leap day into March', leap, '2028-03-01T01:59:59Z', open('2028-03-01T02:00:00Z')],
    ['by a pattern opens when it names', pattern, '2026-11-23T18:59:59.999Z', shut('2026-11-23T19:00:00Z')],
    ['by a pattern is open at that very instant', pattern, '2026-11-23T19:00:00Z', open('2026-11-24T02:00:00Z')],
    ['by a pattern is open to its last millisecond', pattern, '2026-11-24T01:59:59.999Z', open('2026-11-24T02:00:00Z')],
    ['by a pattern is closed when its time is over', pattern, '2026-11-28T02:00:00Z', shut('2026-11-30T19:00:00Z')],
    [
      'by a pattern in the hour that is skipped opens after it',
      berlin,
      '2026-03-29T00:00:00Z',
      shut('2026-03-29T01:00:00Z'),
    ],
    [
      'by a pattern in the hour that comes twice opens once',
      berlin,
      '2026-10-25T01:00:00Z',
      open('2026-10-25T02:30:00Z'),
    ],
    [
      'by a pattern lasts as long as it says, whatever the clocks do',
      cron('30 1 * * *', 120, 'Europe/Berlin'),
      '2026-03-29T02:29:59Z',
      open('2026-03-29T02:30:00Z'),
    ],
    [
      'whose times run into one another stays open',
      cron('0 20,21 * * *', 90, 'UTC'),
      '2026-11-23T20:30:00Z',
      open('2026-11-23T22:30:00Z'),
    ],
    ['whose times never end never closes', cron('0 * * * *', 60, 'UTC'), '2026-11-23T20:30:00Z', open(null)],
    [
      'by a pattern does not open on an excepted date',
      cron('0 22 * * *', 420, 'Europe/Moscow', ['2026-11-23', '2026-11-24']),
      '2026-11-23T12:00:00Z',
      shut('2026-11-25T19:00:00Z'),
    ],
    [
      'by a pattern of a leap day waits for one',
      cron('0 0 29 2 *', 60, 'UTC'),
      '2026-11-23T12:00:00Z',
      shut('2028-02-29T00:00:00Z'),
    ],
    [
      'by a pattern of the year’s last minute crosses it',
      cron('59 23 31 12 *', 60, 'UTC'),
      '2027-01-01T00:30:00Z',
      open('2027-01-01T00:59:00Z'),
    ],
  ])('%s', (_what, window, at, opening) => {
    expect(judged(window, at)).toEqual(opening);
  });

  it('that never opens, or cannot be read, is trouble', () => {
    const never = nextOpening(cron('0 0 30 2 *', 60, 'UTC'), new Date('2026-11-23T00:00:00Z'));
    expect(never).toMatchObject({ ok: false, error: { code: 'window-never' } });
    const nowhere = nextOpening(hours('22:00', '05:00', 'Mars/Base'), new Date('2026-11-23T00:00:00Z'));
    expect(nowhere).toMatchObject({ ok: false, error: { code: 'window-unreadable' } });
  });

  it.each(['0 22 * *', '0 0 22 * * 1', '@daily', '0 25 * * *', '0 22 L * *', '0 22 * * 1#2', '', '0 22 * * *\n'])(
    'by the pattern "%s" is complained of',
    (text) => {
      expect(windowComplaint(cron(text, 60, 'UTC'), new Date('2026-11-23T00:00:00Z'))).toContain('cron pattern');
    },
  );
});

const swedish = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of a zone show, by another way than the one under test: the text of Sweden’s locale. */
function shown(at: number, timeZone: string): { readonly date: string; readonly time: string; readonly day: Weekday } {
  const format =
    swedish.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  swedish.set(timeZone, format);
  const [date = '', time = ''] = format.format(at).split(' ');
  return { date, time, day: weekdays[new Date(`${date}T12:00:00Z`).getUTCDay()] as Weekday };
}

/** By definition, without any reckoning of edges. */
function inHours(window: HoursWindow, at: number): boolean {
  const now = shown(at, window.timezone);
  const holds = (of: { readonly date: string; readonly day: Weekday }): boolean =>
    window.days.includes(of.day) && !window.except.includes(of.date);
  if (window.from < window.to) return now.time >= window.from && now.time < window.to && holds(now);
  const noon = Date.parse(`${now.date}T12:00:00Z`);
  const before = shown(noon - 86_400_000, 'UTC');
  return (now.time >= window.from && holds(now)) || (now.time < window.to && holds(before));
}

const two = (n: number): string => String(n).padStart(2, '0');
const time = fc.integer({ min: 0, max: 95 }).map((n) => `${two(Math.floor(n / 4))}:${two((n % 4) * 15)}`);
const zone = fc.constantFrom(
  'Europe/Berlin',
  'Europe/Moscow',
  'America/Havana',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'UTC',
);
/** Around the changes of the clocks, a leap day, the end of a year, and any other day. */
const instant = fc
  .tuple(
    fc.constantFrom(
      '2026-03-29',
      '2026-10-25',
      '2026-03-08',
      '2026-11-01',
      '2026-04-05',
      '2026-10-04',
      '2028-02-29',
      '2026-12-31',
      '2026-06-15',
    ),
    fc.integer({ min: -36 * 60, max: 36 * 60 }),
  )
  .map(([date, minutes]) => Date.parse(`${date}T00:00:00Z`) + minutes * minute);
const except = fc.subarray(['2026-03-29', '2026-10-25', '2026-12-31', '2028-02-29']);

/** The first minute, from that one on, of which it holds; within nine days. */
function firstMinute(from: number, holds: (at: number) => boolean): number | undefined {
  for (let at = Math.ceil(from / minute) * minute; at <= from + 9 * 86_400_000; at += minute) if (holds(at)) return at;
  return undefined;
}

describe('windows, against every single minute', () => {
  it('of hours open and close at the first minute that is in them or not', () => {
    fc.assert(
      fc.property(
        time,
        time,
        zone,
        fc.subarray([...weekdays], { minLength: 3 }),
        except,
        instant,
        (from, to, timezone, chosen, off, at) => {
          fc.pre(from !== to);
          const window: HoursWindow = { days: chosen, from, to, timezone, except: off };
          const opening = judged(window, new Date(at).toISOString());
          expect(opening.open).toBe(inHours(window, at));
          const turn = firstMinute(at, (minuteOf) => inHours(window, minuteOf) !== opening.open);
          if (turn === undefined) return;
          expect((opening.open ? opening.until : opening.opens)?.toISOString()).toBe(new Date(turn).toISOString());
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);

  it('by a pattern of a time a day open at the first minute that shows it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 1, max: 1800 }),
        fc.constantFrom('Europe/Berlin', 'Europe/Moscow', 'Asia/Kathmandu', 'UTC'),
        except,
        instant,
        (hour, at60, length, timezone, off, at) => {
          const window = cron(`${at60} ${hour} * * *`, length, timezone, off);
          const begins = (t: number): boolean => {
            const now = shown(t, timezone);
            return now.time === `${two(hour)}:${two(at60)}` && !off.includes(now.date);
          };
          const opening = judged(window, new Date(at).toISOString());
          const opened = firstMinute(at - length * minute + minute, begins);
          expect(opening.open).toBe(opened !== undefined && opened <= at);
          if (!opening.open) {
            expect(opening.opens.toISOString()).toBe(new Date(firstMinute(at, begins) ?? 0).toISOString());
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);
});
