import { durationText } from '../../core/duration.ts';
import type { Progress } from '../../core/operation.ts';
import { bytesText, counted } from './text.ts';

/** A long operation while it goes on. Times in milliseconds of a clock that never jumps. */
export interface Underway {
  readonly host: string;
  readonly step: string;
  readonly progress: Progress;
  readonly began: number;
  /** When something was last heard of it. */
  readonly heard: number;
}

/** Silence longer than this is said. */
const silence = 60_000;

/**
 * How far it is, in one line: percent, bytes, files, the average rate and the time left. Without a total there is no percentage and no
 * time left, only the time it has taken. In its first second there is no rate either: it would be nonsense.
 */
export function progressLine({ host, step, progress, began, heard }: Underway, now: number): string {
  const { bytes, totalBytes, files, totalFiles, time, totalTime } = progress;
  const elapsed = Math.max(1, time ?? now - began);
  const share = shareOf(bytes, totalBytes) ?? shareOf(files, totalFiles) ?? shareOf(time, totalTime);
  const left =
    time !== undefined && totalTime !== undefined
      ? totalTime - time
      : share === undefined || share === 0
        ? undefined
        : (elapsed * (1 - share)) / share;
  const quiet = now - heard;
  return [
    `${host} ${step}: ${progress.what}`,
    ...(share === undefined
      ? []
      : [`${Math.floor(share * 100)} %${totalTime === undefined ? '' : ` of ${durationText(totalTime)}`}`]),
    ...(bytes === undefined
      ? []
      : [totalBytes === undefined ? bytesText(bytes) : `${bytesText(bytes)} of ${bytesText(totalBytes)}`]),
    ...(files === undefined
      ? []
      : [totalFiles === undefined ? counted(files, 'file') : `${files} of ${counted(totalFiles, 'file')}`]),
    ...(bytes === undefined || elapsed < 1000
      ? []
      : [`${bytesText(Math.round((bytes * 1000) / elapsed))}/s on average`]),
    ...(left === undefined || elapsed < 2000 ? [] : [`about ${durationText(left)} left`]),
    ...(elapsed < 1000 ? [] : [`${durationText(elapsed)} so far`]),
    ...(quiet < silence ? [] : [`nothing heard for ${durationText(quiet)}`]),
  ].join(', ');
}

/** 0 to 1; undefined where the total is not known. A total that was guessed too low never gives more than 1. */
function shareOf(part: number | undefined, total: number | undefined): number | undefined {
  if (part === undefined || total === undefined || total <= 0) return undefined;
  return Math.min(1, part / total);
}
