import type { Secret } from '../../core/secret.ts';
import { type Form, formsOf, type Unit, wholeOf } from './secret-forms.ts';

/** Takes secrets out of texts before they are shown or kept. */
export interface Redactor {
  add(secret: Secret): void;
  redact(text: string): string;
  /** The same for a text that may have been cut at either end, and so begin or end in the middle of a secret. */
  redactCut(text: string): string;
  /** The same for every text in a value as JSON knows them, but not for the names of its fields. */
  redactIn<T>(value: T): T;
}

/**
 * Least length in characters of a secret that is searched for, of a line of one that has several, and of a piece of one at a cut: taking every
 * "a" out of a log would hide the log, not the secret.
 */
export const shortestSecret = 4;

/** Fields of outcomes that hold the end of what a program printed. */
const cutFields: ReadonlySet<string> = new Set(['stdout_tail', 'stderr_tail', 'detail']);
/** Bytes that a `command` probe brings back of each stream at most: a shorter answer was not cut. */
const answerLimit = 65_536;

/**
 * Knows each secret in the forms it is likely to be printed in: as it is; with its letters escaped as JSON, URLs, HTML, shells or this
 * program write them; in hex; in base64, also within a longer base64 text (`user:secret` of HTTP's Basic), where its letters
 * depend on what stands before it. Any of them may be broken into lines. Of a secret of several lines each line counts as well.
 */
export function makeRedactor(): Redactor {
  const known = new Set<string>();
  const forms: Form[] = [];
  /** What finds the forms that may begin with a character: where one ends that begins there. */
  const beginning = new Map<string, ((text: string, at: number) => number | undefined)[]>();
  const redacted = (text: string, cut: boolean): string => {
    if (forms.length === 0 || text.length < shortestSecret) return text;
    const spans: Span[] = [...known].flatMap((value) => placesOf(value, text));
    for (let at = 0; at < text.length; at++) {
      for (const endOf of beginning.get(text[at] as string) ?? []) {
        const to = endOf(text, at);
        if (to !== undefined) spans.push({ from: at, to });
      }
    }
    if (cut) for (const form of forms) spans.push(...pieceAtStart(text, form), ...pieceAtEnd(text, form));
    return without(text, spans);
  };
  const within = (value: unknown, field: string): unknown => {
    if (typeof value === 'string')
      return redacted(value, cutFields.has(field) || Buffer.byteLength(value) >= answerLimit);
    if (Array.isArray(value)) return value.map((item) => within(item, field));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, within(inner, key)]));
  };
  return {
    add: (secret) => {
      const value = secret.reveal();
      for (const each of [value, ...value.split(/\r?\n/).map((line) => line.trim())]) {
        if (each.length < shortestSecret || known.has(each)) continue;
        known.add(each);
        for (const form of formsOf(each)) {
          forms.push(form);
          const endOf = finderOf(form);
          for (const start of new Set(form[0]?.starts.split(''))) {
            beginning.set(start, [...(beginning.get(start) ?? []), endOf]);
          }
        }
      }
    },
    redact: (text) => redacted(text, false),
    redactCut: (text) => redacted(text, true),
    redactIn: <T>(value: T) => within(value, '') as T,
  };
}

/** Where a form ends that begins at a place; of a very long one as its letters follow one another. */
function finderOf(form: Form): (text: string, at: number) => number | undefined {
  const whole = wholeOf(form);
  if (whole === undefined) {
    return (text, at) => {
      const ends = follow(form, 0, text, at);
      return ends.length > form.length ? ends.at(-1) : undefined;
    };
  }
  return (text, at) => {
    whole.lastIndex = at;
    return whole.test(text) ? whole.lastIndex : undefined;
  };
}

/** Characters of a text that are to be taken out. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Spans that overlap or touch become one `[redacted]`. */
function without(text: string, spans: readonly Span[]): string {
  let kept = '';
  let done = 0;
  let open = false;
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    if (from > done || !open) kept += `${text.slice(done, from)}[redacted]`;
    open = true;
    done = Math.max(done, to);
  }
  return kept + text.slice(done);
}

