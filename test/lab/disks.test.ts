import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { canaryOf, canarySectors, samplePlaces } from '../../src/core/disk-samples.ts';
import { disksScript, eraseScript, samplesScript } from '../../src/effects/host/disk-script.ts';
import { DiskBench, shells, size } from './disk-bench.ts';

const sector = 512;
const seed = 'a seed';

/** Some of the places: all of them want ten thousand processes, which tell no more of a script. Core tests hold to the full list. */
const found = samplePlaces(seed, size, sector) ?? { unit: 0, places: [] };
const places = found.places.filter((_, i) => i % 100 === 0);
const starts = places.map(({ start }) => (start * found.unit) / sector);
const canaries = canarySectors(seed, size, sector, 'sampled').filter(
  (at, i, all) => i === 0 || i === all.length - 1 || starts.includes(at),
);

class Bench extends DiskBench {
  erase(
    shell: readonly string[] = ['dash'],
    given: { serial?: string; wwn?: string; size?: number; path?: string } = {},
  ) {
    const words = [
      given.serial ?? 'D-1',
      given.wwn ?? '',
      String(given.size ?? size),
      String(sector),
      join(this.folder, 'progress'),
    ];
    const canary = [...canaryOf(seed)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
    return this.run(shell, eraseScript(this.roots), [...words, canary, ...canaries.map(String)], given.path);
  }

  samples(shell: readonly string[] = ['dash'], serial = 'D-1') {
    const words = [serial, '', String(size), String(sector), String(found.unit)];
    const written = places.map(({ start, length }) => `${start}:${length}`);
    return this.run(shell, samplesScript(this.roots), [...words, ...written]).stdout.split('\n');
  }
}

let bench: Bench;
afterEach(() => bench.close());
const begin = (): Bench => {
  bench = new Bench();
  bench.add('vda', 'OTHER', Buffer.alloc(size, 'other'));
  bench.add('vdb', 'D-1', Buffer.alloc(size, 'secret'));
  return bench;
};
/** What is on a disk's file, past the loop device's cache. */
function contentOf(name: string): Buffer {
  for (const loop of bench.loops) execFileSync('blockdev', ['--flushbufs', loop]);
  return readFileSync(bench.file(name));
}
const untouched = (name: string, text: string): boolean => contentOf(name).equals(Buffer.alloc(size, text));
const real = execFileSync('sh', ['-c', 'command -v dd'], { encoding: 'utf8' }).trim();

describe.each(shells.map((words) => [words.join(' '), words] as const))(
  'the scripts of a disk in %s',
  (_name, shell) => {
    it('erase the disk with the serial to its last byte, and no other; and prove it', () => {
      begin();
      const { status, stdout, stderr } = bench.erase(shell);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^erased \d{10} \d{10} (dd \S|BusyBox v).*\n$/);
      expect(contentOf('vdb').equals(Buffer.alloc(size))).toBe(true);
      expect(untouched('vda', 'other')).toBe(true);
      expect(readFileSync(join(bench.folder, 'progress'), 'utf8')).toBe(`${size}\n`);
      const bytes = places.reduce((sum, { length }) => sum + length * found.unit, 0) + 1024;
      expect(bench.samples(shell)).toEqual([
        'decom samples 1',
        'how direct',
        `read ${bytes} ${places.length + 2} 0 -`,
        'decom samples end',
        '',
      ]);
    });

    it('tell what each disk is, and what stands on the one that is asked for', () => {
      begin();
      bench.write(join(bench.sys('vdb'), 'vdb1/dev'), '250:9\n');
      bench.write(join(bench.sys('vdb'), 'vdb1/holders/dm-3'), '');
      bench.write(join(bench.roots.proc, '77/mountinfo'), '30 27 250:9 / /srv rw - xfs /dev/vdb1 rw\n');
      bench.write(join(bench.roots.sys, 'fs/btrfs/u-1/devices/vdb1'), '');
      const { stdout } = bench.run(shell, disksScript(bench.roots), ['D-1']);
      expect(stdout.split('\n')).toEqual([
        ...['decom disks 1', 'disk vda', 'serial OTHER', 'wwn '],
        ...[
          'disk vdb',
          'serial D-1',
          'wwn ',
          `size ${size}`,
          'sector 512',
          'ro 0',
          'model  ',
          'way virtio',
          'hidden none',
        ],
        ...['use held dm-3 on vdb1', 'use mounted /srv on vdb1', 'use mounted btrfs on vdb1'],
        ...[`use unread vdb1: there is no ${bench.roots.dev}/vdb1`, 'decom disks end', ''],
      ]);
    });

    it.each<[string, string, (b: Bench) => Parameters<Bench['erase']>[1] | undefined]>([
      ['is not there', '0 disks have the serial GONE now', () => ({ serial: 'GONE' })],
      ['is named by nothing', '0 disks have the serial  now', () => ({ serial: '' })],
      ['is there twice', '2 disks have the serial D-1 now', (b) => void b.write(join(b.sys('vda'), 'serial'), 'D-1\n')],
      ['has another WWN', "the disk D-1 is another one: WWN '', 12582912 bytes", () => ({ wwn: 'naa.1' })],
      ['has another size', "the disk D-1 is another one: WWN '', 12582912 bytes", () => ({ size: size * 2 })],
      ['is write-protected', 'vdb is write-protected', (b) => void b.write(join(b.sys('vdb'), 'ro'), '1\n')],
      ['is held', 'held md0 on vdb;', (b) => void b.write(join(b.sys('vdb'), 'holders/md0'), '')],
      [
        'is mounted',
        'mounted / on vdb;',
        (b) =>
          void b.write(
            join(b.roots.proc, 'self/mountinfo'),
            `27 1 ${b.number(b.loops[1] ?? '')} / / rw - ext4 /dev/vdb rw\n`,
          ),
      ],
      [
        'is swap',
        'swap vdb;',
        (b) => void b.write(join(b.roots.proc, 'swaps'), `${b.roots.dev}/vdb partition 1 0 -2\n`),
      ],
      [
        'is open in a program',
        'open 4711 mysqld on vdb;',
        (b) => {
          mkdirSync(join(b.roots.proc, '4711/fd'), { recursive: true });
          symlinkSync(b.loops[1] ?? '', join(b.roots.proc, '4711/fd/5'));
          b.write(join(b.roots.proc, '4711/comm'), 'mysqld\n');
          return undefined;
        },
      ],
      // Of these the kernel tells no holder, and no program has it open.
      ...(
        [
          ['behind a loop device', 'held block/loop9/loop/backing_file on vdb;', 'block/loop9/loop/backing_file'],
          [
            'exported by iSCSI',
            'held kernel/config/target/core/iblock_0/data/udev_path on vdb;',
            'kernel/config/target/core/iblock_0/data/udev_path',
          ],
          [
            'exported by NVMe',
            'held kernel/config/nvmet/subsystems/data/namespaces/1/device_path on vdb;',
            'kernel/config/nvmet/subsystems/data/namespaces/1/device_path',
          ],
        ] as const
      ).map(([how, told, file]): [string, string, (b: Bench) => undefined] => [
        `is ${how}`,
        told,
        (b) => void b.write(join(b.roots.sys, file), `${b.roots.dev}/vdb\n`),
      ]),
      [
        'is a member',
        'member linux_raid_member on vdb;',
        (b) => ({ path: b.standIn('blkid', 'echo TYPE=linux_raid_member') }),
      ],
      ['is shared', 'shared gfs2 on vdb;', (b) => ({ path: b.standIn('blkid', 'echo TYPE=gfs2') })],
      [
        'is of GPFS',
        'shared GPFS on vdb;',
        (b) => ({ path: b.standIn('blkid', 'echo PART_ENTRY_TYPE=37AFFC90-EF7D-4E96-91C3-2D7AE055B174') }),
      ],
      ['cannot be looked into', 'unread vdb: blkid -p: no;', (b) => ({ path: b.standIn('blkid', 'echo no; exit 1') })],
      [
        'is another device than its name says',
        'vdb is not the disk D-1 any more',
        (b) => void b.write(join(b.sys('vdb'), 'dev'), `${b.number(b.loops[0] ?? '')}\n`),
      ],
    ])('write nothing where it %s', (_why, said, make) => {
      begin();
      const { status, stderr } = bench.erase(shell, make(bench) ?? {});
      expect(stderr).toContain('refused: ');
      expect(stderr).toContain(said);
      expect(status).toBe(3);
      expect(untouched('vdb', 'secret')).toBe(true);
      expect(untouched('vda', 'other')).toBe(true);
    });
  },
);

