import { jcs } from './json.ts';

/**
 * Whether a JSON text is the canonical form of the object that it holds. `value` is what `JSON.parse` makes of it. Throws where `value`
 * has no canonical form.
 *
 * To write every value again is what takes longest in reading a log. Mostly its length tells: a text without exponents is longer than the
 * canonical form by every blank, every `.0` and `-0`, every escape that need not be, and every key that comes twice; so one that is as long,
 * with its keys in order, is that form. But `\u001F` is as long as `\u001f`. Where this does not say yes, the library decides.
 */
export const isCanonical = (text: string, value: object): boolean =>
  (!text.includes('\\u') &&
    mapLength(value, text.includes('\\') ? escapedLength : plainLength) === text.length &&
    !exponent.test(text)) ||
  jcs(value) === text;

/** How long the canonical form of a string is, quotes included, where none of its characters is written as its number. */
type StringLength = (text: string) => number;
const plainLength: StringLength = (text) => text.length + 2;
function escapedLength(text: string): number {
  let length = text.length + 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x22 || code === 0x5c) length++;
  }
  return length;
}

/** The end of a number with an exponent, or what looks like one in a string. */
const exponent = /[eE][+-]?\d+\s*[,}\]]/;

/** The length of the canonical form. NaN where a key is out of order, or where this cannot tell. */
function lengthOf(value: unknown, string: StringLength): number {
  switch (typeof value) {
    case 'string':
      return string(value);
    case 'number':
      return Number.isSafeInteger(value) ? digits(value) : Number.NaN;
    case 'boolean':
      return value ? 4 : 5;
    case 'object':
      return value === null ? 4 : Array.isArray(value) ? listLength(value, string) : mapLength(value, string);
    default:
      return Number.NaN;
  }
}

/** As many as an integer is written with, its sign included. */
function digits(value: number): number {
  let count = value < 0 ? 2 : 1;
  for (let rest = Math.abs(value); rest >= 10; rest = Math.floor(rest / 10)) count++;
  return count;
}

function listLength(list: readonly unknown[], string: StringLength): number {
  let length = list.length === 0 ? 2 : list.length + 1;
  for (const item of list) length += lengthOf(item, string);
  return length;
}

function mapLength(map: object, string: StringLength): number {
  let length = 1;
  let before: string | undefined;
  for (const key in map) {
    // Keys that are numbers come first in an object, wherever they stood in the text.
    if ((before !== undefined && key <= before) || isDigit(key.charCodeAt(0))) return Number.NaN;
    length += string(key) + 2 + lengthOf((map as { readonly [key: string]: unknown })[key], string);
    before = key;
  }
  return before === undefined ? 2 : length;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
