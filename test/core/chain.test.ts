import { describe, expect, test } from 'vitest';
import { type Head, maxLine, nextLine } from '../../src/core/chain.ts';
import { folding } from '../../src/core/fold.ts';
import { sha256 } from '../../src/core/json.ts';
import { readLog } from '../../src/core/read-log.ts';
import { readChain } from '../fakes/read-chain.ts';

const first = 'f'.repeat(64);

function log(lines: number): Buffer {
  let head: Head = { size: 0, hash: first };
  const parts: Uint8Array[] = [];
  for (let i = 0; i < lines; i++) {
    const line = nextLine(head, { type: 'session.closed', why: `line ${i}`, exit: 0 }, '2026-01-02T03:04:05.000Z');
    head = line.head;
    parts.push(line.bytes);
  }
  return Buffer.concat(parts);
}

const lineStarts = (bytes: Buffer): number[] => {
  const starts = [0];
  for (let i = 0; i < bytes.length - 1; i++) if (bytes[i] === 0x0a) starts.push(i + 1);
  return starts;
};

describe('the chain', () => {
  test('reads back every line that was written, in order', () => {
    const reading = readChain(log(5), first);
    expect(reading.events.map((e) => e.seq)).toEqual([0, 1, 2, 3, 4]);
    expect(reading.breach).toBeUndefined();
    expect(reading.torn).toBe(0);
    expect(reading.good).toBe(log(5).length);
  });

  test('cut at every byte, it gives the good lines, and the rest as torn', () => {
    const whole = log(4);
    const starts = [...lineStarts(whole), whole.length];
    for (let length = 0; length <= whole.length; length++) {
      const reading = readChain(whole.subarray(0, length), first);
      const good = Math.max(...starts.filter((s) => s <= length));
      expect(reading.breach).toBeUndefined();
      expect(reading.good).toBe(good);
      expect(reading.torn).toBe(length - good);
    }
  });

  test('with any one bit of any byte before the last line flipped, it is refused', () => {
    const whole = log(3);
    const last = lineStarts(whole).at(-1) ?? 0;
    for (let at = 0; at < last; at++) {
      for (const bit of [0, 5]) {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        const reading = readChain(changed, first);
        expect([at, reading.breach !== undefined]).toEqual([at, true]);
      }
    }
  });

  test('names the line after a changed one, and says that the one before it was changed', () => {
    const text = log(3).toString().replace('line 1', 'line 9');
    expect(readChain(Buffer.from(text), first).breach).toEqual({
      line: 3,
      what: 'the line before this one was changed (line 2)',
    });
  });

  test.each([
    ['removed', (lines: string[]) => [lines[0], lines[2]], { line: 2, what: 'the line is numbered 2 where 1 belongs' }],
    [
      'doubled',
      (lines: string[]) => [lines[0], lines[1], lines[1], lines[2]],
      { line: 3, what: 'the line is numbered 1 where 2 belongs' },
    ],
    [
      'swapped',
      (lines: string[]) => [lines[1], lines[0], lines[2]],
      { line: 1, what: 'the line is numbered 1 where 0 belongs' },
    ],
  ])('with a line %s it is refused', (_name, change, breach) => {
    const lines = log(3).toString().trimEnd().split('\n');
    const reading = readChain(Buffer.from(`${change(lines).join('\n')}\n`), first);
    expect(reading.breach).toEqual(breach);
  });

  test('of another plan is refused at its first line', () => {
    expect(readChain(log(2), 'e'.repeat(64)).breach).toEqual({
      line: 1,
      what: 'the first line does not belong to this plan',
    });
  });

  test('with a zeroed sector at its end is torn, and in its middle is refused', () => {
    const whole = Buffer.concat([log(2), Buffer.alloc(512)]);
    expect(readChain(whole, first)).toMatchObject({ torn: 512, breach: undefined });
    const reordered = Buffer.concat([log(2), Buffer.alloc(1100), Buffer.from('"}\n')]);
    expect(readChain(reordered, first)).toMatchObject({ torn: 1103, breach: undefined });
    const middle = Buffer.concat([log(1), Buffer.alloc(512), Buffer.from('\n'), log(2)]);
    expect(readChain(middle, first).breach).toEqual({ line: 2, what: 'the line is damaged, and good lines follow it' });
  });

  test('refuses a record that is longer than a line may be', () => {
    expect(() =>
      nextLine({ size: 0, hash: first }, { type: 'session.closed', why: 'x'.repeat(70_000), exit: 0 }, 't'),
    ).toThrow(RangeError);
  });
});

/** A log as a disk gives it: never more than so many bytes at once. */
const inParts = (bytes: Buffer, size: number) => (at: number) => bytes.subarray(at, at + size);

