import type { BlobRef } from './blob.ts';
import type { Recorded } from './event.ts';
import type { Trouble } from './result.ts';

/** A file in `out/` that a line of the log vouches for. `line` counts from 1. */
export interface ReferredBlob {
  readonly line: number;
  readonly blob: BlobRef;
}

/** The file in `out/` that a line of the log refers to. */
export function referredBlob(event: Recorded): BlobRef | undefined {
  if (event.type === 'step.planned') return event.before;
  if (event.type === 'head.kept') return event.answer;
  const why: Trouble | undefined | null = 'trouble' in event ? event.trouble : undefined;
  return why?.blob;
}

/** Whether what a line refers to can be a file there: a forged line must not have another one read, nor end the reader. */
export function wellReferred(event: Recorded): boolean {
  const blob: Partial<BlobRef> | null | undefined = referredBlob(event);
  if (blob === undefined) return event.type !== 'step.planned' && event.type !== 'head.kept';
  return typeof blob?.sha256 === 'string' && /^[0-9a-f]{64}$/.test(blob.sha256) && Number.isSafeInteger(blob.bytes);
}
