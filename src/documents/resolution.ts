import type { EventOf, Recorded } from '../core/event.ts';
import { timeText } from './block.ts';

/** What became of an operation in doubt: a probe or a person said so, the host still knew its end, or its step was verified later. */
export interface Resolution {
  readonly outcome: 'done' | 'not-done' | 'failed' | 'done anew' | 'found done' | 'taken back';
  readonly by: 'probe' | 'person' | 'host';
  readonly who: string | null;
  readonly reason: string;
}

export function resolutionOf(
  doubt: Recorded<EventOf<'operation.in-doubt'>>,
  events: readonly Recorded[],
): Resolution | null {
  let anew = false;
  for (const event of events) {
    if (event.seq <= doubt.seq) continue;
    switch (event.type) {
      case 'operation.intended':
        anew ||= event.step === doubt.step && event.direction === doubt.direction;
        break;
      case 'step.verified': {
        if (event.step !== doubt.step || (event.direction !== doubt.direction && event.direction !== 'back')) continue;
        const outcome = event.direction !== doubt.direction ? 'taken back' : anew ? 'done anew' : 'found done';
        return { outcome, by: 'probe', who: null, reason: `verified at ${timeText(event.ts)}` };
      }
      case 'operation.resolved':
      case 'operation.done':
      case 'operation.failed': {
        const same = event.step === doubt.step && event.direction === doubt.direction;
        if (!same || event.attempt !== doubt.attempt || event.n !== doubt.n) continue;
        if (event.type === 'operation.resolved') return event;
        const outcome = event.type === 'operation.done' ? 'done' : 'failed';
        return { outcome, by: 'host', who: null, reason: 'the host was asked again, and knew how it ended' };
      }
    }
  }
  return null;
}
