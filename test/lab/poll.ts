import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until the answer is not undefined; throws, saying what was waited for, when `within` milliseconds are over. */
export async function poll<T>(
  what: string,
  within: number,
  ask: () => Promise<T | undefined> | T | undefined,
  every = 100,
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${within / 1000} s`);
    await sleep(every);
  }
}
