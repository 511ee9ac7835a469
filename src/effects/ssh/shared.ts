import type { ParsedKey } from 'ssh2';
import type { Result } from '../../core/result.ts';
import { type Bastions, bastions } from './bastions.ts';
import { type Slots, slots } from './slots.ts';

/** An sshd drops connections beyond ten that have not logged in yet (MaxStartups 10:30:100). */
const handshakesAtOnce = 10;

/** What all SSH machines of a process share. */
export interface SshShared {
  readonly bastions: Bastions;
  /** Keys whose passphrase was given, by file: it is asked once. */
  readonly unlocked: Map<string, Promise<Result<ParsedKey>>>;
  /** Places for handshakes with one server. */
  handshakes(server: string): Slots;
}

/** What is shared by all that this process connects to. */
export const processShared = newShared();

export function newShared(): SshShared {
  const places = new Map<string, Slots>();
  return {
    bastions: bastions(),
    unlocked: new Map(),
    handshakes: (server) => {
      const found = places.get(server) ?? slots(handshakesAtOnce);
      places.set(server, found);
      return found;
    },
  };
}
