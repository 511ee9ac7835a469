import { ipAddress, ipNetwork, isWithin } from '../../core/address.ts';

/** One entry of the list of what is no use of the host. All that it names has to fit. */
export interface Allowed {
  readonly peer?: string;
  readonly process?: string;
  readonly port?: number;
  readonly user?: string;
  readonly why: string;
}

/** What somebody seen at the host can be told by; null: it has none, or it is not known. */
export interface Told {
  readonly peer: string | null;
  readonly process: string | null;
  /** Of the service: the host's own port of what came in, the peer's of what went out. */
  readonly port: number | null;
  readonly user: string | null;
}

/** The complaint about an entry; undefined where it is good. */
export function badAllowed(list: readonly Allowed[]): string | undefined {
  for (const { peer, process, port, user } of list) {
    if (peer === undefined && process === undefined && port === undefined && user === undefined)
      return 'an entry of "allow" names nobody: give it a "peer", "process", "port" or "user"';
    if (user !== undefined && (process !== undefined || port !== undefined))
      return '"user" is of sessions, "process" and "port" are of connections: no entry of "allow" can fit both';
    if (peer === undefined) continue;
    const network = ipNetwork(peer);
    if (network === undefined)
      return `"${peer}" in "allow" is neither an address nor a network in CIDR (192.0.2.4, 192.0.2.0/24)`;
    if (network.bits === 0)
      return `"${peer}" in "allow" is everybody: name the addresses that are meant, or leave "peer" out`;
  }
  return undefined;
}

/** Whether an entry fits. What is not known fits no entry that names it. */
export const isAllowed = (list: readonly Allowed[], told: Told): boolean =>
  list.some(
    ({ peer, process, port, user }) =>
      (peer === undefined || isOf(told.peer, peer)) &&
      (process === undefined || process === told.process) &&
      (port === undefined || port === told.port) &&
      (user === undefined || user === told.user),
  );

function isOf(peer: string | null, of: string): boolean {
  const [address, network] = [ipAddress(peer ?? ''), ipNetwork(of)];
  return address !== undefined && network !== undefined && isWithin(address, network);
}
