import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { ConnectionRow, DatabaseRow, ExportRow, GuestRow, Listed, RoleRow } from '../../core/survey.ts';
import { wholly } from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed, rowsOf } from './survey-answers.ts';

interface Process {
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

/** What others have from here: by NFS, iSCSI, SMB and Ceph. Who has it now is told by the connections to its port. */
export function exportsOf(
  answers: Answers,
  processes: Seen<Listed<Process>>,
  connections: Seen<Listed<ConnectionRow>>,
): Seen<Listed<ExportRow>> {
  const lacks: Trouble[] = [...(processes.known ? (processes.value.lacks ?? []) : [processes.trouble])];
  const live = wholly(connections);
  const clients = (...ports: readonly number[]): readonly string[] | null =>
    live === undefined
      ? null
      : [
          ...new Set(
            live.filter(({ local, inside }) => ports.includes(local.port) && !inside).map(({ peer }) => peer.address),
          ),
        ];
  const running = processes.known ? processes.value.rows : [];
  const nfs = linesOf(answers, 'nfs', lacks)
    .filter((line) => !line.startsWith('#'))
    .map((line): ExportRow => {
      const [path = '', ...to] = line.split(/\s+/);
      return {
        kind: 'nfs',
        what: clean(path),
        offered: to.map((one) => clean(one.replace(/\(.*$/, ''))),
        clients: clients(2049),
      };
    });
  const iscsi: { readonly what: string; readonly offered: string[] }[] = [];
  for (const line of linesOf(answers, 'iscsi', lacks)) {
    const [, kind, name] = /^(target|acl) (\S+)$/.exec(line) ?? [];
    if (kind === 'target') iscsi.push({ what: clean(name ?? ''), offered: [] });
    else iscsi.at(-1)?.offered.push(clean(name ?? ''));
  }
  const smbd = running.some(({ name }) => name === 'smbd' || name === 'ksmbd');
  const shares = smbd ? linesOf(answers, 'smb', lacks).flatMap((line) => /^\s*\[([^\]]+)\]/.exec(line)?.[1] ?? []) : [];
  const ceph = running.filter(({ name }) => /^ceph-(osd|mon|mds|mgr)$/.test(name));
  const drbd = linesOf(answers, 'drbd', []).flatMap((line) => /^\s*(\d+): cs:(\S+) ro:(\S+)/.exec(line) ?? []);
  return seen(
    listed(
      [
        ...nfs,
        ...iscsi.map((target): ExportRow => ({ kind: 'iscsi', ...target, clients: clients(3260) })),
        ...shares
          .filter((share) => share.toLowerCase() !== 'global')
          .map((share): ExportRow => ({ kind: 'smb', what: clean(share), offered: [], clients: clients(445, 139) })),
        ...ceph.map(({ name, args, pid }): ExportRow => {
          const id = /--id[= ](\S+)|\s-i\s+(\S+)/.exec(args);
          return {
            kind: 'ceph',
            what: clean(`${name.slice(5)}.${id?.[1] ?? id?.[2] ?? pid}`),
            offered: [],
            clients: null,
          };
        }),
        ...(drbd.length === 0 ? [] : [{ kind: 'drbd' as const, what: `drbd${drbd[1]}`, offered: [], clients: null }]),
      ],
      lacks,
    ),
  );
}

/** Its parts in clusters: each program that makes one is looked for among the processes, and asked where it can be asked without a password. */
export function rolesOf(
  answers: Answers,
  processes: Seen<Listed<Process>>,
  addresses: readonly string[] | undefined,
): Seen<Listed<RoleRow>> {
  if (!processes.known) return processes;
  const lacks: Trouble[] = [...(processes.value.lacks ?? [])];
  const runs = (pattern: RegExp): boolean => processes.value.rows.some(({ name }) => pattern.test(name));
  const mute = (source: string): string => {
    const answer = answers.of(source);
    if (answer.how === 'absent') return 'its program to ask it is not there';
    return answer.how === 'unread' ? answer.trouble.what : clean(answer.lines.at(-1) ?? 'it did not answer', 120);
  };
  const said = (source: string): readonly string[] => {
    const answer = answers.of(source);
    return answer.how === 'read' && answer.exit === 0 ? answer.lines : [];
  };
  const rows: RoleRow[] = [];
  if (runs(/^(postgres|postmaster)$/)) {
    const [standby, senders, slots] = (said('postgresql').at(-1) ?? '').split('|');
    if (standby === 't') rows.push(row('postgresql', 'secondary', 'it is in recovery'));
    else if (standby === 'f') {
      const followed = Number(senders) > 0 || Number(slots) > 0;
      rows.push(
        row(
          'postgresql',
          followed ? 'primary' : 'alone',
          followed ? `${senders} replicas connected, ${slots} slots` : 'no replica and no slot',
        ),
      );
    } else rows.push(row('postgresql', 'unknown', mute('postgresql')));
  }
  if (runs(/^(mysqld|mariadbd)$/)) {
    const lines = said('mysql');
    const hosts = lines.lastIndexOf('hosts');
    const follows = lines.some((line) => /^\s*(Source|Master)_Host: \S/.test(line));
    if (hosts === -1) rows.push(row('mysql', 'unknown', mute('mysql')));
    else if (follows) rows.push(row('mysql', 'secondary', 'it follows another'));
    else
      rows.push(row('mysql', lines.length > hosts + 1 ? 'primary' : 'alone', `${lines.length - hosts - 1} replicas`));
  }
  if (runs(/^(redis|valkey)-server/)) {
    const lines = said('redis').map((line) => line.replace(/\r$/, '').replace(/\\r$/, ''));
    const role = lines.find((line) => line.startsWith('role:'));
    const slaves = Number(
      /^connected_slaves:(\d+)/.exec(lines.find((line) => line.startsWith('connected_slaves:')) ?? '')?.[1] ?? 0,
    );
    if (role === 'role:slave') rows.push(row('redis', 'secondary', 'it follows another'));
    else if (role === 'role:master') rows.push(row('redis', slaves > 0 ? 'primary' : 'alone', `${slaves} replicas`));
    else rows.push(row('redis', 'unknown', mute('redis')));
  }
  if (runs(/^keepalived/)) {
    const lines = said('keepalived');
    const virtual = lines.flatMap((line) => /^\s*((?:\d+\.){3}\d+)(?:\/\d+)?(?:\s|$)/.exec(line)?.[1] ?? []);
    const here = virtual.filter((address) => addresses?.some((one) => one.split('/')[0] === address));
    if (addresses === undefined || virtual.length === 0)
      rows.push(
        row(
          'keepalived',
          'unknown',
          lines.length === 0 ? mute('keepalived') : 'its virtual addresses could not be told',
        ),
      );
    else
      rows.push(
        row(
          'keepalived',
          here.length > 0 ? 'primary' : 'secondary',
          here.length > 0 ? `holds ${here.map((one) => clean(one)).join(', ')}` : 'holds no virtual address now',
        ),
      );
  }
  if (runs(/^(pacemakerd|corosync)$/)) {
    const lines = said('pacemaker');
    const promoted = lines.filter((line) => /\b(Masters?|Promoted):?\b/.test(line));
    rows.push(
      row('pacemaker', 'unknown', lines.length === 0 ? mute('pacemaker') : clean(promoted[0] ?? 'see: crm_mon -1')),
    );
  }
  if (runs(/^etcd$/))
    rows.push(
      row('etcd', 'unknown', 'whether it leads is told to holders of its certificates: etcdctl endpoint status'),
    );
  if (runs(/^(kubelet|k3s-server|k3s-agent|k3s)/)) {
    const leads = runs(/^(kube-apiserver|k3s-server)/);
    rows.push(
      row(
        'kubernetes',
        leads ? 'primary' : 'secondary',
        leads ? 'the control plane runs here' : 'a worker; see: kubectl drain',
      ),
    );
  }
  if (runs(/^mongod$/)) rows.push(row('mongodb', 'unknown', 'it is asked with a login only: rs.status()'));
  if (runs(/^ceph-mon$/)) rows.push(row('ceph', 'unknown', 'a monitor; see: ceph quorum_status'));
  for (const line of said('drbdadm'))
    rows.push(
      row(
        'drbd',
        /^Primary\b/.test(line) ? 'primary' : /^Secondary\b/.test(line) ? 'secondary' : 'unknown',
        clean(line),
      ),
    );
  if (runs(/^(named|nsd|pdns_server|knotd|unbound)$/))
    rows.push(row('dns', 'unknown', 'a name server runs here: see who asks it'));
  if (runs(/^(dhcpd|kea-dhcp4|kea-dhcp6)$/)) rows.push(row('dhcp', 'unknown', 'a DHCP server runs here'));
  if (runs(/^(slapd|ns-slapd)$/)) rows.push(row('ldap', 'unknown', 'a directory runs here'));
  return seen(listed(rows, lacks));
}

const row = (kind: RoleRow['kind'], role: RoleRow['role'], why: string): RoleRow => ({ kind, name: '', role, why });
