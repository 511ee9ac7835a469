import { expect, test } from 'vitest';
import { type Head, nextLine, signedBytes } from '../../src/core/chain.ts';
import type { Event } from '../../src/core/event.ts';
import { folding } from '../../src/core/fold.ts';
import { readLog } from '../../src/core/read-log.ts';
import { checkpointNamespace, type SealReader, type Seals, sealReader } from '../../src/core/seal.ts';
import { newSigningKey, type SigningKey } from '../../src/core/sshsig.ts';

const ts = '2026-01-01T00:00:00.000Z';
const first = 'f'.repeat(64);
const closed: Event = { type: 'session.closed', why: 'done', exit: 0 };
const stray = { ...closed, signature: 'AAAA' } as Event;
const opened = (key: string | undefined): Event => ({
  ...{ type: 'session.opened', operator: 'ada', control: 'here', pid: 1, tool: '0', unattended: true },
  ...(key === undefined ? {} : { seal: { key, principal: 'ada' }, signature: 'by ada' }),
});

/** A line: an event as it is, a checkpoint by a key, or one whose signature is another's. */
type Part = Event | { readonly by: SigningKey };

/** Reads the log that these make; `each` is told every line, and may wait between them. */
async function sealsOf(
  parts: readonly Part[],
  each = async (_: SealReader): Promise<void> => undefined,
): Promise<Seals> {
  let head: Head = { size: 0, hash: first };
  const seals = sealReader();
  const lines = parts.map((part) => {
    const unsigned = { type: 'checkpoint' } as const;
    const event: Event =
      'by' in part && typeof part.by === 'object'
        ? { ...unsigned, signature: part.by.sign(signedBytes(head, unsigned, ts), checkpointNamespace) }
        : (part as Event);
    const line = nextLine(head, event, ts);
    head = line.head;
    return line.bytes;
  });
  const good: Parameters<SealReader['take']>[0][] = [];
  const bytes = Buffer.concat(lines);
  const { breach } = readLog(
    (at) => bytes.subarray(at),
    first,
    folding(),
    (line) => good.push(line),
  );
  expect(breach).toBeUndefined();
  for (const line of good) {
    seals.take(line);
    await each(seals);
  }
  return seals.settled();
}

const key = newSigningKey();
const other = newSigningKey();
const by = { by: key };
const unlike = 'its signature is not what the key of its session (line 1) makes of it';

test.each<
  [
    string,
    readonly Part[],
    { readonly covered: number; readonly breach: unknown; readonly sessions: readonly number[] },
  ]
>([
  ['all hold', [opened(key.publicKey), by, closed, by], { covered: 4, breach: undefined, sessions: [4] }],
  [
    'one is by another key',
    [opened(key.publicKey), by, { by: other }, by, opened(undefined)],
    { covered: 2, breach: { line: 3, what: unlike }, sessions: [2] },
  ],
  [
    'a line is signed that none of its type is',
    [opened(key.publicKey), by, stray, by],
    { covered: 2, breach: { line: 3, what: 'it is signed, which no line of its type is' }, sessions: [2] },
  ],
  [
    'one is by another key, and after it a line is signed that none of its type is',
    [opened(key.publicKey), { by: other }, opened(undefined), stray],
    { covered: 0, breach: { line: 2, what: unlike }, sessions: [0] },
  ],
  [
    'the other way round',
    [opened(key.publicKey), stray, { by: other }, opened(undefined)],
    { covered: 0, breach: { line: 2, what: 'it is signed, which no line of its type is' }, sessions: [0] },
  ],
  [
    'its session has no key',
    [opened(key.publicKey), opened(undefined), by],
    { covered: 0, breach: { line: 3, what: 'it is signed, and its session has no key' }, sessions: [0, 0] },
  ],
])('checkpoints are judged in the order of their lines, whenever they are verified: %s', async (_, parts, expected) => {
  const told = ({ sessions, covered, breach }: Seals) => ({
    ...{ covered, breach },
    sessions: sessions.map(({ checkpoint }) => checkpoint),
  });
  expect(told(await sealsOf(parts))).toEqual(expected);
  expect(told(await sealsOf(parts, async (seals) => void (await seals.settled())))).toEqual(expected);
});
