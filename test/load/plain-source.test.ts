import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { plainSource } from '../../src/load/plain-source.ts';
import { parsed } from '../../src/load/source.ts';

const runbooks = new URL('../../runbooks/', import.meta.url);
const shipped = (readdirSync(runbooks, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => [file, readFileSync(new URL(file, runbooks), 'utf8')] as const);

test.each(shipped)('%s is read without the YAML parser, and to the same tree', (file, text) => {
  const plain = plainSource(text, file);
  expect(plain).toBeDefined();
  expect(parsed(text, file)).toEqual({ ok: true, value: plain });
});

test.each([
  ['nothing', ''],
  ['a document marker', '---\na: b\n'],
  ['a second document', 'a: b\n---\nc: d\n'],
  ['a directive', '%YAML 1.2\n---\na: b\n'],
  ['a tab', 'a:\tb\n'],
  ['a carriage return', 'a: b\r\n'],
  ['an anchor', 'a: &x b\n'],
  ['an alias', 'a: *x\n'],
  ['a tag', 'a: !!str b\n'],
  ['a merge key', '<<: b\n'],
  ['a key twice', 'a: b\na: c\n'],
  ['a key twice within braces', 'a: { b: c, b: d }\n'],
  ['a quoted key', '"a": b\n'],
  ['a key with a space', 'a b: c\n'],
  ['no value', 'a:\nb: c\n'],
  ['an empty value', 'a: null\n'],
  ['an empty item', 'a: [b, ~]\n'],
  ['a text that is kept line by line', 'a: |\n  b\n'],
  ['a text that is folded', 'a: >-\n  b\n'],
  ['a text that goes on', 'a: b\n  c\n'],
  ['an item that goes on', 'a:\n  - b\n    c\n'],
  ['an escape', 'a: "b\\n"\n'],
  ['a doubled quote', "a: 'b''c'\n"],
  ['quotes that are not closed', 'a: "b\n'],
  ['brackets over two lines', 'a: [b,\n  c]\n'],
  ['words after brackets', 'a: [b] c\n'],
  ['a colon in a text', 'a: b: c\n'],
  ['a pair in a list', 'a: [b: c]\n'],
  ['a comma at the end', 'a: [b, ]\n'],
  ['a list in a list', '- - a\n'],
  ['a list beside its key', 'a:\n- b\n'],
  ['lines that do not fit', 'a:\n    b: c\n  d: e\n'],
  ['what begins within', '  a: b\n'],
  ['a line of more than 4096 characters', `a: ${'b'.repeat(4094)}\n`],
])('%s is left to the YAML parser', (_, text) => {
  expect(plainSource(text, 'a.yaml')).toBeUndefined();
});

test.each([
  ['no end of line', 'a: b'],
  ['comments', '# one\na: b # two\n    # three\nc: "# four" # five\nd: e#six\n'],
  ['a line of 4096 characters', `a: ${'b'.repeat(4093)}\n`],
  ['spaces that are not ASCII at the end', 'a: b\u00a0 \nc: [d\u00a0 ]\n'],
  ['spaces at the end', 'a: b  \nc: [d]  \ne: "f" \n'],
  ['a dash and a colon within', 'a: -b\nc: [-d, e:f]\ng: http://h\ni: j-k\n'],
  ['keys like those of every object', '__proto__: a\nconstructor: { toString: b }\n'],
  ['what is not ASCII', 'a: é 😀\nb: "\u2028"\nc: [ü, "ß"]\nd:   e\n'],
  ['lists of mappings of lists', '- a: b\n  c:\n    - d: [e]\n      f: {}\n    - g\n-   h: []\n    i: j\n'],
])('%s are read as the YAML parser reads them', (_, text) => {
  const plain = plainSource(text, 'a.yaml');
  expect(plain).toBeDefined();
  expect(parsed(text, 'a.yaml')).toEqual({ ok: true, value: plain });
});

test.each([
  ['a text', `a: b${' '.repeat(2_000_000)}c\n`],
  ['an item within brackets', `a: [b${' '.repeat(2_000_000)}c]\n`],
  ['nothing', `${' '.repeat(2_000_000)}\n`],
])('a line of two million spaces around %s is left to the YAML parser', (_, text) => {
  expect(plainSource(text, 'a.yaml')).toBeUndefined();
});

test('lines of spaces before a last word are read as the YAML parser reads them', () => {
  const wide = ' '.repeat(4000);
  const text = Array.from(
    { length: 200 },
    (_, i) => `a${i}: b${wide}c${wide.slice(0, 20)}\nb${i}: [d${wide}e ]\n`,
  ).join('');
  const plain = plainSource(text, 'a.yaml');
  expect(plain).toBeDefined();
  expect(parsed(text, 'a.yaml')).toEqual({ ok: true, value: plain });
});

test.each([
  ['at the top', (key: string) => `${key}: v\n`],
  ['within a mapping', (key: string) => `a:\n  b: c\n  ${key}: v\n`],
  ['in an item', (key: string) => `- ${key}: v\n`],
])('a key %s has at most 1024 characters, as for the YAML parser', (_, textOf) => {
  const longest = textOf('k'.repeat(1024));
  const plain = plainSource(longest, 'a.yaml');
  expect(plain).toBeDefined();
  expect(parsed(longest, 'a.yaml')).toEqual({ ok: true, value: plain });
  const longer = textOf('k'.repeat(1025));
  expect(parsed(longer, 'a.yaml').ok).toBe(false);
  expect(plainSource(longer, 'a.yaml')).toBeUndefined();
});

test('of shipped runbooks that were changed at random, whatever is read without the YAML parser is the same tree', () => {
  const pieces =
    ' |  |\n|\n  |\n    |\n\n|- |-|\n- |\n  - |- - x|: |:| #|#|"|\'|{|}|[|]|,|, |{}|[]|{ a: b }|[a, b]|a: b|key: v|a|~|null|\\|.|...|---|\n---\n|>|&|*|!|%|@|`|?|? |<<: x|=|$|x:y|http://x|é|\u00a0|\u2028|😀'
      .split('|')
      .concat('|', ': |');
  let seed = 20_250_101;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return (seed >> 8) % below;
  };
  const oneOf = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  let read = 0;
  for (let i = 0; i < 6000; i++) {
    const lines = oneOf(shipped)[1].split('\n');
    const from = random(lines.length);
    const some = lines.slice(from, from + 1 + random(12));
    const indent = Math.min(...some.map((line) => line.search(/\S|$/)));
    let text = some.map((line) => line.slice(indent)).join('\n');
    for (let changes = random(4); changes > 0; changes--) {
      const at = random(text.length + 1);
      text = text.slice(0, at) + (random(4) === 0 ? '' : oneOf(pieces)) + text.slice(at + random(3));
    }
    const plain = plainSource(text, 'a.yaml');
    if (plain === undefined) continue;
    read += 1;
    expect(parsed(text, 'a.yaml'), JSON.stringify(text)).toEqual({ ok: true, value: plain });
  }
  expect(read).toBeGreaterThan(500);
});
