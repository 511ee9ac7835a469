import type { BlobRef } from './blob.ts';
import type {
  CopiedDatabases,
  DatabaseAccess,
  DatabaseServer,
  DatabasesComparison,
  DatabasesSeen,
  ServersHere,
} from './databases.ts';
import type { DisksSeen } from './disk.ts';
import type { ReadBack } from './disk-samples.ts';
import type { Kept } from './keep.ts';
import type { Seen, Trouble } from './result.ts';
import type { HostUse, Survey } from './survey.ts';
import type { Watched } from './use.ts';

/** What a running machine says of itself. Each source is asked on its own, so one that is closed to us hides no other. */
export interface HostIdentity {
  readonly serial: Seen<string>;
  readonly uuid: Seen<string>;
  readonly machine_id: Seen<string>;
  readonly boot_id: Seen<string>;
  /** The key that the SSH connection was verified with: `ssh-ed25519 AAAA…`. */
  readonly host_key: Seen<string>;
  /** Algorithms that the connection uses and that no longer count as safe; absent where there are none. */
  readonly legacy?: readonly string[];
}

/** What a BMC says of the machine it belongs to. `guid` is in the byte order of the DMI UUID, and `guid_swapped` in the other. */
export interface BmcIdentity {
  readonly guid: Seen<string>;
  readonly guid_swapped: Seen<string>;
  readonly serial: Seen<string>;
}

/** An init system other than systemd, with what its commands need: so that a plan can name them. */
export interface OtherInit {
  readonly kind: 'sysv' | 'openrc';
  /** What `stop` and `start` are added to: `/usr/sbin/service nginx`, `/etc/init.d/nginx`, `/sbin/rc-service nginx`. */
  readonly run: readonly string[];
  /** The program that decides what starts at boot: an absolute path; null where there is none, and the links are all there is. */
  readonly boot: string | null;
  /** What starts it at boot: links like `/etc/rc3.d/S20nginx`, of OpenRC the names of runlevels. */
  readonly starts: readonly string[];
}

/** A systemd unit: the properties of `systemctl show`, by their own names' meaning; other init systems are put in the same words. */
export interface ServiceState {
  readonly unit: string;
  /** loaded, not-found, masked, error, bad-setting … */
  readonly load: string;
  /** active, inactive, failed, activating, deactivating, reloading */
  readonly active: string;
  readonly sub: string;
  /** enabled, disabled, masked, static, … ; empty for units without a file; without systemd enabled, disabled or unknown */
  readonly enabled: string;
  /** Sockets, timers and paths that would start it again, and whether each is active. */
  readonly triggers: readonly { readonly unit: string; readonly active: string }[];
  /** Absent: systemd. */
  readonly init?: OtherInit;
}

