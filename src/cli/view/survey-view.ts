import { durationText } from '../../core/duration.ts';
import type { Seen } from '../../core/result.ts';
import type { Endpoint, Listed, ProcessRef, Survey } from '../../core/survey.ts';
import { bytesText, type Line, pairs, type Span, warn } from './text.ts';

type Row = readonly [string, Span | readonly Span[]];

/** What is on a host, a line a section: what it is, who uses it, what is unknown and why. Sections that were read and are empty share one. */
export function surveyLines(survey: Seen<Survey>): readonly Line[] {
  if (!survey.known) return pairs([['on it', warn(`unknown: ${survey.trouble.what}`)]]);
  const s = survey.value;
  const empty: string[] = [];
  const list = <T>(
    name: string,
    section: Seen<Listed<T>>,
    words: (rows: readonly T[], total: number) => string,
  ): readonly Row[] => {
    if (!section.known) return [[name, warn(`unknown: ${section.trouble.what}`)]];
    const { rows, total, lacks = [] } = section.value;
    const missing = lacks.map(({ what }): Row => [name, warn(`not all: ${what}`)]);
    if (total > 0) return [[name, words(rows, total)], ...missing];
    if (missing.length === 0) empty.push(name);
    return missing;
  };
  const rows: readonly Row[] = [
    ['on it', s.os.known ? osWords(s.os.value, s.root) : warn(`unknown: ${s.os.trouble.what}`)],
    ...list('services', s.services, (rows, total) => {
      const failed = rows.filter(({ running }) => running === 'failed').map(({ unit }) => unit);
      const on = rows.filter(({ running }) => running === 'yes').length;
      return joined(
        [`${total}: ${on} run`, ...(failed.length === 0 ? [] : [`failed: ${some(failed, failed.length)}`])],
        '; ',
      );
    }),
    ...list('listens', s.listeners, (rows, total) =>
      some(distinct(rows.map((r) => `${r.proto} ${place(r.at)}${by(r.process)}`)), total),
    ),
    ...list('connected', s.connections, (rows, total) => {
      const others = rows.filter(({ own, inside }) => !own && !inside);
      const words = distinct(
        others.map((r) =>
          r.incoming
            ? `${r.peer.address} to port ${r.local.port}${by(r.process)}`
            : `here to ${r.peer.address} port ${r.peer.port}${by(r.process)}`,
        ),
      );
      const atLeast = total > rows.length ? 'at least ' : '';
      return `${total}, ${atLeast}${others.length} of them with others${words.length === 0 ? '' : `: ${some(words, words.length)}`}`;
    }),
    ...list('logged in', s.sessions, (rows, total) =>
      some(
        rows.map((r) =>
          joined([r.user, r.tty === '' ? '' : `at ${r.tty}`, r.from === '' ? '' : `from ${r.from}`], ' '),
        ),
        total,
      ),
    ),
    ...list(
      'last logins',
      s.last_logins,
      ([last], total) => `${total}; the last: ${last?.user ?? '?'} at ${last?.at ?? '?'}`,
    ),
    ...list('timers', s.timers, (rows, total) =>
      some(
        rows.map(({ timer }) => timer),
        total,
      ),
    ),
    ...list('cron', s.cron, (rows, total) => `${total}: ${some(distinct(rows.map(({ from }) => from)), total)}`),
    ...list('mounts', s.mounts, (rows, total) => {
      const data = rows.filter(({ type }) => type !== 'tmpfs' && type !== 'overlay');
      const words = data.map(
        (r) =>
          `${r.target}${r.remote ? ` from ${r.source}` : r.size === null || r.used === null ? '' : ` ${bytesText(r.used)} of ${bytesText(r.size)}`}`,
      );
      return some(words, words.length + total - rows.length);
    }),
    ...list('others have', s.exports, (rows, total) =>
      some(
        rows.map(
          (r) =>
            `${r.kind} ${r.what}, ${r.clients === null ? 'by whom is unknown' : r.clients.length === 0 ? 'nobody now' : some(r.clients, r.clients.length)}`,
        ),
        total,
      ),
    ),
    ...list('block devices', s.disks, (rows, total) => {
      const words = rows
        .filter(({ kind }) => kind === 'disk')
        .map((r) =>
          joined(
            [
              r.device,
              r.size === null ? '' : bytesText(r.size),
              r.serial === null ? 'no serial' : `serial ${r.serial}`,
              ...r.member_of.map((m) => joined([`in ${m.kind}`, m.name], ' ')),
            ],
            ' ',
          ),
        );
      return words.length === 0 ? `${total}, no disk among them` : some(words, words.length);
    }),
    ...list('databases', s.databases, (rows, total) =>
      some(
        rows.map((r) => `${r.kind}${r.data === null ? '' : ` in ${r.data}`}`),
        total,
      ),
    ),
    ...list('guests', s.guests, (rows, total) =>
      some(
        rows.map((r) => `${r.kind} ${r.name} (${r.by}${r.running === 'yes' ? ', runs' : ''})`),
        total,
      ),
    ),
    ...list('roles', s.roles, (rows, total) =>
      some(
        rows.map((r) => `${r.kind} ${r.role}${r.why === '' ? '' : ` (${r.why})`}`),
        total,
      ),
    ),
    ...list('addresses', s.addresses, (rows, total) =>
      some(
        rows
          .filter(({ address }) => address !== '' && !/^(127\.|::1\/|fe80:)/.test(address))
          .map((r) => `${r.address} on ${r.interface}`),
        total,
      ),
    ),
    ...list(
      'routes',
      s.routes,
      (rows, total) =>
        `${total}; ${
          some(
            rows.filter(({ to }) => to === 'default').map((r) => `default via ${r.via ?? r.interface}`),
            0,
          ) || 'no default'
        }`,
    ),
    ...list(
      'parts',
      s.parts,
      (rows, total) => `${total}, ${rows.filter(({ serial }) => serial !== null).length} with a serial`,
    ),
    ...loadRows(s),
  ];
  const none: readonly Row[] = empty.length === 0 ? [] : [['none', empty.join(', ')]];
  return pairs([...rows, ...none]);
}

