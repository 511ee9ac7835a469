import { ok, type Result } from '../../core/result.ts';
import type { Connection } from './connection.ts';
import type { SshTarget } from './target.ts';

/** A bastion's connection while somebody uses it. */
export interface Lease {
  readonly connection: Connection;
  /** The last one to leave closes it. */
  leave(): void;
}

/** Connections to bastions: one for all machines that are reached by way of the same. */
export interface Bastions {
  lease(bastion: SshTarget, open: (signal: AbortSignal) => Promise<Result<Connection>>): Promise<Result<Lease>>;
}

interface Entry {
  readonly opening: Promise<Result<Connection>>;
  readonly stop: AbortController;
  opened?: Result<Connection>;
  users: number;
}

export function bastions(): Bastions {
  const entries = new Map<string, Entry>();

  const entryOf = (key: string, open: (signal: AbortSignal) => Promise<Result<Connection>>): Entry => {
    const found = entries.get(key);
    const dead = found?.opened !== undefined && !(found.opened.ok && found.opened.value.usable());
    if (found !== undefined && !dead) return found;
    const stop = new AbortController();
    const entry: Entry = { opening: open(stop.signal), stop, users: 0 };
    void entry.opening.then((opened) => {
      entry.opened = opened;
    });
    entries.set(key, entry);
    return entry;
  };

  return {
    lease: async (bastion, open) => {
      const key = JSON.stringify(bastion);
      const entry = entryOf(key, open);
      entry.users++;
      let left = false;
      const leave = (): void => {
        if (left) return;
        left = true;
        if (--entry.users > 0) return;
        if (entries.get(key) === entry) entries.delete(key);
        entry.stop.abort();
        if (entry.opened?.ok) entry.opened.value.close();
      };
      const opened = await entry.opening;
      if (!opened.ok) {
        leave();
        return opened;
      }
      return ok({ connection: opened.value, leave });
    },
  };
}
