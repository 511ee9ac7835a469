import type { Progress } from '../../core/operation.ts';
import type { Clock } from '../../core/ports.ts';

/** Passes on at most five reports a second: more would only slow the copy. */
export function atIntervals(
  clock: Pick<Clock, 'monotonic'>,
  progress: (progress: Progress) => void,
): (report: () => Progress) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (report) => {
    const now = clock.monotonic();
    if (now - last < 200) return;
    last = now;
    progress(report());
  };
}
