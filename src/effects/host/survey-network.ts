import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type {
  AddressRow,
  ConnectionRow,
  Endpoint,
  Listed,
  ListenerRow,
  ProcessRef,
  RouteRow,
} from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed, needsRoot, rowsOf } from './survey-answers.ts';

export interface Socket {
  readonly proto: 'tcp' | 'udp';
  readonly listens: boolean;
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly process: ProcessRef | null;
}

export interface Network {
  readonly listeners: Seen<Listed<ListenerRow>>;
  readonly connections: Seen<Listed<ConnectionRow>>;
  readonly addresses: Seen<Listed<AddressRow>>;
  readonly routes: Seen<Listed<RouteRow>>;
}

/** Sockets by ss, where that is missing by /proc/net; addresses and routes by ip, where that is missing by ifconfig and /proc/net/route. */
export function network(answers: Answers, own: string): Network {
  const addresses = addressesOf(answers);
  const found = sockets(answers);
  const mine = new Set(addresses.known ? addresses.value.rows.map(({ address }) => address.replace(/\/\d+$/, '')) : []);
  if (!found.known) return { listeners: found, connections: found, addresses, routes: routesOf(answers) };
  const { rows, lacks } = found.value;
  const ports = new Set(rows.filter(({ listens }) => listens).map(({ proto, local }) => `${proto} ${local.port}`));
  const [from, fromPort, to, toPort] = own.split(' ');
  const isOwn = ({ local, peer }: Socket): boolean =>
    peer.address === plainAddress(from ?? '') &&
    String(peer.port) === fromPort &&
    local.address === plainAddress(to ?? '') &&
    String(local.port) === toPort;
  return {
    listeners: seen(
      listed(
        rows.filter(({ listens }) => listens).map(({ proto, local, process }) => ({ proto, at: local, process })),
        lacks,
      ),
    ),
    connections: seen(
      listed(
        rows
          .filter(({ listens }) => !listens)
          .map((socket) => ({
            proto: socket.proto,
            local: socket.local,
            peer: socket.peer,
            incoming: ports.has(`${socket.proto} ${socket.local.port}`),
            inside: isLoopback(socket.peer.address) || mine.has(socket.peer.address),
            process: socket.process,
            own: isOwn(socket),
          })),
        lacks,
      ),
    ),
    addresses,
    routes: routesOf(answers),
  };
}

const isLoopback = (address: string): boolean => address === '::1' || /^127\./.test(address);

function sockets(answers: Answers): Seen<{ readonly rows: readonly Socket[]; readonly lacks: readonly Trouble[] }> {
  const lacks: Trouble[] = answers.root
    ? []
    : [needsRoot(answers.host, 'which processes of others hold sockets', answers.noRoot)];
  const before = lacks.length;
  const lines = linesOf(answers, 'sockets', lacks);
  if (answers.of('sockets').how === 'read' && lacks.length === before) {
    return seen({ rows: rowsOf(answers, 'sockets', lines, (line) => bySs(line), lacks), lacks });
  }
  if (answers.of('net').how !== 'read') {
    return unseen(
      lacks[before] ??
        trouble(
          'no-sockets',
          `${answers.host} tells of no sockets: it has neither ss nor /proc/net`,
          'Install iproute2 there.',
        ),
    );
  }
  const holders = new Map<string, ProcessRef>();
  for (const line of linesOf(answers, 'holders', lacks)) {
    const [, pid, inodes, name] = /^(\d+) ((?:\d+ )+)(.*)$/.exec(line) ?? [];
    for (const inode of inodes?.trim().split(' ') ?? []) {
      if (!holders.has(inode)) holders.set(inode, { name: clean(name ?? ''), pid: Number(pid) });
    }
  }
  const read = (line: string) => byProc(line, holders);
  return seen({ rows: rowsOf(answers, 'net', linesOf(answers, 'net', lacks), read, lacks), lacks });
}

