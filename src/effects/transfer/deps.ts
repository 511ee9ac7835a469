import type { BlobStore, Clock, Machine } from '../../core/ports.ts';
import type { Result } from '../../core/result.ts';

/** What copying is done with. */
export interface TransferDeps {
  /** The host whose files are copied. */
  readonly machine: Machine;
  readonly host: { readonly name: string; readonly serial: string };
  readonly clock: Clock;
  readonly blobs: BlobStore;
  /** Path of `bin/decom-rsh.js`, which rsync runs as its remote shell. */
  readonly rsh: string;
  /** A helper by name; trouble where the workspace declares none of that name. */
  readonly helper: (name: string) => Promise<Result<HelperMachine>>;
  /** How another machine reaches the host by SSH: its address as found here, behind no bastion. */
  readonly address: HostAddress;
}

/** A helper that can be spoken to. */
export interface HelperMachine {
  readonly name: string;
  readonly machine: Machine;
  /** The only folder in which anything is changed there. Absolute. */
  readonly folder: string;
}

/** What `ssh` elsewhere is told to reach the host. */
export interface HostAddress {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Old algorithms are allowed. */
  readonly legacy: boolean;
  /** How root is come by. */
  readonly sudo: 'no' | 'yes' | 'password';
}
