import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Head, nextLine } from '../../src/core/chain.ts';
import { jcs, sha256 } from '../../src/core/json.ts';
import { readChain } from '../fakes/read-chain.ts';

const first = 'f'.repeat(64);
const ts = '2026-01-02T03:04:05.000Z';

function log(lines: number): Buffer {
  let head: Head = { size: 0, hash: first };
  const parts: Uint8Array[] = [];
  for (let i = 0; i < lines; i++) {
    const line = nextLine(head, { type: 'session.closed', why: `line ${i}`, exit: 0 }, ts);
    head = line.head;
    parts.push(line.bytes);
  }
  return Buffer.concat(parts);
}

const whole = log(6);
const told = readChain(whole, first).events;

test('whatever bytes stand in a log, it is read to where it is good, and never ends the reader', () => {
  const pieces = fc.constantFrom(
    ...[
      '{',
      '}',
      '"v":1',
      '"seq":0',
      ',',
      `"prev":"${first}"`,
      '"type":"run.opened"',
      `"ts":"${ts}"`,
      '\n',
      '\0',
      '\ud800',
      'ö',
      '[',
      '1e400',
    ],
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: pieces, maxLength: 30 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, (some) => {
      const { events, good, torn, head } = readChain(some, first);
      expect(events.length).toBe(head.size);
      expect(good + torn).toBeLessThanOrEqual(some.length);
    }),
    { numRuns: 1000 },
  );
});

test('a log in which anything was taken out, put in, moved or changed gives no line that is not the original’s, but for its last', () => {
  const place = fc.nat(whole.length);
  fc.assert(
    fc.property(place, place, place, fc.uint8Array({ maxLength: 40 }), (from, length, to, put) => {
      const taken = whole.subarray(from, Math.min(whole.length, from + (length % 300)));
      const rest = Buffer.concat([whole.subarray(0, from), whole.subarray(from + taken.length)]);
      const at = to % (rest.length + 1);
      for (const changed of [
        Buffer.concat([rest.subarray(0, at), put, rest.subarray(at)]),
        Buffer.concat([rest.subarray(0, at), taken, rest.subarray(at)]),
        Buffer.concat([whole.subarray(0, from), taken, whole.subarray(from)]),
      ]) {
        const { events } = readChain(changed, first);
        // What comes last is vouched for by no line after it.
        expect(events.slice(0, -1)).toEqual(told.slice(0, Math.max(0, events.length - 1)));
        expect(events.length).toBeLessThanOrEqual(told.length + 1);
      }
    }),
    { numRuns: 1000 },
  );
});

test('lines that somebody chained well, and that decom does not write, never end the reader', () => {
  const types = fc.constantFrom(
    ...[
      'run.opened',
      'session.opened',
      'step.started',
      'step.verified',
      'operation.intended',
      'operation.done',
      'plan.amended',
    ],
    ...['run.parked', 'gate.blocked', 'rollback.opened', 'run.closed', 'head.kept', '__proto__', 'toString', ''],
  );
  const keys = fc.constantFrom(
    ...[
      'step',
      'attempt',
      'n',
      'receipt',
      'evidence',
      'operation',
      'run',
      'intent',
      'seal',
      'signature',
      'why',
      'until',
      'trouble',
      '__proto__',
      'constructor',
    ],
  );
  const values = fc.oneof(
    fc.constantFrom<unknown>('x', 'a-step', '', 0, 1, -1, null, true, [], {}, [null], { code: 'x' }),
    fc.jsonValue({ maxDepth: 2 }).filter((value) => JSON.stringify(value).length < 500),
  );
  const lines = fc.array(fc.tuple(types, fc.array(fc.tuple(keys, values), { maxLength: 5 })), { maxLength: 6 });
  fc.assert(
    fc.property(lines, (some) => {
      let prev = first;
      const parts: Buffer[] = [];
      for (const [seq, [type, fields]] of some.entries()) {
        let text: string;
        try {
          text = jcs({ ...Object.fromEntries(fields), v: 1, seq, ts, type, prev } as Parameters<typeof jcs>[0]);
        } catch {
          // No number of JSON's that the log may hold.
          return;
        }
        const line = Buffer.from(`${text}\n`);
        parts.push(line);
        prev = sha256(line);
      }
      const { events, breach } = readChain(Buffer.concat(parts), first);
      expect(events.length === some.length || breach !== undefined).toBe(true);
    }),
    { numRuns: 1500 },
  );
});
