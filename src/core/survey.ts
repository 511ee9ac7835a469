import type { Seen, Trouble } from './result.ts';

/**
 * What a host says of itself in one round trip (`host.survey`): who it is, what runs on it, who uses it, what others have from it, and what it is made of.
 *
 * Every section is seen on its own. Unknown is not zero: a list that is known and empty was really read, and one that could not be read whole says
 * so in `lacks` or by a `total` that is greater than its rows. Texts are printable; times are as the host writes them, in UTC, unless said
 * otherwise.
 */
export interface Survey {
  /** Whether it was asked as root; without it processes of others, serials and much else stay unknown, and are named so. */
  readonly root: boolean;
  readonly identity: Seen<SurveyIdentity>;
  readonly os: Seen<SurveyOs>;
  readonly services: Seen<Listed<ServiceRow>>;
  readonly listeners: Seen<Listed<ListenerRow>>;
  readonly connections: Seen<Listed<ConnectionRow>>;
  readonly sessions: Seen<Listed<SessionRow>>;
  readonly last_logins: Seen<Listed<LoginRow>>;
  readonly timers: Seen<Listed<TimerRow>>;
  readonly cron: Seen<Listed<CronRow>>;
  readonly mounts: Seen<Listed<MountRow>>;
  /** What other machines have from here. */
  readonly exports: Seen<Listed<ExportRow>>;
  readonly disks: Seen<Listed<DiskRow>>;
  readonly databases: Seen<Listed<DatabaseRow>>;
  /** Containers and virtual machines. */
  readonly guests: Seen<Listed<GuestRow>>;
  /** Its parts in clusters, and whether it is a primary there. */
  readonly roles: Seen<Listed<RoleRow>>;
  readonly addresses: Seen<Listed<AddressRow>>;
  readonly routes: Seen<Listed<RouteRow>>;
  readonly parts: Seen<Listed<PartRow>>;
  readonly load: Seen<SurveyLoad>;
}

/** As much of a survey as tells who uses the host (`host.use`). */
export type HostUse = Pick<
  Survey,
  'root' | 'listeners' | 'connections' | 'sessions' | 'exports' | 'roles' | 'addresses'
> & { readonly load: Seen<Omit<SurveyLoad, 'history'>> };

/** Rows that were read. Whoever must know all of them asks `wholly`. */
export interface Listed<T> {
  readonly rows: readonly T[];
  /** How many there were; more than `rows` holds where the list was capped. */
  readonly total: number;
  /** What of it could not be had, and why: a source that was closed, hung or printed without end. Absent: nothing is missing. */
  readonly lacks?: readonly Trouble[];
}

export interface SurveyIdentity {
  readonly serial: Seen<string>;
  /** Lower case. */
  readonly uuid: Seen<string>;
  /** 32 hex digits. */
  readonly machine_id: Seen<string>;
  /** As /proc/sys/kernel/random/boot_id writes it. */
  readonly boot_id: Seen<string>;
  readonly vendor: Seen<string>;
  readonly product: Seen<string>;
}

export interface SurveyOs {
  readonly hostname: string;
  /** `debian`, by /etc/os-release; empty where there is none. */
  readonly id: string;
  /** For people: `Debian GNU/Linux 12 (bookworm)`. */
  readonly name: string;
  /** `12`; empty where it is not told. */
  readonly version: string;
  /** `Linux 6.1.0-28-amd64 x86_64` */
  readonly kernel: string;
  /** Seconds since it was started; null where the kernel does not say. */
  readonly uptime: number | null;
  readonly init: 'systemd' | 'openrc' | 'sysv' | 'other';
}

/** Something that the init system keeps running, or would start at boot. */
export interface ServiceRow {
  /** `nginx.service`; without systemd the script's name. */
  readonly unit: string;
  readonly running: 'yes' | 'no' | 'failed' | 'unknown';
  readonly enabled: 'yes' | 'no' | 'unknown';
  readonly about: string;
}

/** The process that holds a socket. */
export interface ProcessRef {
  readonly name: string;
  readonly pid: number;
}

/** An address without brackets or zone, and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface ListenerRow {
  readonly proto: 'tcp' | 'udp';
  /** `0.0.0.0` and `::` for all. */
  readonly at: Endpoint;
  /** Null where it could not be told, or where the kernel itself listens (NFS). */
  readonly process: ProcessRef | null;
}

/** An established connection, or one that is being opened or closed by half. */
export interface ConnectionRow {
  readonly proto: 'tcp' | 'udp';
  readonly local: Endpoint;
  readonly peer: Endpoint;
  /** Something on this host listens at the local port: the peer came to us. */
  readonly incoming: boolean;
  /** Peer and host are one machine: loopback, or an address of its own. */
  readonly inside: boolean;
  readonly process: ProcessRef | null;
  /** The SSH connection by which this was asked. */
  readonly own: boolean;
}

/** Somebody who is logged in at a terminal, or through a session of systemd-logind. */
export interface SessionRow {
  readonly user: string;
  /** Empty where it has none. */
  readonly tty: string;
  /** Address or name of where they came from; empty: from the console, or not told. */
  readonly from: string;
  readonly since: string;
  readonly own: boolean;
}

export interface LoginRow {
  readonly user: string;
  readonly tty: string;
  readonly from: string;
  readonly at: string;
}

export interface TimerRow {
  readonly timer: string;
  readonly starts: string;
  /** RFC 3339; null: not planned, or never. */
  readonly next: string | null;
  readonly last: string | null;
}

export interface CronRow {
  /** The table's file, or `crontab of USER`. */
  readonly from: string;
  readonly user: string;
  /** `17 * * * *`, `@daily`, or `daily` for a script in /etc/cron.daily. */
  readonly when: string;
  readonly command: string;
}