function osWords(os: Survey['os'] extends Seen<infer T> ? T : never, root: boolean): string {
  const up = os.uptime === null ? [] : [`up ${durationText(os.uptime * 1000)}`];
  return [
    os.name,
    os.kernel,
    ...up,
    os.init === 'other' ? 'init unknown' : os.init,
    root ? 'asked as root' : 'asked without root',
  ].join('; ');
}

function loadRows({ load }: Survey): readonly Row[] {
  if (!load.known) return [['load', warn(`unknown: ${load.trouble.what}`)]];
  const { now, processors, history } = load.value;
  const past = history.known
    ? `; ${history.value.total} days of sysstat, at most ${Math.max(...history.value.rows.map(({ busy }) => busy))} % busy over a day`
    : '; before that unknown';
  return [['load', `${now.join(', ')}${processors === null ? '' : ` on ${processors} processors`}${past}`]];
}

/** So many are named on a line; how many there are besides is said. */
const named = 6;

const some = (words: readonly string[], total: number): string => {
  const shown = words.slice(0, named);
  const more = Math.max(total, words.length) - shown.length;
  return `${shown.join(', ')}${more > 0 && words.length > named ? ` and ${more} more` : ''}`;
};

const distinct = (words: readonly string[]): readonly string[] => [...new Set(words)];
const joined = (words: readonly string[], by: string): string => words.filter((word) => word !== '').join(by);
const by = (process: ProcessRef | null): string => (process === null ? '' : ` (${process.name})`);
const place = ({ address, port }: Endpoint): string =>
  /^(0\.0\.0\.0|::)$/.test(address) ? `${port}` : `${address} port ${port}`;
