/** What a clock on the wall shows in a zone. */
export interface WallClock {
  /** `2026-03-29`. */
  readonly date: string;
  /** Minutes since midnight, 0 to 1439. */
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether a name is one of the IANA time zone database. An offset like `+03:00` is no zone: it knows no summer time. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What the clocks of a zone show at an instant. Throws for a zone that is not known. */
export function wallClock(at: number, zone: string): WallClock {
  const part = Object.fromEntries(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const { year = '', month = '', day = '', hour, minute } = part;
  return { date: `${year.padStart(4, '0')}-${month}-${day}`, minute: Number(hour) * 60 + Number(minute) };
}

/**
 * The instants at which the clocks of a zone show a date and a time (minutes since midnight): none where summer time skips it, two where it
 * comes twice.
 */
export function instantsOf(date: string, minute: number, zone: string): readonly number[] {
  const naive = Date.parse(`${date}T00:00:00Z`) + minute * 60_000;
  const offsets = [-day, 0, day].map((ms) => offsetAt(naive + ms, zone));
  return [...new Set(offsets.map((offset) => naive - offset))]
    .filter((at) => naiveOf(at, zone) === naive)
    .sort((a, b) => a - b);
}

/** The first instant of a date in a zone, also where its midnight is skipped. */
export function startOfDate(date: string, zone: string): number {
  const [first] = instantsOf(date, 0, zone);
  if (first !== undefined) return first;
  const around = Date.parse(`${date}T00:00:00Z`);
  return changeBetween(around - day, around + day, zone) ?? around;
}

/** The first instant at which the clocks of a zone run otherwise than at `from`, if they do so at `to`; to the minute. */
export function changeBetween(from: number, to: number, zone: string): number | undefined {
  const offset = offsetAt(from, zone);
  if (offsetAt(to, zone) === offset) return undefined;
  let [before, after] = [Math.floor(from / 60_000), Math.ceil(to / 60_000)];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle * 60_000, zone) === offset) before = middle;
    else after = middle;
  }
  return after * 60_000;
}

/** Whether a text is a date that exists: `2028-02-29`. */
export function isDate(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

/** The date so many days later. */
export const dateAfter = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * day).toISOString().slice(0, 10);

/** The day of the week, 0 for Sunday. */
export const weekdayOf = (date: string): number => new Date(`${date}T00:00:00Z`).getUTCDay();

/** An instant as the clocks of a zone show it, with its offset from UTC: `2026-03-29T03:30:00+02:00`. */
export function zonedText(at: Date, zone: string): string {
  const offset = Math.round(offsetAt(at.getTime(), zone) / 60_000);
  const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const size = Math.abs(offset);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const day = 86_400_000;

/** What the clocks show, as if they ran by UTC. */
function naiveOf(at: number, zone: string): number {
  const { date, minute } = wallClock(at, zone);
  return Date.parse(`${date}T00:00:00Z`) + minute * 60_000 + (((at % 60_000) + 60_000) % 60_000);
}

const offsetAt = (at: number, zone: string): number => naiveOf(at, zone) - at;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  formats.set(zone, made);
  return made;
}
