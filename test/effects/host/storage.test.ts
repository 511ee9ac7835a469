import { describe, expect, it } from 'vitest';
import { storageOf } from '../../../src/effects/host/storage.ts';
import { readAnswers } from '../../../src/effects/host/survey-answers.ts';

interface Sources {
  readonly [name: string]: string;
}
const framed = (name: string, content: string): string =>
  `<${name}\n${`${content}\n%exit 0`
    .split('\n')
    .map((line) => `${name}|${line}\n`)
    .join('')}\n>${name}\n`;
function storage(sources: Sources, whole = true) {
  const text = Object.entries(sources).map(([name, content]) => framed(name, content));
  const answers = readAnswers(
    Buffer.from(`decom survey 1 0\n${text.join('')}${whole ? 'decom survey end\n' : ''}`),
    'web01',
  );
  if (answers === undefined) throw new Error('it was not read');
  return storageOf(answers);
}
const row = (given: { readonly [key: string]: string }): string =>
  Object.entries({ NAME: '', PKNAME: '', TYPE: 'disk', SIZE: '1000', FSTYPE: '', UUID: '', MOUNTPOINT: '', ...given })
    .map(([key, value]) => `${key}="${value}"`)
    .join(' ');
const mounts = '27 1 8:1 / / rw - ext4 /dev/sda1 rw';
const sda = [
  row({ NAME: 'sda', KNAME: 'sda', SERIAL: 'S-A' }),
  row({ NAME: 'sda1', KNAME: 'sda1', PKNAME: 'sda', TYPE: 'part', FSTYPE: 'ext4', MOUNTPOINT: '/' }),
];
const df = 'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 1000 500 500 50% /';
/** What is there besides the root, in words. */
function besides(sources: Sources): readonly string[] {
  const seen = storage({ mounts, df, lsblk: sda.join('\n'), ...sources });
  if (!seen.known) return [`unknown: ${seen.trouble.what}`];
  return seen.value.file_systems
    .filter(({ at }) => at !== '/')
    .map(({ at, type, state, used }) => `${at} ${type || '?'} ${state} ${used}`);
}
const lsblk = (...rows: readonly string[]): Sources => ({ lsblk: [...sda, ...rows].join('\n') });

