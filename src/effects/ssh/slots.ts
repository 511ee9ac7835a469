/** A number of places, taken in order. */
export interface Slots {
  /** Waits for a place and returns what gives it back; rejects with the signal's reason on abort. */
  take(signal: AbortSignal | undefined): Promise<() => void>;
  /** There are only as many places as now taken: one less from now on, so that one stays free for aborting. */
  shrink(): void;
  taken(): number;
}

export function slots(size: number): Slots {
  let places = size;
  let taken = 0;
  const waiting: (() => void)[] = [];
  const next = (): void => {
    while (taken < places && waiting.length > 0) waiting.shift()?.();
  };
  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        const enter = (): void => {
          signal?.removeEventListener('abort', leave);
          taken++;
          let given = false;
          resolve(() => {
            if (given) return;
            given = true;
            taken--;
            next();
          });
        };
        const leave = (): void => {
          waiting.splice(waiting.indexOf(enter), 1);
          reject(signal?.reason as Error);
        };
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        signal?.addEventListener('abort', leave, { once: true });
        waiting.push(enter);
        next();
      }),
    taken: () => taken,
    shrink: () => {
      places = Math.max(1, Math.min(places, taken - 1));
    },
  };
}
