import type { BlobRef } from './blob.ts';
import type { Recorded } from './event.ts';
import type { Trouble } from './result.ts';

/** A file in `out/` that a line of the log vouches for. `line` counts from 1. */
export interface ReferredBlob {
  readonly line: number;
  readonly blob: BlobRef;
}

/** Every file in `out/` that a log refers to, by its lines. */
export const referredBlobs = (events: readonly Recorded[]): readonly ReferredBlob[] =>
  events.flatMap((event) => blobsOf(event).map((blob) => ({ line: event.seq + 1, blob })));

function blobsOf(event: Recorded): readonly BlobRef[] {
  if (event.type === 'step.planned') return [event.before];
  if (event.type === 'head.kept') return [event.answer];
  const why: Trouble | undefined = 'trouble' in event ? event.trouble : undefined;
  return why?.blob === undefined ? [] : [why.blob];
}
