import type { Event, Recorded } from './event.ts';
import { jcs, sha256 } from './json.ts';

/** Greatest length of a journal line in bytes, its newline included. */
export const maxLine = 65_535;

/** Where a chain stands: how many lines, and the SHA-256 of the last one's bytes (the intent digest before the first). */
export interface Head {
  readonly size: number;
  readonly hash: string;
}

export interface Line {
  readonly bytes: Uint8Array;
  readonly recorded: Recorded;
  readonly head: Head;
}

/**
 * The next line of a chain: canonical JSON with `v, seq, ts, prev`, the signature where there is one, and a newline. Throws a RangeError beyond
 * `maxLine`.
 */
export function nextLine(head: Head, event: Event, ts: string, signature?: string): Line {
  const recorded = {
    ...{ v: 1, seq: head.size, ts },
    ...event,
    ...(signature === undefined ? {} : { signature }),
  } as Recorded;
  const bytes = new TextEncoder().encode(`${jcs({ ...recorded, prev: head.hash })}\n`);
  if (bytes.length > maxLine)
    throw new RangeError(`a ${event.type} record of ${bytes.length} bytes is longer than ${maxLine}`);
  return { bytes, recorded, head: { size: head.size + 1, hash: sha256(bytes) } };
}

/**
 * What of a signed line is signed: its bytes as they would be without the signature, newline included. They hold the line's number and,
 * as `prev`, the hash of the line before it, and so everything that came before.
 */
export const signedBytes = (head: Head, event: Event, ts: string): Uint8Array => nextLine(head, event, ts).bytes;

/** The same of a line that was read, with all that stands on it. */
export function signedBytesOf(read: Recorded): Uint8Array {
  const { signature: _, ...unsigned } = read;
  return new TextEncoder().encode(`${jcs(unsigned)}\n`);
}

/** What is wrong with a log, and where. `line` counts from 1. */
export interface Breach {
  readonly line: number;
  readonly what: string;
}