describe('the storage of a host', () => {
  it('is its mounted file systems with how much is in them, and its disks', () => {
    expect(storage({ mounts, df, lsblk: sda.join('\n') })).toEqual({
      known: true,
      value: {
        file_systems: [
          { at: '/', also: [], source: '/dev/sda1', type: 'ext4', state: 'mounted', used: 512_000, id: '8:1 /' },
        ],
        disks: ['S-A'],
      },
    });
  });

  it.each<[string, Sources, readonly string[]]>([
    ['leaves out what holds no data', { mounts: `${mounts}\n28 27 0:5 / /tmp rw - tmpfs tmpfs rw` }, []],
    [
      'tells what other machines hold as theirs',
      { mounts: `${mounts}\n28 27 0:9 / /mnt rw - nfs4 filer:/home rw` },
      ['/mnt nfs4 elsewhere null'],
    ],
    [
      'tells one that lies under another',
      { mounts: `${mounts}\n28 27 8:16 / /srv rw - xfs /dev/sdb rw\n29 28 8:32 / /srv rw - xfs /dev/sdc rw` },
      ['/dev/sdb xfs hidden null', '/srv xfs mounted null'],
    ],
    [
      'leaves out an empty one',
      {
        mounts: `${mounts}\n28 27 8:16 / /srv rw - vfat /dev/sdb rw`,
        df: `${df}\n/dev/sdb 1000 0 1000 0% /srv`,
      },
      [],
    ],
    [
      'tells a device with a file system that is not mounted',
      lsblk(row({ NAME: 'sdb', KNAME: 'sdb', FSTYPE: 'xfs' })),
      ['/dev/sdb xfs not-mounted null'],
    ],
    [
      'tells a volume group of which nothing is active, and not one of which something is mounted',
      {
        mounts: `${mounts}\n28 27 253:0 / /srv rw - xfs /dev/mapper/vg0-srv rw`,
        ...lsblk(
          row({ NAME: 'sdb', KNAME: 'sdb', FSTYPE: 'LVM2_member' }),
          row({ NAME: 'sdc', KNAME: 'sdc', FSTYPE: 'LVM2_member' }),
          row({ NAME: 'vg0-srv', KNAME: 'dm-0', PKNAME: 'sdc', TYPE: 'lvm', FSTYPE: 'xfs', MOUNTPOINT: '/srv' }),
          row({ NAME: 'vg0-old', KNAME: 'dm-1', PKNAME: 'sdc', TYPE: 'lvm', FSTYPE: 'ext4' }),
        ),
      },
      ['/dev/mapper/vg0-old ext4 not-mounted null', '/dev/sdb LVM2_member not-mounted null', '/srv xfs mounted null'],
    ],
    [
      'tells a locked disk',
      lsblk(row({ NAME: 'sdb', KNAME: 'sdb', FSTYPE: 'crypto_LUKS' })),
      ['/dev/sdb crypto_LUKS not-mounted null'],
    ],
    [
      'leaves out swap, discs without a signature, loop devices and drives without a disc',
      lsblk(
        row({ NAME: 'sdb', KNAME: 'sdb', FSTYPE: 'swap' }),
        row({ NAME: 'sdc', KNAME: 'sdc' }),
        row({ NAME: 'loop0', KNAME: 'loop0', TYPE: 'loop', FSTYPE: 'ext4' }),
        row({ NAME: 'sr0', KNAME: 'sr0', TYPE: 'rom', FSTYPE: 'iso9660' }),
      ),
      [],
    ],
    [
      'tells a device of which nothing says what is on it, where no signatures are told',
      { lsblk: [row({ NAME: 'sda', KNAME: 'sda', MOUNTPOINT: '/' }), row({ NAME: 'sdb', KNAME: 'sdb' })].join('\n') },
      ['/dev/sdb ? not-mounted null'],
    ],
    [
      'knows the second device of a file system on two',
      {
        mounts: `${mounts}\n28 27 0:40 / /srv rw - btrfs /dev/sdb rw`,
        ...lsblk(
          row({ NAME: 'sdb', KNAME: 'sdb', FSTYPE: 'btrfs', UUID: 'u1', MOUNTPOINT: '/srv' }),
          row({ NAME: 'sdc', KNAME: 'sdc', FSTYPE: 'btrfs', UUID: 'u1' }),
        ),
      },
      ['/srv btrfs mounted null'],
    ],
    [
      'tells datasets that are not mounted, and then not the disks of their pool',
      {
        ...lsblk(row({ NAME: 'sdb', KNAME: 'sdb', FSTYPE: 'zfs_member' })),
        zfs: 'tank/old\t4096\tno\ntank/srv\t4096\tyes\ntank/none\t0\tno',
      },
      ['zfs tank/old zfs not-mounted 4096'],
    ],
    [
      'tells a pool that nobody imported',
      lsblk(row({ NAME: 'sdb', KNAME: 'sdb', FSTYPE: 'zfs_member' })),
      ['/dev/sdb zfs_member not-mounted null'],
    ],
    [
      'is not known where a line of a table is not understood',
      { mounts: `${mounts}\nwhat is this` },
      ['unknown: 1 of the lines of "mounts" of web01 could not be understood'],
    ],
    ['is nothing where the root is in memory', { mounts: '27 1 0:5 / / rw - tmpfs tmpfs rw' }, []],
    [
      'is not known where no root is told',
      { mounts: '28 27 8:16 / /srv rw - xfs /dev/sdb rw' },
      ['unknown: web01 tells no file system of its own'],
    ],
    ['is not known where nothing is mounted', { mounts: '' }, ['unknown: web01 tells no file system of its own']],
  ])('%s', (_name, sources, expected) => {
    expect(besides(sources)).toEqual(expected);
  });

  it('is told without lsblk by what the kernel counts and blkid knows', () => {
    const partitions =
      'major minor  #blocks  name\n\n   8        0    1000 sda\n   8        1     900 sda1\n   8       16    1000 sdb\n   8       32    1000 sdc\n   8       48    1000 sdd';
    const seen = storage({
      ...{ mounts, partitions, swaps: 'Filename Type Size Used Priority\n/dev/sdc partition 1 0 -2' },
      blkid: '/dev/sda1: UUID="u" TYPE="ext4"\n/dev/sdb: LABEL="x" TYPE="xfs"',
    });
    expect(seen.known && seen.value.file_systems.map(({ at, type }) => `${at} ${type}`)).toEqual([
      '/ ext4',
      '/dev/sdb xfs',
    ]);
  });

  it('that breaks off is not known', () => {
    expect(storage({ mounts }, false)).toMatchObject({ known: false, trouble: { code: 'survey-cut' } });
  });
});
