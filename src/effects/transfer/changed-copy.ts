import type { BlobRef } from '../../core/blob.ts';
import { type Trouble, trouble } from '../../core/result.ts';

/** An archive is not what was written there any more. `place`: as a runbook names it. */
export const archiveChanged = (place: string, found: BlobRef, recorded: BlobRef): Trouble =>
  trouble(
    'archive-changed',
    `${place} is not what was written: its SHA-256 is ${found.sha256} (${found.bytes} bytes), recorded was ${recorded.sha256} (${recorded.bytes} bytes)`,
    'This copy cannot be trusted: find out what changed it, and make the copy again.',
  );

/** A manifest is not what was written there any more; `how` tells by what it is seen. */
export const manifestChanged = (place: string, how: string): Trouble =>
  trouble(
    'manifest-changed',
    `${place} is not what was written: ${how}`,
    'This copy cannot prove anything: find out what changed it, and make the copy again.',
  );
