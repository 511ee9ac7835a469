import type { Progress } from '../../core/operation.ts';
import type { Clock } from '../../core/ports.ts';
import { atIntervals } from './progress.ts';

/** Without it rsync takes times within one second for equal: it misses changes, and leaves symlinks and folders with the time of now. */
export const nanoseconds = '--modify-window=-1';

/**
 * Reads `--info=progress2` with `--no-human-readable`: `1234567  12%  1.20MB/s  0:00:01 (xfr#5, to-chk=10/20)`.
 * Its rate is sometimes of the moment and sometimes of the whole, and its percentage grows with the list of files: only the
 * counts are taken from it.
 */
export function rsyncProgress(
  clock: Pick<Clock, 'monotonic'>,
  what: string,
  progress: (progress: Progress) => void,
  totalBytes?: number,
): (chunk: Buffer) => void {
  const tell = atIntervals(clock, progress);
  let rest = '';
  let files = 0;
  return (chunk) => {
    const pieces = (rest + chunk.toString('latin1')).split(/[\r\n]/);
    rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      const found = /^\s*(\d+)\s+\d+%\s.*?(?:\(xfr#(\d+),.*)?$/.exec(piece);
      if (found === null) continue;
      if (found[2] !== undefined) files = Number(found[2]);
      const bytes = Number(found[1]);
      tell(() => ({ what, bytes, files, ...(totalBytes === undefined ? {} : { totalBytes }) }));
    }
  };
}
