import type { Clock } from '../../core/ports.ts';

interface Line {
  tail: Promise<unknown>;
  /** When the last command ended, by the clock of whoever sent it. */
  last: number | undefined;
}

/** Of this process, whatever made the adapters: two of them that lead to one BMC must not overrun it. */
const lines = new Map<string, Line>();

export interface Turn {
  /** What one BMC is known by: its address and port. */
  readonly key: string;
  /** Least time in milliseconds between the end of one command and the start of the next. */
  readonly spacing: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Waits until nobody else speaks to this BMC and its time of rest is over. Undefined, and nothing was done, where it was stopped before. */
export function inTurn<T>({ key, spacing, clock, signal }: Turn, work: () => Promise<T>): Promise<T | undefined> {
  const line = lines.get(key) ?? { tail: Promise.resolve(), last: undefined };
  lines.set(key, line);
  const turn = line.tail.then(async () => {
    // A clock that is not the one of the command before must not make this one wait for hours.
    const rest = line.last === undefined ? 0 : Math.min(spacing, line.last + spacing - clock.monotonic());
    if (rest > 0) await rested(clock, rest, signal);
    if (signal.aborted) return undefined;
    try {
      return await work();
    } finally {
      line.last = clock.monotonic();
    }
  });
  line.tail = turn.catch(() => undefined);
  return turn;
}

async function rested(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
