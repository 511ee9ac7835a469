import type { Writable } from 'node:stream';
import type { BlobRef } from '../../core/blob.ts';
import type { Entry } from '../../core/mtree.ts';
import type { Progress } from '../../core/operation.ts';
import type { Place } from '../../core/place.ts';
import type { CopyDescription, CopySeen, PlaceSeen } from '../../core/probe.ts';
import type { Result, Seen } from '../../core/result.ts';
import type { Intent, PartialCopy } from './copy-folder.ts';
import type { Lines } from './lines.ts';
import type { RunProgram } from './program.ts';

/** Where the bytes of an archive are written. */
export interface Sink {
  readonly stream: Writable;
  /** Settles when all of it is on the disk; tells what befell the stream, if it is why it closed before. */
  close(): Promise<Result<void>>;
  discard(): void;
}

/** What stands in a restored tree. */
export interface TreeListing {
  /** Entry lines in the order of the manifest, without hashes or with them. */
  lines(): Lines;
  contentOf(entry: Entry): Promise<{ readonly sha256?: string; readonly bytes: number; readonly why?: string }>;
  discard(): void;
}

/**
 * The machine that keeps copies: this one, or a helper. All paths are plain absolute paths there. A helper changes nothing outside the
 * folder that was declared for it, whatever it is asked.
 */
export interface Keeper {
  readonly on: Place['on'];
  /** For people. */
  readonly name: string;
  look(path: string): Promise<Seen<PlaceSeen>>;
  read(copy: string): Promise<Seen<CopySeen>>;
  /** Whether files are given their owners there. */
  isRoot(): Promise<Result<boolean>>;
  readonly run: RunProgram;
  hash(file: string, each: (bytes: number) => void, signal: AbortSignal | undefined): Promise<Result<BlobRef>>;
  openPartial(to: string, intent: Intent): Promise<Result<PartialCopy>>;
  sink(partial: PartialCopy, signal: AbortSignal): Promise<Result<Sink>>;
  seal(partial: PartialCopy, to: string, description: CopyDescription): Promise<Result<void>>;
  /** Gives back what was borrowed here for a copy in the making, whether it was sealed or not. */
  leave(partial: PartialCopy): void;
  openScratch(scratch: string): Promise<Result<void>>;
  removeScratch(scratch: string): Promise<Result<void>>;
  /** The manifest of a copy as a file here; in `work` where it had to be brought. */
  manifest(copy: string, recorded: BlobRef, work: string): Promise<Result<string>>;
  tree(
    tree: string,
    work: string,
    signal: AbortSignal | undefined,
    progress: (progress: Progress) => void,
  ): Promise<Result<TreeListing>>;
}
