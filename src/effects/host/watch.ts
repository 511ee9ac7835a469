import type { Readable } from 'node:stream';
import type { ProbeHandlers } from '../../core/action.ts';
import { durationText } from '../../core/duration.ts';
import type { Machine } from '../../core/ports.ts';
import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { Listed, ProcessRef } from '../../core/survey.ts';
import type { Watched, WatchedRow } from '../../core/use.ts';
import { withoutRoot } from './identity.ts';
import { lastLines, plainText } from './plain-text.ts';
import { clean, needsRoot } from './survey-answers.ts';
import { byProc, bySs, plainAddress, type Socket } from './survey-network.ts';
import { linesWithin } from './watch-lines.ts';
import { watchScript } from './watch-script.ts';

/** Milliseconds without a word after which a host counts as no longer watching: it says something every second. */
const silence = 120_000;

/**
 * `host.connections`: one command that looks once a second, as root where that is allowed. Where its end does not come, nothing of it is claimed. Troubles
 * of its own: `watch-lost`, `watch-silent`, `no-sockets`, `no-awk`, `watch-failed`.
 */
export const watchProbe =
  (machine: Machine, patience = silence): ProbeHandlers['host.connections'] =>
  async ({ for: long }, context) => {
    const hush = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => hush.abort(), patience);
    };
    const signal = context === undefined ? hush.signal : AbortSignal.any([hush.signal, context.signal]);
    const argv = ['sh', '-c', watchScript, 'sh', String(long / 1000)];
    let asked = await machine.start({ argv, root: true }, { signal });
    let noRoot: Trouble | undefined;
    if (!asked.ok && withoutRoot.includes(asked.error.code)) {
      noRoot = asked.error;
      asked = await machine.start({ argv, root: false }, { signal });
    }
    if (!asked.ok) return unseen(asked.error);
    const { stdin, stdout, stderr, ended } = asked.value;
    stdin.end();
    const complaints = lastOf(stderr);
    heard();
    const reading = newReading();
    try {
      for await (const line of linesWithin(stdout)) {
        heard();
        if (read(reading, line)) context?.watched?.(reading.passed, rowsOf(reading));
      }
      const end = await ended;
      if (reading.whole) return watchedOf(reading, machine.name, noRoot);
      if (context?.signal.aborted) return unseen(stopped(machine.name));
      const lost = end.how === 'lost' ? end.trouble : undefined;
      return unseen(broken(machine.name, reading, long, { lost, silent: hush.signal.aborted, said: complaints() }));
    } finally {
      clearTimeout(timer);
    }
  };

/** The last lines that a stream has said of its first 8 KiB; all of it is read. */
function lastOf(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    if (bytes < 8192) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => lastLines(plainText(Buffer.concat(chunks)), 3);
}

interface Row {
  readonly line: string;
  readonly early: boolean;
  readonly incoming: boolean;
  readonly samples: number;
}

interface Reading {
  root: boolean;
  by: 'ss' | 'proc' | undefined;
  own: string;
  rows: Map<string, Row>;
  holders: Map<string, ProcessRef>;
  samples: number;
  /** Milliseconds. */
  passed: number;
  gap: number;
  more: number;
  strange: number;
  why: string | undefined;
  whole: boolean;
}

const newReading = (): Reading => ({
  ...{ root: false, by: undefined, own: '', rows: new Map(), holders: new Map(), samples: 0, passed: 0, gap: 0 },
  ...{ more: 0, strange: 0, why: undefined, whole: false },
});

/** Rows of which the host may tell: far more than its script prints. */
const most = 10_000;

