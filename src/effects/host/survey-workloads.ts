import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { DatabaseRow, GuestRow, Listed } from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed, rowsOf } from './survey-answers.ts';

export interface Process {
  readonly pid: number;
  readonly name: string;
  /** Of database servers and the like; empty of others. */
  readonly args: string;
}

/** Processes by ps; unknown where that is missing, because then nobody can say what does not run. */
export function processesOf(answers: Answers): Seen<Listed<Process>> {
  const lacks: Trouble[] = [];
  const lines = linesOf(answers, 'processes', lacks);
  if (lacks[0] !== undefined) return unseen(lacks[0]);
  if (lines.length === 0)
    return unseen(trouble('no-processes', `${answers.host} tells no processes: it has no ps`, 'Install procps there.'));
  const args = new Map<number, string>();
  for (const line of linesOf(answers, 'servers', lacks)) {
    const [, pid, text] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
    if (pid !== undefined) args.set(Number(pid), text ?? '');
  }
  const read = (line: string): Process | undefined | null => {
    if (/^\s*PID\s/.test(line)) return null;
    const [, pid, name] = /^\s*(\d+)\s+(\S.*)$/.exec(line) ?? [];
    return pid === undefined
      ? undefined
      : { pid: Number(pid), name: clean(name ?? ''), args: args.get(Number(pid)) ?? '' };
  };
  const rows = rowsOf(answers, 'processes', lines, read, lacks);
  return seen({ rows, total: rows.length, ...(lacks.length === 0 ? {} : { lacks }) });
}

const servers: readonly (readonly [RegExp, string])[] = [
  [/^(postgres|postmaster)$/, 'postgresql'],
  [/^mysqld$/, 'mysql'],
  [/^mariadbd$/, 'mariadb'],
  [/^mongo[ds]$/, 'mongodb'],
  [/^(redis|valkey)-server$/, 'redis'],
  [/^ora_pmon_/, 'oracle'],
  [/^sqlservr$/, 'mssql'],
  [/^db2sysc$/, 'db2'],
  [/^influxd$/, 'influxdb'],
  [/^clickhouse-serv/, 'clickhouse'],
  [/^memcached$/, 'memcached'],
  [/^slapd$|^ns-slapd$/, 'ldap'],
  [/^beam\.smp$/, 'erlang (RabbitMQ, CouchDB)'],
];

/** Servers of databases that run, by the names of their processes. One that runs in Java is seen as a listener and a service only. */
export function databasesOf(processes: Seen<Listed<Process>>): Seen<Listed<DatabaseRow>> {
  if (!processes.known) return processes;
  const rows = processes.value.rows.flatMap(({ pid, name, args }): readonly DatabaseRow[] => {
    const kind = servers.find(([pattern]) => pattern.test(name))?.[1];
    // The server itself, not its workers, which call themselves "postgres: writer".
    if (kind === undefined || /^postgres: /.test(args)) return [];
    const data = /(?:^|\s)(?:-D\s*|--pgdata[= ]|--datadir[= ]|--dbpath[= ]|--dir )(\/\S+)/.exec(args)?.[1];
    return [{ kind, process: { name, pid }, data: data === undefined ? null : clean(data) }];
  });
  return seen(listed(rows, processes.value.lacks));
}

/** Containers and virtual machines, by every program for them that is there, and by their processes. */
export function guestsOf(answers: Answers, processes: Seen<Listed<Process>>): Seen<Listed<GuestRow>> {
  const lacks: Trouble[] = [...(processes.known ? (processes.value.lacks ?? []) : [processes.trouble])];
  const read = (source: string, row: (line: string) => GuestRow | undefined | null): readonly GuestRow[] =>
    rowsOf(answers, source, linesOf(answers, source, lacks), row, lacks);
  const is = (state: string): GuestRow['running'] => (/^(running|up|paused|idle)/i.test(state) ? 'yes' : 'no');
  const container =
    (by: string) =>
    (line: string): GuestRow | undefined => {
      const [, name, state = ''] = /^(\S+) (\S+)/.exec(line) ?? [];
      return name === undefined ? undefined : { kind: 'container', by, name: clean(name), running: is(state) };
    };
  const rows: GuestRow[] = [
    ...read('docker', container('docker')),
    ...read('podman', container('podman')),
    ...read('virsh', (line) => {
      const [, name, state = ''] = /^\s*(?:\d+|-)\s+(.*?)\s{2,}(\S.*)$/.exec(line) ?? [];
      return name === undefined ? undefined : { kind: 'vm', by: 'libvirt', name: clean(name), running: is(state) };
    }),
    ...read('machines', (line) => {
      const [, name, kind, by] = /^(\S+)\s+(container|vm)\s+(\S+)/.exec(line) ?? [];
      if (name === undefined) return undefined;
      return { kind: kind === 'vm' ? 'vm' : 'container', by: clean(by ?? ''), name: clean(name), running: 'yes' };
    }),
    ...read('lxc', (line) => {
      if (/^NAME\s/.test(line)) return null;
      const [, name, state = ''] = /^(\S+)\s+(\S+)/.exec(line) ?? [];
      return name === undefined ? undefined : { kind: 'container', by: 'lxc', name: clean(name), running: is(state) };
    }),
  ];
  const running = processes.known ? processes.value.rows : [];
  const qemu = running.filter(({ name }) => /^(qemu-(system|kvm)|kvm$)/.test(name));
  if (!rows.some(({ kind, running: on }) => kind === 'vm' && on === 'yes')) {
    for (const { pid, args } of qemu) {
      const name = /\s-name\s+(?:guest=)?([^\s,]+)/.exec(args)?.[1];
      rows.push({ kind: 'vm', by: 'qemu', name: clean(name ?? `process ${pid}`), running: 'yes' });
    }
  }
  const shims = running.filter(({ name }) => /^(containerd-shim|conmon$)/.test(name));
  if (!rows.some(({ kind, running: on }) => kind === 'container' && on === 'yes')) {
    for (const { pid, name } of shims)
      rows.push({ kind: 'container', by: 'containerd', name: `${name}, process ${pid}`, running: 'yes' });
  }
  return seen(listed(rows, lacks));
}