/** Wherever it stands as it is, which no other way of reading the text may hide. */
function placesOf(value: string, text: string): readonly Span[] {
  const found: Span[] = [];
  for (let from = text.indexOf(value); from !== -1; from = text.indexOf(value, from + 1)) {
    found.push({ from, to: from + value.length });
  }
  return found;
}

/** The end of a form whose beginning was cut off. */
function pieceAtStart(text: string, form: Form): readonly Span[] {
  for (let from = 1; from < form.length; from++) {
    const letters = lettersOf(form.slice(from));
    // Of a run that was cut, one letter may be left.
    if (letters + ((form[from - 1]?.letters ?? 1) > 1 ? 1 : 0) < shortestSecret) break;
    for (const skipped of leftOf(form[from - 1], text)) {
      const ends = follow(form, from, text, skipped);
      if (ends.length > form.length - from) return [{ from: 0, to: ends.at(-1) as number }];
    }
  }
  return [];
}

/** The beginning of a form whose end was cut off. */
function pieceAtEnd(text: string, form: Form): readonly Span[] {
  for (let from = Math.max(0, text.length - form.length * longestUnit); from < text.length; from++) {
    const ends = follow(form, 0, text, from);
    if (ends.length > form.length) continue;
    // The last of them may have taken what is the beginning of something longer: "&" of "&#38;".
    for (const units of [ends.length - 1, ends.length - 2]) {
      const end = endOfSome(form[units], text, ends[units]);
      const letters = lettersOf(form.slice(0, units)) + (end === ends[units] ? 0 : 1);
      if (end === undefined || letters < shortestSecret) continue;
      const left = text.slice(end);
      if (left === '' || isBegun(form[units], left)) return [{ from, to: text.length }];
    }
  }
  return [];
}

/** Behind the letters of a run that are there; where it was if none is. */
function endOfSome(unit: Unit | undefined, text: string, at: number | undefined): number | undefined {
  if (unit?.some === undefined || at === undefined) return at;
  unit.some.lastIndex = at;
  return unit.some.test(text) ? unit.some.lastIndex : at;
}

const lettersOf = (units: Form): number => units.reduce((sum, { letters }) => sum + letters, 0);

/** Characters that may stand for one letter: `\u{1f511}` after three more backslashes, or a quoted quote in JSON. */
const longestUnit = 20;

/** Where each unit ends that follows the one before it; the first is where they start. */
function follow(form: Form, first: number, text: string, start: number): readonly number[] {
  const ends = [start];
  let at = start;
  for (let n = first; n < form.length; n++) {
    const { sticky, later } = form[n] as Unit;
    const unit = n === 0 ? sticky : later;
    unit.lastIndex = at;
    if (!unit.test(text)) break;
    at = unit.lastIndex;
    ends.push(at);
  }
  return ends;
}

/** How many characters at the start of a text may be what a cut left of a letter: "F" of "%2F", or half of its bytes. */
function leftOf(unit: Unit | undefined, text: string): readonly number[] {
  const start = text.slice(0, longestUnit).toLowerCase();
  const lengths = new Set([0, /^\ufffd*/.exec(start)?.[0].length ?? 0]);
  for (const spelled of unit?.spelled ?? []) {
    for (let n = 1; n < spelled.length; n++) if (start.startsWith(spelled.slice(n))) lengths.add(spelled.length - n);
  }
  return [...lengths].flatMap((length) => [length, endOfSome(unit, text, length) ?? length]);
}

const isBegun = (unit: Unit | undefined, left: string): boolean =>
  /^\\{1,4}$|^\ufffd{1,3}$/.test(left) ||
  (unit?.spelled.some((spelled) => spelled.startsWith(left.toLowerCase())) ?? false);
