import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCanonical } from '../../src/core/canonical.ts';

const judged = (text: string): boolean => {
  try {
    return isCanonical(text, JSON.parse(text) as object);
  } catch {
    return false;
  }
};
/** The library's word, by which what has no canonical form here (fractions, integers that are not safe) is left out. */
const byLibrary = (text: string): boolean => canonicalize(JSON.parse(text)) === text;

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', '', '1', '9', '10', '__proto__', 'é', 'ﬀ', '😀', '"', '\\', '\n', '\u007f', '\u2028'),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);
const leaf = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, 7, 999, 1000, 100_000, -1000, 9_007_199_254_740_991, -9_007_199_254_740_991),
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('at 5, e12, 3e5}', '1e3', '\u0001', '\b\f\n\r\t', '\u001f', '/', '\u007f'),
);
const { object } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 5 })
    // As a parser makes them: also "__proto__" is only a key.
    .map((entries) =>
      JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`),
    ),
}));

/** Other ways to write a number, and what else is no part of the canonical form, put where it changes no value. */
const otherwise = fc.constantFrom<(text: string, at: number) => string>(
  (text) => text.replace(/([:[,]-?\d*?)(0{3})(?=[,}\]])/, '$1e3'),
  (text) => text.replace(/([:[,]-?[1-9]\d*)(?=[,}\]])/, '$1.0'),
  (text) => text.replace(/([:[,])0(?=[,}\]])/, '$1-0'),
  (text) =>
    text.replace(/([:[,])(-?\d)(\d{4,})(?=[,}\]])/, (_, before, one, rest) => `${before}${one}.${rest}E${rest.length}`),
  (text, at) => `${text.slice(0, at)} ${text.slice(at)}`,
  (text) => text.replace(/([,:{}[\]])/, '$1 '),
  (text) => text.replace(/([,:{}[\]])/, '$1  '),
  (text) => `${text}\r`,
  (text) => text.replace('/', '\\/'),
  (text) => text.replace(/\\u00([01])([a-f])/, (_, a: string, b: string) => `\\u00${a}${b.toUpperCase()}`),
  (text) => text.replace(/"([a-z])/, (_, c: string) => `"\\u00${c.charCodeAt(0).toString(16)}`),
  (text) => text.replace(/^\{("[^"\\]*":(?:\d+|true|null)),/, '{$1,$1,'),
  (text) => text.replace(/^\{("[^"\\]*":(?:\d+|true|null)),("[^"\\]*":(?:\d+|true|null))/, '{$2,$1'),
);

test('says what the library says of every text, canonical or not', () => {
  let refused = 0;
  fc.assert(
    fc.property(
      object,
      fc.boolean(),
      fc.array(fc.tuple(otherwise, fc.nat(60)), { maxLength: 3 }),
      (value, sorted, ways) => {
        const straight = sorted ? (canonicalize(value) ?? '') : JSON.stringify(value);
        const text = ways.reduce((was, [way, at]) => {
          const bent = way(was, at);
          try {
            JSON.parse(bent);
            return bent.isWellFormed() ? bent : was;
          } catch {
            return was;
          }
        }, straight);
        if (!byLibrary(text)) refused++;
        expect([text, judged(text)]).toEqual([text, byLibrary(text)]);
      },
    ),
    { numRuns: 5000 },
  );
  expect(refused).toBeGreaterThan(1000);
});

test.each([
  ['an exponent that saves what a blank costs', '{"a":100000, "b":1}', '{"a":1e5,  "b":1}'],
  ['an exponent of a last member', '{"a":1000}', '{"a":1e3 }'],
  ['an exponent and blanks before the end of a line', '{"a":[1000]}', '{"a":[1e3 ]}'],
  ['an exponent with a sign', '{"a":10000}', '{"a":1e+4}'],
  ['a negative number with an exponent', '{"a":-1000}', '{"a":-1e3 }'],
  ['an exponent that saves what a key costs that comes twice', '{"a":1000000000}', '{"a":5,"a":1e9}'],
  ['keys that are numbers, in the order of numbers', '{"10":1,"9":1}', '{"9":1,"10":1}'],
  ['keys that are numbers, the wrong way round', '{"1":1,"2":1}', '{"2":1,"1":1}'],
  ['an escape in capital letters', '{"a":"\\u001f"}', '{"a":"\\u001F"}'],
])('does not take %s for the canonical form', (_, canonical, text) => {
  expect([judged(canonical.replace(', ', ',')), judged(text)]).toEqual([true, false]);
});

test.each([
  ['a fraction', '{"a":1.5}'],
  ['an integer that is not safe', '{"a":9007199254740993}'],
  ['half of a pair', '{"a":"\\ud800"}'],
])('takes %s for nothing that could be canonical', (_, text) => {
  expect(() => isCanonical(text, JSON.parse(text) as object)).toThrow(TypeError);
});
