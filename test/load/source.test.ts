import { describe, expect, it } from 'vitest';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import { plainValue } from '../../src/load/node.ts';
import { maxDepth, parseSource } from '../../src/load/source.ts';

const read = (text: string | Uint8Array) =>
  parseSource(typeof text === 'string' ? new TextEncoder().encode(text) : text, 'a.yaml');
const complaints = (text: string | Uint8Array): readonly string[] => {
  const result = read(text);
  return result.ok ? [] : result.error.map(diagnosticText);
};

describe('a source', () => {
  it('keeps every scalar exactly as written', () => {
    const result = read(
      'a: 0012345\nb: 7E12345\nc: yes\nd: 0x1F\ne: "0"\nf: 1e400\ng: 2024-01-01\nh: .inf\ni: ""\nj: "null"\nk: 9007199254740993\n',
    );
    expect(result.ok && plainValue(result.value)).toEqual({
      a: '0012345',
      b: '7E12345',
      c: 'yes',
      d: '0x1F',
      e: '0',
      f: '1e400',
      g: '2024-01-01',
      h: '.inf',
      i: '',
      j: 'null',
      k: '9007199254740993',
    });
  });

  it('knows the place of every key and value, in UTF-16 units, with a mark at its head and CRLF', () => {
    const result = read('\uFEFFä: 1\r\n"😀": [x,  y]\r\n');
    expect(result).toEqual({
      ok: true,
      value: {
        kind: 'map',
        place: { file: 'a.yaml', line: 1, column: 1 },
        entries: [
          {
            key: 'ä',
            place: { file: 'a.yaml', line: 1, column: 1 },
            value: { kind: 'text', text: '1', place: { file: 'a.yaml', line: 1, column: 4 } },
          },
          {
            key: '😀',
            place: { file: 'a.yaml', line: 2, column: 1 },
            value: {
              kind: 'list',
              place: { file: 'a.yaml', line: 2, column: 7 },
              items: [
                { kind: 'text', text: 'x', place: { file: 'a.yaml', line: 2, column: 8 } },
                { kind: 'text', text: 'y', place: { file: 'a.yaml', line: 2, column: 12 } },
              ],
            },
          },
        ],
      },
    });
  });

  it('takes keys that programs stumble over as plain keys', () => {
    const result = read('__proto__: x\nconstructor: y\n');
    expect(result.ok && Object.entries(plainValue(result.value) ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('may be nested to the limit and no deeper', () => {
    const nested = (depth: number) => `a: ${'['.repeat(depth - 2)}x${']'.repeat(depth - 2)}\n`;
    expect(complaints(nested(maxDepth))).toEqual([]);
    expect(complaints(nested(maxDepth + 1))).toEqual(['a.yaml:1:67  nested more than 64 deep. Write it flatter.']);
  });

  it.each<[string, string | Uint8Array, readonly string[]]>([
    [
      'an anchor and its alias',
      'a: &x 1\nb: *x\n',
      [
        'a.yaml:1:4  the anchor &x is not allowed. Remove it.',
        'a.yaml:2:4  the alias *x is not allowed. Write the value out where it is used.',
      ],
    ],
    [
      'an anchor on a key and on a mapping',
      '&k a: 1\nb: &m\n  c: 1\n',
      ['a.yaml:1:4  the anchor &k is not allowed. Remove it.', 'a.yaml:2:4  the anchor &m is not allowed. Remove it.'],
    ],
    ['a merge key', 'a: 1\n<<: 2\n', ['a.yaml:2:1  the merge key << is not allowed. Write the keys out.']],
    [
      'tags',
      'a: !!int 3\nb: !secret x\n',
      [
        'a.yaml:1:4  the tag !!int is not allowed. Remove it: types come from the schema.',
        'a.yaml:2:4  the tag !secret is not allowed. Remove it: types come from the schema.',
      ],
    ],
    [
      'a key given twice',
      'a: 1\nb: 2\n"a": 3\n',
      ['a.yaml:3:1  "a" is given twice; the first is at line 1, column 1. Remove one of them.'],
    ],
    [
      'values left out',
      'a:\nb: ~\nc: null\nd:\n  -\n  - x\ne: { f: , g: 1 }\n',
      [
        'a.yaml:1:1  "a" has no value. Write one, or "" for an empty text, or remove the line.',
        'a.yaml:2:1  "b" has no value. Write one, or "" for an empty text, or remove the line.',
        'a.yaml:3:1  "c" has no value. Write one, or "" for an empty text, or remove the line.',
        'a.yaml:5:4  a list item has no value. Write one, or "" for an empty text, or remove the line.',
        'a.yaml:7:6  "f" has no value. Write one, or "" for an empty text, or remove the line.',
      ],
    ],
    [
      'several documents',
      'a: 1\n---\nb: 2\n',
      ['a.yaml:2:1  a second YAML document begins here. Put it in a file of its own.'],
    ],
    ['nothing', '', ['a.yaml:1:1  the file is empty. Write its content, or remove the file.']],
    ['nothing but comments', '# x\n', ['a.yaml:1:1  the file is empty. Write its content, or remove the file.']],
    ['a key that is a list', '? [a]\n: 1\n', ['a.yaml:1:3  a key is missing or is not a text. Write "name: value".']],
    ['a tab as indentation', 'a:\n\tb: 1\n', ['a.yaml:2:1  a tab is used for indentation. Use spaces.']],
    [
      'an indentation that does not fit',
      'a:\n    b: 1\n  c: 2\n',
      ['a.yaml:3:1  the indentation does not fit the lines above. Align it with its neighbours.'],
    ],
    [
      'a colon too many',
      'a: b: c\n',
      [
        'a.yaml:1:4  not YAML: nested mappings are not allowed in compact mappings. Check colons, indentation and quotes here; quote texts that hold ": ".',
      ],
    ],
    ['a quote left open', 'a: "x\n', ['a.yaml:2:1  a " is opened above and not closed before here. Close it.']],
    [
      'a reserved character',
      'a: @x\n',
      ['a.yaml:1:4  not YAML: plain value cannot start with reserved character @. Put the text in quotes.'],
    ],
    ['a directive', '%FOO x\n---\na: 1\n', ['a.yaml:1:1  unknown directive %FOO. Remove the line.']],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x61, 0]), ['a.yaml:1:1  the file is in UTF-16. Save it as UTF-8.']],
    [
      'UTF-16 without a mark',
      new Uint8Array([0x61, 0, 0x3a, 0]),
      ['a.yaml:1:2  a NUL byte is in the text (byte 1). Remove it, or save the file as UTF-8.'],
    ],
    [
      'Latin-1',
      new Uint8Array([...Buffer.from('ä: 1\nb: "'), 0xe4, 0x22, 0x0a]),
      ['a.yaml:2:5  byte 0xe4 (byte 10) is not UTF-8. Save the file as UTF-8.'],
    ],
    [
      'a character cut off at the end',
      new Uint8Array([...Buffer.from('a: '), 0xe2, 0x82]),
      ['a.yaml:1:4  byte 0xe2 (byte 3) is not UTF-8. Save the file as UTF-8.'],
    ],
    [
      'a control character',
      'a: \u001b[31m\n',
      ['a.yaml:1:4  the control character 0x1b is in the text (byte 3). Remove it, or save the file as UTF-8.'],
    ],
    [
      'ten megabytes',
      new Uint8Array(10 * 1024 * 1024).fill(0x61),
      ['a.yaml:1:1  the file is 10.0 MiB large; at most 1 MiB is read. Is it the right file?'],
    ],
  ])('with %s is refused in its place', (_, text, expected) => {
    expect(complaints(text)).toEqual(expected);
  });

  it.each([
    ['brackets', '['],
    ['braces', '{a: '],
    ['dashes', '- '],
    ['question marks', '? '],
  ])('that is a bomb of %s is refused before it costs anything', (_, piece) => {
    const before = process.cpuUsage();
    const found = complaints(piece.repeat(1_048_576 / piece.length));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^a\.yaml:1:\d+ {2}nested more than 64 deep\. Write it flatter\.$/);
    // Composing such a file takes seconds, or the stack. Time of the processor: on a busy machine everything takes long.
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1500);
  });

  it('that is a billion laughs is refused for its anchors, in time', () => {
    const lines = ['a0: &a0 [x, x]'];
    for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`);
    const found = complaints(lines.join('\n'));
    expect(found[0]).toBe('a.yaml:1:5  the anchor &a0 is not allowed. Remove it.');
    expect(found).toHaveLength(30 + 58);
  });
});
