import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than anything takes on a machine that is slow and busy: only what will never come about is given up. */
const patience = 300_000;

/** Asks again until the answer is not undefined; throws, saying what was waited for, when nothing will come of it any more. */
export async function poll<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  every = 100,
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${patience / 1000} s`);
    await sleep(every);
  }
}
