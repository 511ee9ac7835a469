import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { DiskRow, Listed, MembershipKind, MountRow } from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed, rowsOf } from './survey-answers.ts';

/** File systems of the kernel itself, which hold no data and are left out. */
const unreal =
  /^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|efivarfs|fusectl|hugetlbfs|mqueue|nsfs|proc|pstore|ramfs|rpc_pipefs|securityfs|selinuxfs|sysfs|tracefs|nfsd|fuse\.(lxcfs|gvfsd-fuse|portal))$/;

const remote =
  /^(nfs4?|cifs|smb3|smbfs|ceph|fuse\.(ceph|sshfs|glusterfs|s3fs|rclone|davfs)|glusterfs|lustre|gpfs|beegfs|afs|9p|davfs|ocfs2|gfs2|ncpfs|pvfs2)$/;

export function mountsOf(answers: Answers): Seen<Listed<MountRow>> {
  const lacks: Trouble[] = [];
  const lines = linesOf(answers, 'mounts', lacks);
  if (answers.of('mounts').how !== 'read') {
    return unseen(
      lacks[0] ??
        trouble('no-mounts', `${answers.host} tells no mounts: /proc/mounts cannot be read`, 'Mount /proc there.'),
    );
  }
  const sizes = sizesOf(answers, lacks);
  const rows = rowsOf(
    answers,
    'mounts',
    lines,
    (line): MountRow | undefined | null => {
      const [, source, target, type] = /^(\S+) (\S+) (\S+) \S+ \d+ \d+$/.exec(line) ?? [];
      if (source === undefined || target === undefined || type === undefined) return undefined;
      if (unreal.test(type)) return null;
      const isRemote = remote.test(type);
      const size = isRemote ? undefined : sizes.get(unescaped(target));
      return {
        ...{ source: clean(unescaped(source)), target: clean(unescaped(target)), type: clean(type) },
        ...{ size: size?.size ?? null, used: size?.used ?? null, remote: isRemote },
      };
    },
    lacks,
  );
  return seen(listed(rows, lacks));
}

/** The kernel writes blanks, newlines and backslashes in names as `\\040`. */
export const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** `df -kP`, which fails for single mounts that this login may not look at and tells the others. */
export function sizesOf(
  answers: Answers,
  lacks: Trouble[],
): ReadonlyMap<string, { readonly size: number; readonly used: number }> {
  const sizes = new Map<string, { readonly size: number; readonly used: number }>();
  for (const line of linesOf(answers, 'df', lacks, [0, 1])) {
    const [, size, used, target] = /\s(\d+)\s+(\d+)\s+\d+\s+\S+\s+(\/.*)$/.exec(line) ?? [];
    if (target !== undefined) sizes.set(target, { size: Number(size) * 1024, used: Number(used) * 1024 });
  }
  return sizes;
}

const memberships: { readonly [type: string]: MembershipKind } = {
  linux_raid_member: 'raid',
  LVM2_member: 'lvm',
  zfs_member: 'zfs',
  drbd: 'drbd',
  bcache: 'bcache',
  crypto_LUKS: 'crypt',
  btrfs: 'btrfs',
  ceph_bluestore: 'ceph',
  mpath_member: 'multipath',
};

/** Block devices, by lsblk; where that is missing by /sys/block, which tells no partitions. What is in a drive of RAID hardware no kernel sees. */
export function disksOf(answers: Answers): Seen<Listed<DiskRow>> {
  const lacks: Trouble[] = [];
  const byLsblk = answers.of('lsblk');
  if (byLsblk.how === 'unread') return unseen(byLsblk.trouble);
  if (byLsblk.how === 'read' && byLsblk.exit === 0)
    return seen(listed(fromLsblk(answers, byLsblk.lines, lacks), lacks));
  const lines = linesOf(answers, 'sysblock', lacks);
  const bySys = answers.of('sysblock');
  if (bySys.how !== 'read' || bySys.exit !== 0) {
    return unseen(
      lacks[0] ??
        trouble(
          'no-disks',
          `${answers.host} tells no disks: it has neither lsblk nor /sys/block`,
          'Note them from the machine itself.',
        ),
    );
  }
  return seen(listed(fromSys(answers, lines), lacks));
}

/** Memory, and drives for floppies, which many firmwares name and few machines have. */
const noDisk = /^(zram|ram|fd)\d/;

export type Pairs = ReadonlyMap<string, string>;

