import { expect, test } from 'vitest';
import { type Head, nextLine, signedBytes } from '../../src/core/chain.ts';
import type { Event } from '../../src/core/event.ts';
import { folding } from '../../src/core/fold.ts';
import { type GoodLine, readLog } from '../../src/core/read-log.ts';
import { lineNamespace, type Seals, sealReader } from '../../src/core/seal.ts';
import { newSigningKey, type SigningKey } from '../../src/core/sshsig.ts';

const ts = '2026-01-01T00:00:00.000Z';
const first = 'f'.repeat(64);
const key = newSigningKey();
const other = newSigningKey();

/** A line: of a session with a key, of one without, signed by a key, or by nobody. */
type Part = 'opens signed' | 'opens unsigned' | 'ours' | 'other' | 'bare';

const eventOf = (part: Part): Event =>
  part === 'opens signed' || part === 'opens unsigned'
    ? {
        ...{ type: 'session.opened', operator: 'ada', control: 'here', pid: 1, tool: '0', unattended: true },
        ...(part === 'opens signed' ? { seal: { key: key.publicKey, principal: 'ada' } } : {}),
      }
    : { type: 'session.closed', why: 'done', exit: 0 };

function signatureOf(part: Part, head: Head, event: Event): string | undefined {
  const by = (signing: SigningKey): string => signing.sign(signedBytes(head, event, ts), lineNamespace);
  switch (part) {
    case 'opens signed':
      return 'by ada';
    case 'ours':
      return by(key);
    case 'other':
      return by(other);
    default:
      return undefined;
  }
}

/** Reads the log that these make. `patient`: what waits is settled after every line. */
async function sealsOf(parts: readonly Part[], of: 'sessions' | 'each', patient: boolean): Promise<Seals> {
  let head: Head = { size: 0, hash: first };
  const bytes = Buffer.concat(
    parts.map((part) => {
      const event = eventOf(part);
      const line = nextLine(head, event, ts, signatureOf(part, head, event));
      head = line.head;
      return line.bytes;
    }),
  );
  const lines: GoodLine[] = [];
  const { breach } = readLog(
    (at) => bytes.subarray(at),
    first,
    folding(),
    (line) => lines.push(line),
  );
  expect(breach).toBeUndefined();
  const seals = sealReader(of);
  for (const line of lines) {
    seals.take(line);
    if (patient) await seals.settled();
  }
  return seals.end();
}

const unlike = (session: number): string =>
  `its signature is not what the key of its session (line ${session}) makes of it`;
const bare = (session: number): string => `it is not signed, and its session (line ${session}) signs every line`;
const stray = 'it is signed, and its session has no key';

interface Expected {
  /** As it is told where each signature is verified. */
  readonly breach?: { readonly line: number; readonly what: string };
  readonly sessions: readonly number[];
}

test.each<[string, readonly Part[], Expected]>([
  ['all hold', ['opens signed', 'ours', 'ours'], { sessions: [1] }],
  [
    'there are several sessions',
    ['opens signed', 'ours', 'opens unsigned', 'bare', 'opens signed', 'ours'],
    { sessions: [1, 3, 5] },
  ],
  ['a session was cut off after its first line', ['opens signed', 'opens signed', 'ours'], { sessions: [1, 2] }],
  [
    'the last line is by another key',
    ['opens signed', 'ours', 'other'],
    { breach: { line: 3, what: unlike(1) }, sessions: [1] },
  ],
  [
    'the last line of an earlier session is',
    ['opens signed', 'other', 'opens signed', 'ours'],
    { breach: { line: 2, what: unlike(1) }, sessions: [1] },
  ],
  [
    'several are',
    ['opens signed', 'ours', 'other', 'other', 'opens unsigned'],
    { breach: { line: 3, what: unlike(1) }, sessions: [1] },
  ],
  [
    'a line is not signed',
    ['opens signed', 'ours', 'bare', 'ours'],
    { breach: { line: 3, what: bare(1) }, sessions: [1] },
  ],
  [
    'the last line is not signed',
    ['opens signed', 'ours', 'bare'],
    { breach: { line: 3, what: bare(1) }, sessions: [1] },
  ],
  [
    'one is by another key, and a later one is not signed',
    ['opens signed', 'other', 'bare'],
    { breach: { line: 2, what: unlike(1) }, sessions: [1] },
  ],
  ['the other way round', ['opens signed', 'bare', 'other'], { breach: { line: 2, what: bare(1) }, sessions: [1] }],
  [
    'a line is signed in a session that has no key',
    ['opens signed', 'ours', 'opens unsigned', 'ours'],
    { breach: { line: 4, what: stray }, sessions: [1, 3] },
  ],
])('signatures are judged in the order of their lines, whenever they are verified: %s', async (_, parts, expected) => {
  for (const patient of [false, true]) {
    const { sessions, breach } = await sealsOf(parts, 'each', patient);
    expect({ sessions: sessions.map(({ line }) => line), breach }).toEqual({ breach: undefined, ...expected });
    // To know that something is wrong, the last signature of each session is enough.
    expect((await sealsOf(parts, 'sessions', patient)).breach === undefined).toBe(expected.breach === undefined);
  }
});
