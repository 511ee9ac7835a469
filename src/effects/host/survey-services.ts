import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { CronRow, Listed, ServiceRow, TimerRow } from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed, needsRoot, rowsOf } from './survey-answers.ts';

/** Services by systemd, by OpenRC, or by the scripts in /etc/init.d, whose status is not asked here: some take that word for `start`. */
export function servicesOf(answers: Answers): Seen<Listed<ServiceRow>> {
  const lacks: Trouble[] = [];
  const units = answers.of('units');
  const scripts = answers.of('scripts');
  if (units.how === 'unread') return unseen(units.trouble);
  if (units.how === 'read' && units.exit !== 0) {
    linesOf(answers, 'units', lacks);
    return unseen(lacks[0] ?? none(answers));
  }
  if (units.how === 'read' && units.lines.length > 0) return seen(bySystemd(answers, units.lines, lacks));
  if (scripts.how === 'unread') return unseen(scripts.trouble);
  if (scripts.how === 'absent' || scripts.exit !== 0) return unseen(none(answers));
  const [first, ...rest] = scripts.lines;
  if (first === 'openrc') return seen(listed(byOpenrc(rest), lacks));
  return seen(listed(rowsOf(answers, 'scripts', scripts.lines, byScript, lacks), lacks));
}

const none = ({ host }: Answers): Trouble =>
  trouble(
    'no-services',
    `${host} tells no services: it has neither systemd, nor OpenRC, nor /etc/init.d`,
    'Look there at what runs: ps -ef',
  );

function bySystemd(answers: Answers, lines: readonly string[], lacks: Trouble[]): Listed<ServiceRow> {
  const enabled = new Map<string, ServiceRow['enabled']>();
  for (const line of linesOf(answers, 'unitfiles', lacks)) {
    const [, unit, state] = /^(\S+)\s+(\S+)/.exec(line) ?? [];
    if (unit !== undefined) enabled.set(unit, state === undefined ? 'unknown' : /^enabled/.test(state) ? 'yes' : 'no');
  }
  const template = (unit: string): string => unit.replace(/@.*(?=\.\w+$)/, '@');
  const isEnabled = (unit: string): ServiceRow['enabled'] =>
    enabled.get(unit) ?? enabled.get(template(unit)) ?? 'unknown';
  const loaded = rowsOf(
    answers,
    'units',
    lines,
    (line): ServiceRow | undefined | null => {
      const [, unit, load, active, sub, about] =
        /^[●*\s]*(\S+\.(?:service|socket))\s+(\S+)\s+(\S+)\s+(\S+)\s*(.*)$/.exec(line) ?? [];
      if (unit === undefined) return undefined;
      if (load === 'not-found') return null;
      const running =
        active === 'active'
          ? sub === 'exited'
            ? 'no'
            : 'yes'
          : active === 'failed'
            ? 'failed'
            : active === 'inactive'
              ? 'no'
              : 'unknown';
      return { unit: clean(unit), running, enabled: isEnabled(unit), about: clean(about ?? '', 120) };
    },
    lacks,
  );
  const known = new Set(loaded.map(({ unit }) => unit));
  const asleep = [...enabled].flatMap(([unit, state]): readonly ServiceRow[] =>
    state === 'yes' && !known.has(clean(unit)) && !unit.includes('@.')
      ? [{ unit: clean(unit), running: 'no', enabled: 'yes', about: '' }]
      : [],
  );
  // What neither runs nor would is no news.
  return listed([...loaded.filter(({ running, enabled: on }) => running !== 'no' || on === 'yes'), ...asleep], lacks);
}

/** `rc-status`: ` nginx  [ started ]`; `rc-update show`: ` nginx | default`. */
function byOpenrc(lines: readonly string[]): readonly ServiceRow[] {
  const rows = new Map<string, ServiceRow>();
  for (const line of lines) {
    const [, name, state] = /^\s+(\S+)\s.*\[\s*(\w+).*\]\s*$/.exec(line) ?? [];
    const starts = /^\s+(\S+)\s+\|\s+(\S.*)$/.exec(line);
    const unit = clean(name ?? starts?.[1] ?? '');
    if (unit === '') continue;
    const row = rows.get(unit) ?? { unit, running: 'unknown', enabled: 'no', about: '' };
    rows.set(unit, {
      ...row,
      ...(starts === null ? {} : { enabled: 'yes' }),
      ...(state === undefined ? {} : { running: state === 'started' ? 'yes' : state === 'crashed' ? 'failed' : 'no' }),
    });
  }
  return [...rows.values()];
}

