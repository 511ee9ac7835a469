import { describe, expect, test } from 'vitest';
import { kindOf, kinds } from '../../src/core/file-system-kinds.ts';
import { mountedOf, readMounts } from '../../src/core/mounts.ts';

const fileSystems = (text: string) =>
  mountedOf(readMounts(text).mounts).map(({ id, targets }) => `${id}: ${targets.join(' ') || 'hidden'}`);

describe('a mount table', () => {
  test.each([
    ['one file system', '27 1 254:0 / / rw - ext4 /dev/vda rw', ['254:0 /: /']],
    [
      'one below another',
      '27 1 8:1 / / rw shared:1 master:2 - ext4 /dev/sda1 rw\n28 27 8:2 / /srv rw - xfs /dev/sda2 rw',
      ['8:1 /: /', '8:2 /: /srv'],
    ],
    [
      'a bind mount of a folder is a part of what it is a folder of',
      '27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:1 /srv/a /mnt/a rw - ext4 /dev/sda1 rw',
      ['8:1 /: /'],
    ],
    [
      'a file system that is mounted twice is one, with two places',
      '27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:2 / /mnt/data rw - xfs /dev/sda2 rw\n29 27 8:2 / /srv rw - xfs /dev/sda2 rw',
      ['8:1 /: /', '8:2 /: /srv /mnt/data'],
    ],
    [
      'subvolumes are file systems of their own',
      '27 1 0:30 /@ / rw - btrfs /dev/sda1 rw\n28 27 0:30 /@home /home rw - btrfs /dev/sda1 rw',
      ['0:30 /@: /', '0:30 /@home: /home'],
    ],
    [
      'one that another was mounted over is hidden',
      '27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:2 / /srv rw - xfs /dev/sda2 rw\n29 28 8:3 / /srv rw - xfs /dev/sda3 rw',
      ['8:1 /: /', '8:2 /: hidden', '8:3 /: /srv'],
    ],
    [
      'one below a folder that another was mounted over is hidden',
      '27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:2 / /srv/db rw - xfs /dev/sda2 rw\n29 27 8:3 / /srv rw - xfs /dev/sda3 rw',
      ['8:1 /: /', '8:2 /: hidden', '8:3 /: /srv'],
    ],
    [
      'the root of the initial memory lies below that of the disk',
      '1 1 0:2 / / rw - rootfs rootfs rw\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:2 / /srv rw - xfs /dev/sda2 rw',
      ['0:2 /: hidden', '8:1 /: /', '8:2 /: /srv'],
    ],
    [
      'of a kernel without mountinfo',
      '/dev/sda1 / ext3 rw 0 0\n/dev/sda2 /srv ext3 rw 0 0',
      ['/dev/sda1 /: /', '/dev/sda2 /: /srv'],
    ],
    ['a path with a blank', '27 1 8:1 / /a\\040b rw - ext4 /dev/sda1 rw', ['8:1 /: /a b']],
  ])('%s', (_name, text, expected) => {
    expect(fileSystems(text)).toEqual(expected);
  });

  test('keeps what it does not understand', () => {
    expect(readMounts('27 1 254:0 / / rw - ext4 /dev/vda rw\nwhat is this\n').strange).toEqual(['what is this']);
  });
});

describe('what a mounted file system is', () => {
  test.each([
    ['ext4', '/srv', 'data'],
    ['something-new', '/srv', 'data'],
    ['fuseblk', '/srv', 'data'],
    ['tmpfs', '/tmp', 'no-data'],
    ['proc', '/proc', 'no-data'],
    ['squashfs', '/snap/core/1', 'no-data'],
    ['overlay', '/var/lib/docker/overlay2/a/merged', 'no-data'],
    ['overlay', '/', 'data'],
    ['nfs4', '/mnt', 'elsewhere'],
    ['gfs2', '/mnt', 'elsewhere'],
  ])('%s at %s: %s', (type, target, kind) => {
    expect(kindOf(type, target).kind).toBe(kind);
  });

  test('that holds no data here says why', () => {
    expect(kinds.filter(({ why }) => why === '')).toEqual([]);
  });
});
