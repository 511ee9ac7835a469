import { expect, test } from 'vitest';
import {
  decodeName,
  type Entry,
  encodeName,
  encodePath,
  formatEntry,
  nameOf,
  parseEntry,
  readableName,
} from '../../src/core/mtree.ts';

const everyByte = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('');

test('every byte that a name may hold comes back from its encoded form', () => {
  expect(decodeName(encodeName(everyByte))).toBe(everyByte);
  for (const byte of everyByte) expect(decodeName(encodeName(byte))).toBe(byte);
});

test('an encoded name is printable ASCII without white space, comments, patterns or separators', () => {
  expect(encodeName(everyByte)).toMatch(/^[!-~]+$/);
  expect(encodeName(' \n#*?[]=,')).toBe('\\040\\012\\043\\052\\077\\133\\135\\075\\054');
  expect(encodePath('./срв')).toBe('./\\321\\201\\321\\200\\320\\262');
});

test('a name that looks encoded is told from the one that it encodes', () => {
  expect(encodeName('a\\040b')).toBe('a\\134040b');
  expect(decodeName('a\\134040b')).toBe('a\\040b');
});

test('names are shown in letters where that is safe, and encoded where it is not', () => {
  expect(readableName('./\\321\\201\\321\\200\\320\\262')).toBe('./срв');
  expect(readableName('./a\\012b')).toBe('./a\\012b');
  expect(readableName('./\\377')).toBe('./\\377');
});

const entries: readonly Entry[] = [
  { name: '.', type: 'dir' },
  {
    name: './a\\040b',
    type: 'file',
    mode: 0o4755,
    uid: 0,
    gid: 1000,
    size: 12,
    time: '1.000000000',
    tags: './a\\040b',
    sha256: 'a'.repeat(64),
  },
  { name: './l', type: 'link', uid: 1, gid: 2, time: '-5.500000000', link: 'to\\040x' },
  { name: './null', type: 'char', mode: 0o666, uid: 0, gid: 0, time: '0.000000000', device: 'linux,1,3' },
];

test.each(entries)('$name: the line of an entry reads as the entry', (entry) => {
  expect(parseEntry(formatEntry(entry))).toEqual(entry);
  expect(nameOf(formatEntry(entry))).toBe(entry.name);
});

test('lines are as mtree(5) has them', () => {
  expect(entries.slice(0, 2).map(formatEntry)).toEqual([
    '. type=dir',
    `./a\\040b type=file mode=4755 uid=0 gid=1000 size=12 time=1.000000000 tags=./a\\040b sha256=${'a'.repeat(64)}`,
  ]);
});

test.each([
  '',
  '/srv type=dir',
  './a',
  './a type=door',
  './a type=file mode=9',
  './a type=file size=-1',
  './a type=file size=99999999999999999999',
  './a type=file time=1.5',
  './a type=file sha256=abc',
  './a type=file colour=red',
  './a type=file  mode=0644',
])('%j is not a line of a manifest', (line) => {
  expect(parseEntry(line)).toBeUndefined();
});

test('a folder sorts before what is in it, and lines sort as their names do', () => {
  const names = ['./a', './a-b', './a/b', './a.b', './ab'].map((name) => formatEntry({ name, type: 'dir' }));
  expect([...names].sort().map(nameOf)).toEqual(['./a', './a-b', './a.b', './a/b', './ab']);
});