const live = ['ESTAB', 'SYN-SENT', 'SYN-RECV', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSING'];

/** `tcp ESTAB 0 0 192.0.2.10:22 192.0.2.1:40000 users:(("sshd",pid=1,fd=3))`; null: a heading, or closed already, which `ended` takes too. */
export function bySs(line: string, ended = false): Socket | undefined | null {
  if (/^Netid\s/.test(line)) return null;
  const [, proto, state = '', local, peer, users = ''] =
    /^(tcp|udp)\s+([A-Z0-9-]+)\s+\d+\s+\d+\s+(\S+)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
  const [here, there] = [endpoint(local), endpoint(peer)];
  if ((proto !== 'tcp' && proto !== 'udp') || here === undefined || there === undefined) return undefined;
  const listens = state === 'LISTEN' || state === 'UNCONN';
  if (!ended && state === 'TIME-WAIT') return null;
  if (!listens && !live.includes(state) && state !== 'TIME-WAIT') return undefined;
  const [, name, pid] = /^users:\(\("(.*?)",(?:pid=)?(\d+),/.exec(users) ?? [];
  const process = name === undefined ? null : { name: clean(name), pid: Number(pid) };
  return { proto, listens, local: here, peer: there, process };
}

/** `[::1]:22`, `127.0.0.53%lo:53`, `*:80`, `0.0.0.0:*` */
function endpoint(text: string | undefined): Endpoint | undefined {
  const [, host, port] = /^(.+):(\d+|\*)$/.exec(text ?? '') ?? [];
  if (host === undefined) return undefined;
  const address = plainAddress(host === '*' ? '::' : host);
  return /^[0-9a-fA-F:.]+$/.test(address) ? { address, port: port === '*' ? 0 : Number(port) } : undefined;
}

/** Without brackets and zone; an IPv4 address that is written as IPv6 counts as what it is. */
export const plainAddress = (text: string): string =>
  text
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '');

/** `tcp6  3: LOCAL PEER STATE queues timer retransmits uid timeout INODE`: addresses in hex, each word of 32 bits in the order of the machine. */
export function byProc(
  line: string,
  holders: ReadonlyMap<string, ProcessRef>,
  ended = false,
): Socket | undefined | null {
  if (/^\w+\s+sl\s/.test(line)) return null;
  const [, name, local, peer, state, inode] =
    /^(tcp6?|udp6?)\s+\d+:\s+([0-9A-F]+:[0-9A-F]{4})\s+([0-9A-F]+:[0-9A-F]{4})\s+([0-9A-F]{2})\s+\S+\s+\S+\s+\S+\s+\d+\s+\d+\s+(\d+)/.exec(
      line,
    ) ?? [];
  const [here, there] = [hexEndpoint(local), hexEndpoint(peer)];
  if (name === undefined || here === undefined || there === undefined) return undefined;
  if (state === '06' && !ended) return null;
  const proto = name.startsWith('tcp') ? 'tcp' : 'udp';
  const listens = state === (proto === 'tcp' ? '0A' : '07');
  return { proto, listens, local: here, peer: there, process: holders.get(inode ?? '') ?? null };
}

function hexEndpoint(text: string | undefined): Endpoint | undefined {
  const [address = '', port = ''] = text?.split(':') ?? [];
  if (address.length !== 8 && address.length !== 32) return undefined;
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const four = (from: number) =>
    bytes
      .slice(from, from + 4)
      .map((byte) => Number.parseInt(byte, 16))
      .join('.');
  const mapped = /^(?:00){10}ffff/i.test(bytes.join(''));
  return {
    address: bytes.length === 4 ? four(0) : mapped ? four(12) : shortened(bytes),
    port: Number.parseInt(port, 16),
  };
}

/** 16 bytes in hex as RFC 5952 writes them. */
function shortened(bytes: readonly string[]): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    Number.parseInt(`${bytes[2 * i]}${bytes[2 * i + 1]}`, 16).toString(16),
  ).join(':');
  const runs = [...groups.matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)].map(([, run = '']) => run);
  const longest = runs.toSorted((a, b) => b.length - a.length)[0];
  return longest === undefined ? groups : groups.replace(new RegExp(`(^|:)${longest}(:|$)`), '::');
}

