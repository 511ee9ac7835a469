import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeScript } from '../../src/effects/host/free-script.ts';
import { DiskBench, shells, size } from './disk-bench.ts';

/*
 * Taking away what is on disks, where no device mapper is needed for it: real file systems on loop devices, really mounted, and files of a kernel that show what else there is.
 */
let bench: DiskBench;
let mounts: string[];

beforeEach(() => {
  bench = new DiskBench();
  mounts = [];
  rmSync(mountinfo());
  symlinkSync('/proc/self/mountinfo', mountinfo());
  bench.add('vdb', 'D-1', Buffer.alloc(size));
  bench.add('vdc', 'D-2', Buffer.alloc(size));
});
afterEach(() => {
  for (const at of mounts.toReversed()) if (isMounted(at)) execFileSync('umount', [at]);
  bench.close();
});

const mountinfo = (): string => join(bench.roots.proc, 'self/mountinfo');
const loopOf = (name: string): string => bench.loops[name === 'vdb' ? 0 : 1] ?? '';
const isMounted = (at: string): boolean =>
  readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${at.replaceAll(' ', '\\040')} `);
const typeOn = (name: string): string =>
  execFileSync('sh', ['-c', 'blkid -p -o value -s TYPE "$1" || true', 'sh', loopOf(name)], { encoding: 'utf8' }).trim();
const free = (shell: readonly string[], serials: readonly string[] = ['D-1'], path = '') =>
  bench.run(
    shell,
    freeScript(bench.roots),
    serials.flatMap((serial) => [serial, '', String(size)]),
    path,
  );

/** Makes a file system and mounts it. */
function mounted(name: string, folder: string): string {
  const at = join(bench.folder, folder);
  mkdirSync(at, { recursive: true });
  execFileSync('mkfs.ext4', ['-q', '-F', loopOf(name)]);
  execFileSync('mount', ['-o', 'noatime', loopOf(name), at]);
  mounts.push(at);
  return at;
}
describe.each(shells.map((words) => [words.join(' '), words] as const))('in %s', (_name, shell) => {
  it('what is mounted is unmounted, and no label is left', () => {
    const at = mounted('vdb', 'srv/with a space');
    const { status, stdout, stderr } = free(shell, ['D-1', 'D-2']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`unmounted ${at}\nwiped ext4 on vdb\nfreed vdb vdc\n`);
    expect([isMounted(at), typeOn('vdb')]).toEqual([false, '']);
  });

  it('another size, and a disk that is not there, are refused before anything', () => {
    const at = mounted('vdb', 'srv');
    const script = freeScript(bench.roots);
    for (const [words, why] of [
      [['D-1', '', '4096'], `refused: the disk D-1 is another one: WWN '', ${size} bytes\n`],
      [['D-1', '', String(size), 'D-9', '', '4096'], 'refused: 0 disks have the serial D-9 now\n'],
    ] as const) {
      const { status, stderr } = bench.run(shell, script, words);
      expect([status, stderr]).toEqual([3, why]);
    }
    expect([isMounted(at), typeOn('vdb')]).toEqual([true, 'ext4']);
  });

  it('where one of two cannot be unmounted, the other is mounted again as it was', async () => {
    const [one, two] = [mounted('vdb', 'one'), mounted('vdc', 'two')];
    const holds = spawn('sleep', ['1000'], { cwd: one });
    const { status, stdout, stderr } = free(shell, ['D-1', 'D-2']);
    holds.kill();
    await once(holds, 'exit');
    expect([status, stdout, stderr]).toEqual([
      3,
      '',
      expect.stringMatching(`^refused: ${one} cannot be unmounted: .*busy.*\n$`),
    ]);
    expect([isMounted(one), isMounted(two), typeOn('vdb'), typeOn('vdc')]).toEqual([true, true, 'ext4', 'ext4']);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toMatch(new RegExp(` ${two} rw,noatime `));
  });

  it('what is mounted below it from elsewhere, and who has a file open there, is named', () => {
    const at = mounted('vdb', 'srv');
    mkdirSync(join(at, 'below'));
    mounted('vdc', 'srv/below');
    expect(free(shell).stderr).toBe(`refused: ${at}/below is mounted below ${at}, and is on no disk of this step\n`);
    execFileSync('umount', [join(at, 'below')]);
    mkdirSync(join(bench.roots.proc, '77/fd'), { recursive: true });
    symlinkSync(join(at, 'file'), join(bench.roots.proc, '77/fd/3'));
    bench.write(join(bench.roots.proc, '77/comm'), 'postgres\n');
    expect(free(shell).stderr).toBe(`refused: ${at} is in use by programs: 77 postgres;\n`);
    expect([isMounted(at), typeOn('vdb')]).toEqual([true, 'ext4']);
  });

  it('the disk that the system runs from stays', () => {
    rmSync(mountinfo());
    bench.write(
      mountinfo(),
      `27 1 ${bench.number(loopOf('vdb'))} / / rw - ext4 /dev/root rw\n28 27 ${bench.number(loopOf('vdb'))} / /srv rw - ext4 /dev/root rw\n`,
    );
    const { status, stderr } = free(shell);
    expect([status, stderr]).toEqual([3, 'refused: the system runs from it (/): it is erased from a rescue system\n']);
  });

  it('what part of it lies elsewhere, or is of a kind that nobody takes apart, stays', () => {
    const holder = (name: string, uuid: string, slaves: readonly string[]) => {
      const at = join(bench.roots.sys, 'block', name);
      if (uuid !== '') bench.write(join(at, 'dm/uuid'), uuid);
      bench.write(join(at, 'dev'), '253:9\n');
      for (const slave of slaves) {
        mkdirSync(join(at, 'slaves'), { recursive: true });
        symlinkSync(join(bench.roots.sys, 'block', slave), join(at, 'slaves', slave));
        const holders = join(bench.roots.sys, 'block', slave, 'holders');
        mkdirSync(holders, { recursive: true });
        if (!existsSync(join(holders, name))) symlinkSync(at, join(holders, name));
      }
      symlinkSync(at, join(bench.roots.sys, 'class/block', name));
    };
    holder('dm-0', 'LVM-abc', ['vdb', 'vdc']);
    expect(free(shell).stderr).toBe('refused: part of dm-0 lies on vdc, which is on no disk of this step\n');
    holder('dm-1', 'mpath-abc', ['vdc']);
    expect(free(shell, ['D-1', 'D-2']).stderr).toMatch(
      /^refused: dm-1 \(\) stands on it, and is neither LVM nor encryption\n$/,
    );
  });

  it('a member of an array that does not run, and of a pool, stays', () => {
    const bin = bench.standIn('blkid', 'exit 2');
    for (const [says, why] of [
      ['linux_raid_member', 'refused: vdb is a member of an array that does not run\n'],
      ['zfs_member', 'refused: member zfs_member on vdb\n'],
      ['VMFS_volume_member', 'refused: shared VMFS_volume_member on vdb\n'],
    ] as const) {
      bench.standIn('blkid', `echo TYPE=${says}`);
      expect([says, free(shell, ['D-1'], bin).stderr]).toEqual([says, why]);
    }
  });
});
