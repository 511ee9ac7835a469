import type { Recorded } from '../../src/core/event.ts';
import { folding } from '../../src/core/fold.ts';
import { type Reading, readLog } from '../../src/core/read-log.ts';

/** Reads a log that is at hand as a whole, and keeps what its good lines hold. */
export function readChain(
  bytes: Uint8Array,
  first: string | undefined,
): Reading & { readonly events: readonly Recorded[] } {
  const events: Recorded[] = [];
  const reading = readLog(
    (at) => bytes.subarray(at),
    first,
    folding(),
    (line) => {
      const { prev: _, ...recorded } = line.recorded as Recorded & { readonly prev: string };
      events.push(recorded as Recorded);
    },
  );
  return { ...reading, events };
}
