import { expect, test } from 'vitest';
import { printable, printableLines } from '../../src/core/printable.ts';

test.each([
  ['plain text, кириллица, 日本語 and an emoji 🖥 stay', 'plain text, кириллица, 日本語 and an emoji 🖥 stay'],
  ['\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
  ['a\rb\nc\td', 'a\\rb\\nc\\td'],
  ['\u202egpj.exe', '\\u202egpj.exe'],
  ['\u009b31m', '\\x9b31m'],
  ['zero\u200bwidth', 'zero\\u200bwidth'],
  ['tag\u{e0041}', 'tag\\u{e0041}'],
  ['ap\u034fp\u3164 \u2800 \uffa0', 'ap\\u034fp\\u3164 \\u2800 \\uffa0'],
  ['web\ufe0f01 web\u{e0100}01', 'web\\ufe0f01 web\\u{e0100}01'],
  ['lone \ud800 surrogate', 'lone \\ud800 surrogate'],
])('text from outside is shown without anything that could move a cursor or turn its direction: %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('every C0 and C1 control character is written out', () => {
  for (let code = 0; code <= 0x9f; code += code === 0x1f ? 0x60 : 1) {
    expect(printable(String.fromCharCode(code))).toMatch(/^\\/);
  }
});

test('lines of a text are kept apart, and a final newline makes none of its own', () => {
  expect(printableLines('one\r\ntwo\u001b\n')).toEqual(['one', 'two\\x1b']);
  expect(printableLines('')).toEqual([]);
});
