import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/core/ports.ts';

let skipped = 0;

/** A clock whose sleeps take at most 20 ms, and yet count in full. */
export const testClock: Clock = {
  now: () => new Date(Date.now() + skipped),
  monotonic: () => performance.now() + skipped,
  sleep: async (ms, signal) => {
    const short = Math.min(ms, 20);
    skipped += ms - short;
    await sleep(short, undefined, { signal }).catch(() => undefined);
  },
};