describe('an erase', () => {
  it('that writes nothing and says that all went well is found out, even on a disk that was empty', () => {
    bench = new Bench();
    bench.add('vdb', 'D-1', Buffer.alloc(size));
    const path = bench.standIn(
      'dd',
      `case "$*" in if=/dev/zero*) cat >/dev/null </dev/null ;; *) exec ${real} "$@" ;; esac`,
    );
    expect(bench.erase(['dash'], { path }).status).toBe(0);
    const [, , read] = bench.samples();
    expect(read).toMatch(/^read \d+ \d+ [1-9]\d* \d+$/);
  });

  it('that is cut off by a write error says how far it came', () => {
    begin();
    const path = bench.standIn(
      'dd',
      `case "$*" in if=/dev/zero*) echo "dd: error writing: Input/output error" >&2; exit 1 ;; *) exec ${real} "$@" ;; esac`,
    );
    const { status, stderr } = bench.erase(['dash'], { path });
    expect(status).toBe(4);
    expect(stderr).toContain(`failed: after 0 of ${size} bytes: dd: error writing: Input/output error`);
  });

  it('stops where the disk is another one in the middle', () => {
    begin();
    const path = bench.standIn(
      'dd',
      `case "$*" in if=/dev/zero*) echo D-9 >${bench.sys('vdb')}/serial ;; esac; exec ${real} "$@"`,
    );
    const { status, stderr } = bench.erase(['dash'], { path });
    expect(status).toBe(4);
    expect(stderr).toContain('failed: the disk D-1 went away at the end');
  });

  it('begins with no canary that does not come back', () => {
    begin();
    const path = bench.standIn('dd', `case "$*" in *seek=*) cat >/dev/null ;; *) exec ${real} "$@" ;; esac`);
    const { status, stderr } = bench.erase(['dash'], { path });
    expect(status).toBe(4);
    expect(stderr).toContain('failed: what was written to sector 0 does not come back');
    expect(untouched('vdb', 'secret')).toBe(true);
  });

  it('of a disk that cannot be read afterwards is not proved', () => {
    begin();
    expect(bench.samples(['dash'], 'D-2')[1]).toBe('refused the disk D-2 is not there as it was');
  });
});