function byScript(line: string): ServiceRow | undefined {
  const [, unit, running, enabled] = /^(\S+) (yes|no|unknown) (yes|no)$/.exec(line) ?? [];
  if (unit === undefined || (running !== 'yes' && running !== 'no' && running !== 'unknown')) return undefined;
  return { unit: clean(unit), running, enabled: enabled === 'yes' ? 'yes' : 'no', about: '' };
}

export function timersOf(answers: Answers): Seen<Listed<TimerRow>> {
  const lacks: Trouble[] = [];
  const lines = linesOf(answers, 'timers', lacks);
  if (lacks[0] !== undefined) return unseen(lacks[0]);
  const rows: Map<string, string>[] = [];
  for (const line of lines) {
    const at = line.indexOf('=');
    const [key, value] = [line.slice(0, at), line.slice(at + 1)];
    const open = rows.at(-1);
    if (open === undefined || open.has(key)) rows.push(new Map([[key, value]]));
    else open.set(key, value);
  }
  return seen(
    listed(
      rows
        .filter((row) => row.has('Id'))
        .map((row) => ({
          timer: clean(row.get('Id') ?? ''),
          starts: clean(row.get('Unit') ?? ''),
          next: instant(row.get('NextElapseUSecRealtime')),
          last: instant(row.get('LastTriggerUSec')),
        })),
    ),
  );
}

/** `Mon 2026-11-23 06:00:00 UTC` */
function instant(text: string | undefined): string | null {
  const [, day, time] = /^\w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/.exec(text ?? '') ?? [];
  return day === undefined ? null : `${day}T${time}Z`;
}

export function cronOf(answers: Answers): Seen<Listed<CronRow>> {
  const lacks: Trouble[] = [];
  const lines = linesOf(answers, 'cron', lacks);
  if (lacks[0] !== undefined) return unseen(lacks[0]);
  if (answers.of('cron').how !== 'read')
    return unseen(trouble('no-cron', `${answers.host} tells no tables of cron`, 'Look there: ls /etc/cron*'));
  let table = '';
  const rows = rowsOf(
    answers,
    'cron',
    lines,
    (line): CronRow | undefined | null => {
      if (line.startsWith('> ')) return entry(table, line.slice(2));
      const [, kind, rest = ''] = /^(table|closed|script) (.*)$/.exec(line) ?? [];
      if (kind === 'table') table = rest;
      if (kind === 'closed') lacks.push(needsRoot(answers.host, rest, answers.noRoot));
      if (kind !== 'script') return kind === undefined ? undefined : null;
      const [when = '', path = ''] = rest.split(' ');
      return { from: path, user: 'root', when, command: path };
    },
    lacks,
  );
  return seen(listed(rows, lacks));
}

function entry(table: string, line: string): CronRow | undefined | null {
  if (/^\s*[A-Za-z_][A-Za-z0-9_]*\s*=/.test(line)) return null;
  const own = table.startsWith('/var/spool/cron/') || table.startsWith('/etc/crontabs/');
  if (table === '/etc/anacrontab') {
    const [, days, , name, command] = /^\s*(\S+)\s+(\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return days === undefined
      ? undefined
      : {
          from: `${table} ${clean(name ?? '')}`,
          user: 'root',
          when: `every ${clean(days)} days`,
          command: clean(command ?? ''),
        };
  }
  const [, when, rest = ''] = /^\s*(@\w+|\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/.exec(line) ?? [];
  if (when === undefined) return undefined;
  const [, user, command] = own
    ? [undefined, table.split('/').at(-1) ?? '', rest]
    : (/^(\S+)\s+(.*)$/.exec(rest) ?? []);
  if (user === undefined || command === undefined) return undefined;
  return {
    from: own ? `crontab of ${clean(user)}` : table,
    user: clean(user),
    when: clean(when),
    command: clean(command),
  };
}
