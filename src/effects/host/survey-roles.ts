import { type Seen, seen, type Trouble } from '../../core/result.ts';
import type { Listed, RoleRow } from '../../core/survey.ts';
import { type Answers, clean, listed } from './survey-answers.ts';
import type { Process } from './survey-workloads.ts';

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
