import type { BlobStore, Clock, Machine } from '../../core/ports.ts';

/** What copying is done with. */
export interface TransferDeps {
  /** The host whose files are copied. */
  readonly machine: Machine;
  readonly host: { readonly name: string; readonly serial: string };
  readonly clock: Clock;
  readonly blobs: BlobStore;
  /** Path of `bin/decom-rsh.js`, which rsync runs as its remote shell. */
  readonly rsh: string;
}
