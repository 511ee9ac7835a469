import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/core/ports.ts';

/** The real clock, except that no sleep takes longer than 20 ms. */
export const testClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(Math.min(ms, 20), undefined, { signal }).catch(() => undefined);
  },
};