describe('the chain, read a part at a time', () => {
  const sizes = [maxLine, 70_001, 131_072];
  const long = (lines: number): Buffer => {
    let head: Head = { size: 0, hash: first };
    const parts: Uint8Array[] = [];
    for (let i = 0; i < lines; i++) {
      const line = nextLine(
        head,
        { type: 'session.closed', why: 'x'.repeat(9000 * (i % 8)), exit: 0 },
        '2026-01-01T00:00:00.000Z',
      );
      head = line.head;
      parts.push(line.bytes);
    }
    return Buffer.concat(parts);
  };

  test.each([
    ['whole', (log: Buffer) => log],
    ['empty', () => Buffer.alloc(0)],
    ['cut in a line', (log: Buffer) => log.subarray(0, -20_000)],
    ['with an end that is no line, longer than any', (log: Buffer) => Buffer.concat([log, Buffer.alloc(200_000, 'x')])],
    [
      'with a line longer than any at its end',
      (log: Buffer) => Buffer.concat([log, Buffer.alloc(200_000, 'x'), Buffer.from('\n')]),
    ],
    ['with zeros at its end', (log: Buffer) => Buffer.concat([log, Buffer.alloc(200_000), Buffer.from('x\n')])],
    [
      'with a line longer than any in its middle',
      (log: Buffer) => Buffer.concat([log, Buffer.alloc(200_000, 'x'), Buffer.from('\n'), long(1)]),
    ],
    ['with a changed line', (log: Buffer) => Buffer.from(log.toString().replace('xxx', 'xyx'))],
  ])('is what it is as a whole: %s', (_, change) => {
    const bytes = change(long(24));
    const whole = readLog((at) => bytes.subarray(at), first, folding());
    expect(sizes.map((size) => readLog(inParts(bytes, size), first, folding()))).toEqual(sizes.map(() => whole));
  });

  test('tells each good line once, in order, with its hash', () => {
    const bytes = long(24);
    const told: unknown[] = [];
    const { head } = readLog(inParts(bytes, maxLine), first, folding(), ({ line, hash }) => told.push([line, hash]));
    const lines = bytes.toString().split('\n').slice(0, -1);
    expect(told).toEqual(lines.map((line, i) => [i + 1, sha256(`${line}\n`)]));
    expect([head.size, head.hash]).toEqual(told.at(-1));
  });
});

test('a line that begins with the mark of a byte order is not canonical, though a decoder drops it', () => {
  const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), log(1)]);
  expect(readChain(marked, first).breach).toEqual({ line: 1, what: 'the line is not canonical JSON' });
});

const planned = { type: 'step.planned', step: 'a', direction: 'forth', attempt: 1, operations: [] };
const sha = 'a'.repeat(64);
test.each([
  ['a file that is none', { ...planned, before: 5 }],
  ['no file where it has to', planned],
  ['null for a file', { ...planned, before: null }],
  ['a file in another folder', { ...planned, before: { sha256: `../../${sha}`, bytes: 1 } }],
  ['a list that reads like a hash', { ...planned, before: { sha256: [sha], bytes: 1 } }],
  ['a file without a size', { ...planned, before: { sha256: sha } }],
  ['a record of a trouble that is no file', { type: 'head.not-kept', size: 1, hash: sha, trouble: { blob: 'x' } }],
  ['no answer of what keeps a head', { type: 'head.kept', size: 1, hash: sha }],
  ['a step without a direction', { type: 'step.agreed', step: 'a' }],
])('a well chained line that has %s is none that decom writes, and ends no reader', (_, forged) => {
  const line = nextLine({ size: 0, hash: first }, forged as never, '2026-01-01T00:00:00.000Z');
  expect(readChain(line.bytes, first).breach).toEqual({ line: 1, what: 'the line is none that decom writes' });
});

test.each([
  ['a signature that is no text', { signature: 5 }],
  ['a seal that is no object', { seal: 5, signature: 'AAAA' }],
  ['a seal that is null', { seal: null, signature: 'AAAA' }],
  ['a key that is no text', { seal: { key: 5, principal: 'ada' }, signature: 'AAAA' }],
  ['a person that is no text', { seal: { key: 'ssh-ed25519 AAAA', principal: ['ada'] }, signature: 'AAAA' }],
])('a well chained line with %s is none that decom writes, and ends no reader', (_, forged) => {
  const session = { type: 'session.opened', operator: 'ada', control: 'here', pid: 1, tool: '0', unattended: true };
  const line = nextLine({ size: 0, hash: first }, { ...session, ...forged } as never, '2026-01-01T00:00:00.000Z');
  expect(readChain(line.bytes, first).breach).toEqual({ line: 1, what: 'the line is none that decom writes' });
});