function addressesOf(answers: Answers): Seen<Listed<AddressRow>> {
  const lacks: Trouble[] = [];
  const byIp = answers.of('addresses');
  if (byIp.how === 'absent') return byIfconfig(answers);
  const lines = linesOf(answers, 'addresses', lacks);
  const why = lacks[0];
  if (why !== undefined) return unseen(why);
  const links = new Map<string, { readonly mac: string | null; readonly up: boolean }>();
  const rows: AddressRow[] = [];
  for (const line of lines) {
    const [, link, flags = '', rest = ''] = /^\d+: ([^\s:@]+)(?:@\S+)?: <([^>]*)>(.*)$/.exec(line) ?? [];
    if (link !== undefined) {
      const mac = /link\/ether ([0-9a-f:]{17})/.exec(rest)?.[1] ?? null;
      links.set(clean(link), { mac, up: flags.split(',').includes('UP') });
      continue;
    }
    const [, name, address] = /^\d+: (\S+)\s+inet6? ([0-9a-f.:]+(?:\/\d+)?)/.exec(line) ?? [];
    if (name === undefined || address === undefined) {
      lacks.push(...strange(answers, 'addresses', line));
      continue;
    }
    rows.push({ interface: clean(name), address, ...(links.get(clean(name)) ?? { mac: null, up: true }) });
  }
  const bare = [...links].filter(([name]) => !rows.some((row) => row.interface === name));
  return seen(listed([...rows, ...bare.map(([name, link]) => ({ interface: name, address: '', ...link }))], lacks));
}

const strange = (answers: Answers, source: string, line: string): readonly Trouble[] => {
  const lacks: Trouble[] = [];
  rowsOf(answers, source, [line], () => undefined, lacks);
  return lacks;
};

function byIfconfig(answers: Answers): Seen<Listed<AddressRow>> {
  const lacks: Trouble[] = [];
  if (answers.of('ifconfig').how === 'absent') {
    return unseen(trouble('no-addresses', `${answers.host} has neither ip nor ifconfig`, 'Install iproute2 there.'));
  }
  const rows: AddressRow[] = [];
  for (const block of linesOf(answers, 'ifconfig', lacks)
    .join('\n')
    .split(/\n(?=\S)/)) {
    const name = /^([^\s:]+)/.exec(block)?.[1];
    if (name === undefined) continue;
    const mac = /(?:HWaddr|ether) ([0-9A-Fa-f:]{17})/.exec(block)?.[1]?.toLowerCase() ?? null;
    const up = /\bUP\b/.test(block);
    const found = [...block.matchAll(/inet6? (?:addr: ?)?([0-9a-fA-F.:]+(?:\/\d+)?)/g)].map(
      ([, address = '']) => address,
    );
    rows.push(...(found.length === 0 ? [''] : found).map((address) => ({ interface: clean(name), address, mac, up })));
  }
  const why = lacks[0];
  return why === undefined ? seen(listed(rows)) : unseen(why);
}

function routesOf(answers: Answers): Seen<Listed<RouteRow>> {
  const lacks: Trouble[] = [];
  const byIp = answers.of('routes');
  if (byIp.how !== 'absent') {
    const rows = rowsOf(answers, 'routes', linesOf(answers, 'routes', lacks), byIpRoute, lacks);
    return byIp.how === 'unread' ? unseen(byIp.trouble) : seen(listed(rows, lacks));
  }
  const lines = linesOf(answers, 'route', lacks);
  if (answers.of('route').how !== 'read') {
    return unseen(lacks[0] ?? trouble('no-routes', `${answers.host} tells no routes`, 'Install iproute2 there.'));
  }
  return seen(listed(rowsOf(answers, 'route', lines.slice(1), byProcRoute, lacks), lacks));
}

function byIpRoute(line: string): RouteRow | undefined | null {
  if (/^(unreachable|blackhole|prohibit|\s|RTNETLINK|Error)/.test(line)) return null;
  const to = /^(?:(?:unicast|local|broadcast|multicast) )?(default|[0-9a-f.:]+(?:\/\d+)?)(?= |$)/.exec(line)?.[1];
  if (to === undefined) return undefined;
  return {
    to,
    via: /\bvia (?:inet6 )?(\S+)/.exec(line)?.[1] ?? null,
    interface: clean(/\bdev (\S+)/.exec(line)?.[1] ?? ''),
  };
}

/** `eth0 DESTINATION GATEWAY flags … MASK`, in hex. */
function byProcRoute(line: string): RouteRow | undefined {
  const [, name, to, via, mask] =
    /^(\S+)\s+([0-9A-F]{8})\s+([0-9A-F]{8})\s+\S+\s+\S+\s+\S+\s+\S+\s+([0-9A-F]{8})/.exec(line) ?? [];
  const address = (hex = '') => hexEndpoint(`${hex}:0000`)?.address ?? '';
  if (name === undefined) return undefined;
  const bits = [...Number.parseInt(mask ?? '0', 16).toString(2)].filter((bit) => bit === '1').length;
  return {
    to: bits === 0 ? 'default' : `${address(to)}/${bits}`,
    via: via === '00000000' ? null : address(via),
    interface: clean(name),
  };
}
