import { setMaxListeners } from 'node:events';
import { exitOfSignal } from './exit.ts';
import type { Line } from './view/text.ts';

export type EndSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

/** The signals that ask a run to stop. The first one stops it in good order; the third ends the process at once. */
export interface Signals {
  readonly signal: AbortSignal;
  /** Settles when the first one comes. */
  readonly stopped: Promise<'stopped'>;
  received(): EndSignal | undefined;
  release(): void;
}

export function listenForSignals(say: (lines: readonly Line[]) => void): Signals {
  const controller = new AbortController();
  // Many operations at once listen to this one signal; Node takes more than ten listeners for a leak.
  setMaxListeners(0, controller.signal);
  let first: EndSignal | undefined;
  let count = 0;
  const listener = (signal: EndSignal) => {
    first ??= signal;
    count += 1;
    if (count === 1) controller.abort(signal);
    if (count === 2)
      say(['Stopping: the operation under way is being ended. Once more leaves at once, and leaves it in doubt.']);
    if (count >= 3) process.exit(exitOfSignal(first));
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, listener);
  return {
    signal: controller.signal,
    stopped: new Promise((resolve) => {
      controller.signal.addEventListener('abort', () => resolve('stopped'), { once: true });
    }),
    received: () => first,
    release: () => {
      for (const name of names) process.off(name, listener);
    },
  };
}