export interface MountRow {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  /** Bytes; null where they could not be told in time: a server that is gone, or no file system with a size. */
  readonly size: number | null;
  readonly used: number | null;
  /** On another machine: NFS, SMB, Ceph, sshfs … */
  readonly remote: boolean;
}

/** Something that others have, or may have, from here. */
export interface ExportRow {
  readonly kind: 'nfs' | 'iscsi' | 'smb' | 'ceph' | 'nbd' | 'drbd';
  /** `/srv/data`, an IQN, a share, `osd.3`. */
  readonly what: string;
  /** Whom it is offered to, as the configuration says; empty: not told. */
  readonly offered: readonly string[];
  /** Who has it now; null: could not be told. */
  readonly clients: readonly string[] | null;
}

export interface DiskRow {
  /** `/dev/sda` */
  readonly device: string;
  readonly kind: 'disk' | 'partition' | 'other';
  readonly serial: string | null;
  readonly wwn: string | null;
  readonly model: string | null;
  /** Bytes. */
  readonly size: number | null;
  /** sata, sas, nvme, usb, virtio, iscsi, fc …; null: not told. */
  readonly transport: string | null;
  readonly rotational: boolean | null;
  /** What it is a member of: `raid md0`, `lvm vg0`, `zfs tank`, `multipath mpatha`, `drbd r0`, `bcache`, `crypt`. */
  readonly member_of: readonly { readonly kind: MembershipKind; readonly name: string }[];
}

export type MembershipKind = 'raid' | 'lvm' | 'zfs' | 'multipath' | 'drbd' | 'bcache' | 'crypt' | 'btrfs' | 'ceph';

export interface DatabaseRow {
  /** postgresql, mysql, mariadb, mongodb, redis, oracle, mssql, db2, cassandra, elasticsearch, influxdb … */
  readonly kind: string;
  readonly process: ProcessRef;
  /** Where its data is, as its command line says; null: not told there. */
  readonly data: string | null;
}

export interface GuestRow {
  readonly kind: 'container' | 'vm';
  /** docker, podman, containerd, lxc, nspawn, libvirt, qemu, proxmox, virtualbox, xen */
  readonly by: string;
  readonly name: string;
  readonly running: 'yes' | 'no' | 'unknown';
}

/** A part in a cluster, or beside a replica. A primary that others follow must hand over before it goes. */
export interface RoleRow {
  readonly kind: RoleKind;
  /** The instance: a virtual router, a port, a node's name; empty: there is but one. */
  readonly name: string;
  /** `alone`: no cluster and no replica is behind it. `unknown`: it is there, and did not say (`why`). */
  readonly role: 'primary' | 'secondary' | 'alone' | 'unknown';
  readonly why: string;
}

export type RoleKind =
  | 'keepalived'
  | 'pacemaker'
  | 'etcd'
  | 'kubernetes'
  | 'postgresql'
  | 'mysql'
  | 'redis'
  | 'mongodb'
  | 'ceph'
  | 'drbd'
  | 'dns'
  | 'dhcp'
  | 'ldap';

export interface AddressRow {
  readonly interface: string;
  /** With its prefix length: `192.0.2.10/24`; empty for an interface that has none. */
  readonly address: string;
  readonly mac: string | null;
  readonly up: boolean;
}

export interface RouteRow {
  /** `default`, `10.0.0.0/8` */
  readonly to: string;
  readonly via: string | null;
  readonly interface: string;
}

/** A piece of hardware that has a label of its own. */
export interface PartRow {
  readonly kind: 'system' | 'board' | 'chassis' | 'memory' | 'cpu' | 'psu' | 'card' | 'nic' | 'firmware';
  readonly slot: string;
  readonly model: string;
  readonly serial: string | null;
}

export interface SurveyLoad {
  /** Load averages over 1, 5 and 15 minutes. */
  readonly now: readonly [number, number, number];
  readonly processors: number | null;
  /** Bytes. */
  readonly memory: { readonly total: number; readonly available: number } | null;
  /** Days of sysstat; unknown where it is not installed or kept nothing. */
  readonly history: Seen<Listed<LoadDay>>;
}

/** One day of sysstat: averages over the day. */
export interface LoadDay {
  /** `2026-11-22` */
  readonly day: string;
  /** Per cent of processor time that was not idle. */
  readonly busy: number;
}

/** A section that was read in full: known, with no row left out and nothing lacking. Everything else is unknown to a gate. */
export const wholly = <T>(section: Seen<Listed<T>>): readonly T[] | undefined =>
  section.known && section.value.lacks === undefined && section.value.total === section.value.rows.length
    ? section.value.rows
    : undefined;

/** With at most `rows` of every list; `total` tells how many there were. */
export const cappedSurvey = (survey: Survey, rows: number): Survey => {
  const capped = <T>(section: Seen<Listed<T>>): Seen<Listed<T>> =>
    section.known && section.value.rows.length > rows
      ? { known: true, value: { ...section.value, rows: section.value.rows.slice(0, rows) } }
      : section;
  const { root, identity, os, load, ...lists } = survey;
  return {
    ...{ root, identity, os },
    services: capped(lists.services),
    listeners: capped(lists.listeners),
    connections: capped(lists.connections),
    sessions: capped(lists.sessions),
    last_logins: capped(lists.last_logins),
    timers: capped(lists.timers),
    cron: capped(lists.cron),
    mounts: capped(lists.mounts),
    exports: capped(lists.exports),
    disks: capped(lists.disks),
    databases: capped(lists.databases),
    guests: capped(lists.guests),
    roles: capped(lists.roles),
    addresses: capped(lists.addresses),
    routes: capped(lists.routes),
    parts: capped(lists.parts),
    load,
  };
};