/** The end of a program that was asked, with at most 64 KiB of each stream. */
export interface CommandSeen {
  readonly exit: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type PathKind = 'file' | 'directory' | 'symlink' | 'other' | 'missing' | 'unreadable';

/** Paths on the host: what each is, and how much is in it (`du`, apparent bytes), where that could be told in time. */
export interface PathSeen {
  readonly path: string;
  readonly kind: PathKind;
  readonly bytes: Seen<number>;
}

/**
 * A folder, here or on a helper. `free` in bytes of the file system that holds it or its nearest existing parent; `above`: that parent, where
 * the folder is not there (told of folders here).
 */
export interface PlaceSeen {
  readonly exists: boolean;
  readonly empty: boolean;
  readonly writable: boolean;
  readonly free: number;
  readonly above?: string;
}

/**
 * A copy made by `backup.*`: a folder with `copy.json`, and either `manifest.mtree` with `data.tar` or `tree/`, or `manifest.json` with the
 * dumps of databases in `dumps/`.
 */
export interface CopySeen {
  readonly state: 'missing' | 'partial' | 'complete';
  readonly description: CopyDescription | null;
}

/** `copy.json`: written last, so a folder without it is partial. Times are RFC 3339. */
export interface CopyDescription {
  readonly format: 1;
  readonly method: 'archive' | 'rsync' | DatabaseServer;
  readonly host: string;
  readonly serial: string;
  readonly from: readonly string[];
  readonly exclude: readonly string[];
  /** When reading the source for the manifest began and ended. */
  readonly manifest_started: string;
  readonly manifest_taken: string;
  readonly manifest: BlobRef;
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
  /** SHA-256 and length of data.tar; null where there is none. */
  readonly archive: BlobRef | null;
  /** What the source could not give (unreadable files, sockets …), by manifest name and reason: the first 1000. */
  readonly unread: readonly { readonly name: string; readonly why: string }[];
  /** How many there were in all. */
  readonly unread_count?: number;
  /** What was mounted at or below `from` all the time while it was made, and so is in it; absent in copies of before this was kept. */
  readonly file_systems?: readonly CopiedFileSystem[];
  /** Until when it has to be there, and who may delete it then; absent where nobody said. */
  readonly kept?: Kept;
  /** Of a copy of databases; it has no paths. */
  readonly databases?: CopiedDatabases;
}

/** A file system that a copy crossed into: where it was mounted, and which one it was (`FileSystem.id`). */
export interface CopiedFileSystem {
  readonly at: string;
  readonly id: string;
}

/** A file system that holds data, or could: nothing tells that it is empty. */
export interface FileSystem {
  /** Where it is mounted; of one that is not, or that cannot be reached there, its device (`/dev/vdb1`, `zfs tank/old`). */
  readonly at: string;
  /** Further places where all of it is mounted. */
  readonly also: readonly string[];
  /** What is mounted, or could be: a device, a server’s share, a dataset. */
  readonly source: string;
  /** `ext4`, `xfs`, `LVM2_member`; empty where nothing told it. */
  readonly type: string;
  /** `elsewhere`: its data is on other machines. `hidden`: something else is mounted over it. */
  readonly state: 'mounted' | 'hidden' | 'not-mounted' | 'elsewhere';
  /** Bytes; null where they could not be told. */
  readonly used: number | null;
  /** Tells it from another one that is mounted there later: numbers of the device and the folder of it that is mounted. */
  readonly id: string;
}

/** Everything that keeps data for longer than the power is on. */
export interface StorageSeen {
  readonly file_systems: readonly FileSystem[];
  /** Serial numbers of the disks that are there, as the kernel tells them. */
  readonly disks: readonly string[];
}

/** How an attribute fared in a comparison: equal wherever compared, or not proven (and why). */
export interface AttributeProof {
  readonly attribute:
    | 'rows'
    | 'answers'
    | 'type'
    | 'size'
    | 'hash'
    | 'mode'
    | 'owner'
    | 'links'
    | 'time'
    | 'acl'
    | 'xattr';
  readonly proven: boolean;
  readonly why?: string;
}

/** A restored tree against the manifest that was taken at the source. Lists hold the first 100 names; `report` has all. */
export interface TreeComparison {
  readonly equal: boolean;
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  /** SHA-256 of the manifest that it was compared with; absent in facts of before this was kept. */
  readonly manifest?: string;
  readonly attributes: readonly AttributeProof[];
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly different: readonly { readonly name: string; readonly attributes: readonly string[] }[];
  readonly counts: { readonly missing: number; readonly extra: number; readonly different: number };
  readonly report: BlobRef | null;
  /**
   * Files that vanished at the source between the copy and their hash. They are in the copy, and nothing proves their content: they are
   * neither equal nor different. Absent where there are none; names are the first 100.
   */
  readonly vanished?: { readonly count: number; readonly names: readonly string[] };
}

/**
 * Whether a host is cut off the network by `network.cut`. `pending`: it is, and its guard opens it again unless decom comes back. `altered`:
 * rules of ours are there, and they are not those that were made. Everything but `state` is of the last cut that the host remembers.
 */
export interface NetworkSeen {
  readonly state: 'open' | 'pending' | 'isolated' | 'altered';
  readonly run: string | null;
  /** RFC 3339, by the host's clock. */
  readonly since: string | null;
  readonly boot: string | null;
  /** How it came to be open: it was never cut, the host was restarted, its guard or decom opened it, or somebody took the rules away. */
  readonly ended: 'never' | 'reboot' | 'guard' | 'reopened' | 'removed';
  /** Packets from outside that were dropped since then; null while it is open. */
  readonly dropped: number | null;
  /** By which firewall it would be cut; null where there is none. */
  readonly way: 'nft' | 'iptables' | null;
  /** Why it cannot be cut; null where it can. */
  readonly lack: NetworkLack | null;
  /** Where this connection comes from, as the host sees it; null where it does not say. */
  readonly from: string | null;
  /** What the host has over the network: mounts and sessions that would hang. */
  readonly relies: readonly string[];
}

export type NetworkLack = 'no-firewall' | 'no-ip6tables' | 'no-bridge' | 'no-boot-id' | 'network-root';

export type PowerState = 'on' | 'off' | 'unknown';

/**
 * Whether something accepts connections at the host. `no`: it was tried, or the last machine before the host tried it and said so. `silent`: nothing
 * answers on the only way there is, a program of the operator's; whether the way or the host ended cannot be told.
 */
export type Reachable = 'yes' | 'no' | 'silent';

export interface SamplesAsked {
  readonly serial: string;
  readonly wwn: string;
  readonly size: number;
  readonly sector: number;
  readonly seed: string;
  readonly how: ReadBack;
}

export interface SamplesSeen {
  /** Bytes and places that were read. */
  readonly bytes: number;
  readonly places: number;
  /** Bytes among them that are not zero, and where a place begins that has any (bytes): the first one read; null where there is none. */
  readonly other: number;
  readonly first: number | null;
}

/** Every question that can be asked of the world, with its answer. A probe changes nothing. */
export interface ProbeTable {
  'host.identity': { ask: Record<never, never>; answer: HostIdentity };
  /** Everything that a person wants to know of it before it goes, in one round trip. */
  'host.survey': { ask: Record<never, never>; answer: Survey };
  /** Who uses it at this moment: what of the survey tells that, for less. */
  'host.use': { ask: Record<never, never>; answer: HostUse };
  /** Which file systems of it hold data, mounted or not, and its disks. Unknown where any of that could not be read whole. */
  'host.storage': { ask: Record<never, never>; answer: StorageSeen };
  /** Who is connected to it, over so many milliseconds. */
  'host.connections': { ask: { readonly for: number }; answer: Watched };
  /** Every disk that the kernel tells, by serial; of those with these serials what they are and what stands on them. */
  'host.disks': { ask: { readonly serials: readonly string[] }; answer: DisksSeen };
  /** Reads an erased disk past every cache, at places that the seed tells, or whole. */
  'disk.samples': { ask: SamplesAsked; answer: SamplesSeen };
  'host.reachable': { ask: Record<never, never>; answer: Reachable };
  'host.tools': { ask: { readonly names: readonly string[] }; answer: { readonly [name: string]: boolean } };
  'host.paths': { ask: { readonly paths: readonly string[]; readonly root: boolean }; answer: readonly PathSeen[] };
  service: { ask: { readonly unit: string }; answer: ServiceState };
  command: { ask: { readonly argv: readonly string[]; readonly root: boolean }; answer: CommandSeen };
  'bmc.identity': { ask: Record<never, never>; answer: BmcIdentity };
  power: { ask: Record<never, never>; answer: 'on' | 'off' };
  /** The locator light. */
  'bmc.indicator': { ask: Record<never, never>; answer: 'on' | 'off' };
  /** Ways in which others could come in at the BMC; `what` says what was found. */
  'bmc.weaknesses': { ask: Record<never, never>; answer: readonly Trouble[] };
  place: { ask: { readonly path: string }; answer: PlaceSeen };
  /** Paths of complete copies of this host directly below a folder, newest first. */
  copies: { ask: { readonly folder: string; readonly method: 'archive' | 'rsync' }; answer: readonly string[] };
  copy: { ask: { readonly copy: string }; answer: CopySeen };
  'tree.compare': { ask: { readonly copy: string; readonly tree: string }; answer: TreeComparison };
  /** What a database server on the host has; needs root there, or the login that the server trusts. */
  databases: { ask: { readonly access: DatabaseAccess; readonly root: boolean }; answer: DatabasesSeen };
  /** The server programs of this machine. */
  'databases.here': { ask: { readonly server: DatabaseServer }; answer: ServersHere };
  /** Starts the server that databases were restored into, counts and asks as it was done at the source, and stops it. */
  'databases.compare': { ask: { readonly copy: string; readonly scratch: string }; answer: DatabasesComparison };
  /**
   * Whether a helper can reach the host by itself, and what it lacks for that. Unknown where it cannot: then data cannot go straight
   * between the two.
   */
  'helper.way': { ask: { readonly helper: string }; answer: { readonly lacks: readonly string[] } };
  network: { ask: Record<never, never>; answer: NetworkSeen };
  inventory: { ask: { readonly host: string }; answer: { readonly status: 'active' | 'decommissioning' | 'retired' } };
  clock: { ask: Record<never, never>; answer: string };
}

export type ProbeKind = keyof ProbeTable;
export type ProbeQuestion<K extends ProbeKind = ProbeKind> = K extends ProbeKind
  ? { readonly kind: K } & ProbeTable[K]['ask']
  : never;
export type ProbeAnswer<K extends ProbeKind> = ProbeTable[K]['answer'];
