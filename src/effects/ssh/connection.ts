import type { Client } from 'ssh2';
import type { Trouble } from '../../core/result.ts';

/** A connection whose host key was verified and whose login was accepted. */
export interface Connection {
  readonly client: Client;
  /** `ssh-ed25519 AAAA…`: the server proved that it holds it. */
  readonly hostKey: string;
  /** Old algorithms that were agreed on, where they are allowed. */
  readonly legacy: readonly string[];
  /** Why it went away; undefined while it is there. */
  lost(): Trouble | undefined;
  /** Whether something can be sent: false a moment before `lost` knows why. */
  usable(): boolean;
  /** Calls once when it is gone; returns the way to stop listening. */
  onLost(listener: (why: Trouble) => void): () => void;
  close(): void;
}
