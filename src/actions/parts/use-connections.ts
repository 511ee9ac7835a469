import { ipAddress, isLoopback } from '../../core/address.ts';
import type { ConnectionRow, ListenerRow } from '../../core/survey.ts';
import type { Find, WatchedRow } from '../../core/use.ts';
import { type Allowed, isAllowed } from './allowed.ts';

/** A connection of a watch, or of one look (then with neither of the two). */
export type Met = Omit<ConnectionRow, 'inside'> & Partial<Pick<WatchedRow, 'samples' | 'early' | 'closed'>>;

export interface Around {
  /** The host's own addresses: what goes between them stays within the host. */
  readonly addresses: readonly string[];
  /** By port, who listens there: a connection that has ended has no process any more. */
  readonly listeners: readonly ListenerRow[];
  readonly allow: readonly Allowed[];
  /** How often was looked; undefined: once. */
  readonly samples?: number;
}

/** One peer at one port: everything between the two is one find. */
interface Group {
  readonly key: string;
  readonly line: string;
  readonly processes: Set<string>;
  count: number;
  samples: number;
}

/**
 * Connections with other machines, by peer and port, whoever began them; those of decom and within the host are left out. What had ended before the
 * watch began is no use in it.
 */
export function connectionFinds(
  rows: readonly Met[],
  around: Around,
): { readonly finds: readonly Find[]; readonly allowed: number } {
  const groups = new Map<string, Group>();
  const allowed = new Set<string>();
  for (const row of rows) {
    if (row.own || isInside(row, around.addresses) || (row.closed === true && row.early === true)) continue;
    const port = row.incoming ? row.local.port : row.peer.port;
    const process = row.process?.name ?? listenerAt(row, around.listeners);
    const key = `${row.proto} ${row.incoming ? 'from' : 'to'} ${row.peer.address} ${port}`;
    if (isAllowed(around.allow, { peer: row.peer.address, process, port, user: null })) {
      allowed.add(key);
      continue;
    }
    const group = groups.get(key) ?? newGroup(key, row, port);
    groups.set(key, group);
    if (process !== null) group.processes.add(process);
    group.count += 1;
    group.samples = Math.max(group.samples, row.samples ?? 1);
  }
  const finds = [...groups.values()].map(
    (group): Find => ({ gate: 'connections', key: group.key, words: wordsOf(group, around.samples) }),
  );
  return { finds, allowed: allowed.size };
}

function newGroup(key: string, { proto, incoming, peer }: Met, port: number): Group {
  const line = incoming ? `${peer.address} came to ${proto} port ${port}` : `to ${peer.address}, ${proto} port ${port}`;
  return { key, line, processes: new Set(), count: 0, samples: 0 };
}

function wordsOf({ line, processes, count, samples }: Group, of: number | undefined): string {
  const who = processes.size === 0 ? 'process not known' : [...processes].sort().join(', ');
  const often = of === undefined ? '' : `, in ${samples} of ${of} looks`;
  return `${line} (${who}): ${count} ${count === 1 ? 'connection' : 'connections'}${often}`;
}

function isInside({ peer, local }: Met, addresses: readonly string[]): boolean {
  const address = ipAddress(peer.address);
  // Of both ends one of its own: a peer that bears the host's address on another machine is no such thing.
  return (
    (address !== undefined && isLoopback(address)) ||
    (addresses.includes(peer.address) && addresses.includes(local.address))
  );
}

function listenerAt({ incoming, proto, local }: Met, listeners: readonly ListenerRow[]): string | null {
  if (!incoming) return null;
  const names = new Set(
    listeners.flatMap((one) => (one.proto === proto && one.at.port === local.port ? [one.process?.name ?? null] : [])),
  );
  const [only = null] = names;
  return names.size === 1 ? only : null;
}
