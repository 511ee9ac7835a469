import type { Trouble } from '../../core/result.ts';
import type { Wire } from './follow.ts';

/** A verified connection that programs are started over, whoever speaks SSH on it: ssh2, or the ssh program. */
export interface Carrier {
  /** `ssh-ed25519 AAAA…`: the server proved that it holds it. */
  readonly hostKey: string;
  /** Old algorithms that were agreed on; absent where that is not known. */
  readonly legacy?: readonly string[];
  /** Why it went away; undefined while it is there. */
  lost(): Trouble | undefined;
  /** Whether something can be sent: false a moment before `lost` knows why. */
  usable(): boolean;
  /** Calls once when it is gone; returns the way to stop listening. */
  onLost(listener: (why: Trouble) => void): () => void;
  /** Asks the server to hand `text` to the login shell, in a channel of its own. Never rejects. */
  request(text: string): Promise<Asked>;
  close(): void;
}

/** What became of a request. `sent`: it left this machine, so that without a wire or a refusal nobody knows whether it began. */
export interface Asked {
  readonly wire?: Wire;
  readonly sent: boolean;
  /** The server refused a channel, or to run something in it. */
  readonly refused?: 'channel' | 'exec';
  readonly said: string;
}