/** Takes a line in; true after each look. */
function read(reading: Reading, line: string): boolean {
  const [, uid, by] = /^decom watch 1 (\d+) (ss|proc|none)$/.exec(line) ?? [];
  if (uid !== undefined) {
    reading.root = uid === '0';
    if (by === 'ss' || by === 'proc') reading.by = by;
    return false;
  }
  const [, word = '', rest = ''] = /^(own|[+~]\d+|h|\.|=|%more|%strange|decom) ?(.*)$/.exec(line) ?? [];
  const id = word.slice(1);
  switch (word.charAt(0)) {
    case '+':
      if (reading.rows.size < most)
        reading.rows.set(id, { line: rest.slice(3), early: rest[0] === '1', incoming: rest[1] === '1', samples: 1 });
      return false;
    case '~': {
      const row = reading.rows.get(id);
      if (row !== undefined) reading.rows.set(id, { ...row, line: rest });
      return false;
    }
    case 'o':
      reading.own = rest;
      return false;
    case 'h': {
      const [, inode, pid, name = ''] = /^(\d+) (\d+) (.*)$/.exec(rest) ?? [];
      if (inode !== undefined && reading.holders.size < most)
        reading.holders.set(inode, { name: clean(name), pid: Number(pid) });
      return false;
    }
    case '.': {
      const [, samples, watched, gap] = /^(\d+) ([\d.]+) ([\d.]+)$/.exec(rest) ?? [];
      if (samples === undefined) return false;
      reading.samples = Number(samples);
      reading.passed = Math.round(Number(watched) * 1000);
      reading.gap = Math.round(Number(gap) * 1000);
      return true;
    }
    case '=': {
      const [, of = '', samples] = /^(\d+) (\d+)$/.exec(rest) ?? [];
      const row = reading.rows.get(of);
      if (row !== undefined) reading.rows.set(of, { ...row, samples: Number(samples) });
      return false;
    }
    case '%':
      reading[word === '%more' ? 'more' : 'strange'] = Number(rest);
      return false;
    default:
      if (line === 'decom watch end') reading.whole = true;
      else if (line.startsWith('!')) reading.why = line.slice(1);
      return false;
  }
}

const socketOf = ({ by, holders }: Reading, line: string): Socket | undefined | null =>
  by === 'ss' ? bySs(line, true) : byProc(line, holders, true);

const hasEnded = ({ by }: Reading, line: string): boolean =>
  by === 'ss' ? /^\w+\s+TIME-WAIT\s/.test(line) : /^\w+\s+\d+:\s+\S+\s+\S+\s+06\s/.test(line);

/** What was met until now. */
function rowsOf(reading: Reading): readonly WatchedRow[] {
  const [from = '', fromPort, to = '', toPort] = reading.own.split(' ');
  return [...reading.rows.values()].flatMap(({ line, early, incoming, samples }) => {
    const socket = socketOf(reading, line);
    if (socket === undefined || socket === null) return [];
    const { proto, local, peer, process } = socket;
    const own =
      peer.address === plainAddress(from) &&
      local.address === plainAddress(to) &&
      `${peer.port} ${local.port}` === `${fromPort} ${toPort}`;
    const closed = hasEnded(reading, line);
    return [{ proto, local, peer, incoming, process, samples, early, closed, own }];
  });
}

function watchedOf(reading: Reading, host: string, noRoot: Trouble | undefined): Seen<Watched> {
  const { passed, samples, gap, more, root } = reading;
  const rows = rowsOf(reading);
  const strange = reading.strange + reading.rows.size - rows.length;
  const lacks = [
    ...(root ? [] : [needsRoot(host, 'which processes of others hold connections', noRoot)]),
    ...(strange === 0
      ? []
      : [
          trouble(
            'watch-strange',
            `${strange} of the lines about sockets of ${host} could not be understood`,
            'Look there by hand: ss -tunap',
          ),
        ]),
  ];
  const connections: Listed<WatchedRow> = {
    ...{ rows, total: rows.length + more },
    ...(lacks.length === 0 ? {} : { lacks }),
  };
  return seen({ watched: passed, samples, gap, connections });
}

/** What was not watched to its end was not watched: who came meanwhile is not known. */
function broken(
  host: string,
  { samples, passed, why }: Reading,
  long: number,
  { lost, silent, said }: { readonly lost: Trouble | undefined; readonly silent: boolean; readonly said: string },
): Trouble {
  const until = `after ${durationText(passed)} of ${durationText(long)}; what was not seen to its end proves nothing`;
  switch (why) {
    case 'no-awk':
      return trouble('no-awk', `${host} has no awk, by which it is watched`, 'Install mawk, gawk or BusyBox there.');
    case 'no-sockets':
      return trouble(
        'no-sockets',
        `${host} tells of no sockets: it has neither ss nor /proc/net`,
        'Install iproute2 there.',
      );
  }
  const again = 'See that it stays reachable, and have it watched once more: decom resume';
  if (silent) return trouble('watch-silent', `${host} said nothing more ${until}`, again);
  if (lost !== undefined) return trouble('watch-lost', `the connection to ${host} was lost ${until}`, again, lost.what);
  const how = samples === 0 ? 'could not be watched' : `broke off its watch ${until}`;
  return trouble(
    'watch-failed',
    `${host} ${how}`,
    'Look there by hand whether this works: ss -tunap',
    said || undefined,
  );
}

const stopped = (host: string): Trouble =>
  trouble('aborted', `the watch of ${host} was stopped`, 'Have it watched once more: decom resume');