function fromLsblk(answers: Answers, lines: readonly string[], lacks: Trouble[]): readonly DiskRow[] {
  const all = rowsOf(answers, 'lsblk', lines, pairsOf, lacks);
  const devices = new Map<string, Pairs>();
  for (const one of all) {
    const name = one.get('KNAME') ?? '';
    if (!devices.has(name)) devices.set(name, one);
  }
  const pools = zfsMembers(answers, lacks);
  return [...devices].flatMap(([name, about]): readonly DiskRow[] => {
    const type = about.get('TYPE') ?? '';
    if (type === 'loop' || type === 'rom' || noDisk.test(name)) return [];
    const kind = type === 'disk' ? 'disk' : type === 'part' ? 'partition' : 'other';
    const text = (key: string): string | null => about.get(key) || null;
    return [
      {
        device: `/dev/${name}`,
        kind,
        serial: text('SERIAL'),
        wwn: text('WWN'),
        model: text('MODEL'),
        size: /^\d+$/.test(about.get('SIZE') ?? '') ? Number(about.get('SIZE')) : null,
        transport: text('TRAN') ?? (name.startsWith('vd') ? 'virtio' : null),
        rotational: about.get('ROTA') === '1' ? true : about.get('ROTA') === '0' ? false : null,
        member_of: memberOf(name, about, all, pools),
      },
    ];
  });
}

function memberOf(
  name: string,
  about: Pairs,
  all: readonly Pairs[],
  pools: ReadonlyMap<string, string>,
): DiskRow['member_of'] {
  const found: { readonly kind: MembershipKind; readonly name: string }[] = [];
  const add = (kind: MembershipKind, of: string): void => {
    const same = found.findIndex((one) => one.kind === kind);
    if (same === -1) found.push({ kind, name: of });
    else if (found[same]?.name === '') found[same] = { kind, name: of };
  };
  const own = memberships[about.get('FSTYPE') ?? ''];
  if (own !== undefined) add(own, own === 'zfs' ? (pools.get(`/dev/${name}`) ?? '') : '');
  const pool = pools.get(`/dev/${name}`);
  if (pool !== undefined) add('zfs', pool);
  for (const child of all.filter((one) => one.get('PKNAME') === name)) {
    const type = child.get('TYPE') ?? '';
    const of = child.get('NAME') ?? '';
    if (/^raid|^linear|^dmraid/.test(type)) add('raid', of);
    else if (type === 'lvm') add('lvm', groupOf(of));
    else if (type === 'mpath') add('multipath', of);
    else if (type === 'crypt') add('crypt', of);
  }
  return found;
}

/** `vg0-root`: the group ends at the first single hyphen; one that belongs to it is doubled. */
const groupOf = (volume: string): string => (/^((?:[^-]|--)+)-(?!-)/.exec(volume)?.[1] ?? volume).replaceAll('--', '-');

/** `NAME="sda" SIZE="1"`: lsblk writes what is not printable, and quotes, as `\\x22`. */
export function pairsOf(line: string): Pairs | undefined {
  const found = [...line.matchAll(/([A-Z]+)="([^"]*)"/g)];
  if (!found.some(([, key]) => key === 'KNAME')) return undefined;
  const plain = (text: string) =>
    clean(text.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
  return new Map(found.map(([, key = '', value = '']) => [key, plain(value)]));
}

/** `pool: tank`, then its devices with their whole paths. */
function zfsMembers(answers: Answers, lacks: Trouble[]): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let pool = '';
  for (const line of linesOf(answers, 'zpool', lacks)) {
    pool = /^\s*pool: (\S+)$/.exec(line)?.[1] ?? pool;
    const device = /^\s+(\/dev\/\S+)\s/.exec(line)?.[1];
    if (device !== undefined) members.set(device, clean(pool));
  }
  return members;
}

function fromSys(answers: Answers, lines: readonly string[]): readonly DiskRow[] {
  const disks: { readonly name: string; readonly about: Map<string, string> }[] = [];
  for (const line of lines) {
    const [, key = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (key === 'disk') disks.push({ name: clean(value), about: new Map() });
    else disks.at(-1)?.about.set(key, clean(value));
  }
  const arrays = linesOf(answers, 'mdstat', []).flatMap((line) => {
    const [, array, members = ''] = /^(md\S*) : \S+ (.*)$/.exec(line) ?? [];
    return array === undefined ? [] : [{ array: clean(array), members }];
  });
  return disks
    .filter(({ name }) => !noDisk.test(name))
    .map(({ name, about }) => {
      const text = (...keys: readonly string[]) => keys.map((key) => about.get(key)).find((value) => value) ?? null;
      const size = about.get('size');
      const rotates = about.get('queue/rotational');
      const raid = arrays.filter(({ members }) =>
        new RegExp(`(^| )${name.replace(/[^a-z0-9]/g, '.')}(p?\\d+)?\\[`).test(members),
      );
      return {
        device: `/dev/${name.replaceAll('!', '/')}`,
        kind: /^(md|dm-|drbd|bcache|zd)/.test(name) ? ('other' as const) : ('disk' as const),
        serial: text('serial', 'device/serial'),
        wwn: text('wwid', 'device/wwid'),
        model: text('device/model'),
        size: size !== undefined && /^\d+$/.test(size) ? Number(size) * 512 : null,
        transport: /^nvme/.test(name) ? 'nvme' : /^vd/.test(name) ? 'virtio' : null,
        rotational: rotates === '1' ? true : rotates === '0' ? false : null,
        member_of: raid.map(({ array }) => ({ kind: 'raid' as const, name: array })),
      };
    });
}
