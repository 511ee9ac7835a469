import { describe, expect, test } from 'vitest';
import { type Head, nextLine, readChain } from '../../src/core/chain.ts';

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
