import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shellWord } from '../../src/core/shell-word.ts';
import { disksScript } from '../../src/effects/host/disk-script.ts';
import { freeScript } from '../../src/effects/host/free-script.ts';
import { approval, approved } from '../faults/approved.ts';
import { dataDisks, dataMachine } from './data-recipe.ts';
import { poll } from './poll.ts';
import { startVm, type Vm } from './vm.ts';
import { type Called, type VmWorkspace, vmWorkspace } from './vm-workspace.ts';

/*
 * Disks of a real machine, with LVM, RAID, swap and mounts on them: freed and erased by the built program, behind virtio, AHCI and NVMe. What is left on them is read from outside, in the
 * files that they are.
 */
let vm: Vm;
let workspace: VmWorkspace;

const { system, lvm, mirrorA, mirrorB, old, nvme } = dataDisks;
const erased = [mirrorA, mirrorB, old, nvme];
const named = (serials: readonly string[]): string => serials.map((serial) => `{ serial: ${serial} }`).join(', ');

const runbook =
  (forgotten: string) =>
  (vault: string): string =>
    `decom: 1
name: retire
title: Erase the data
not_kept:
  - { path: /, why: the system is installed anew, by: the test }
  - { path: ${forgotten}, why: nobody knows it, by: the test }
${['db', 'web-pages', 'fast'].map((one) => `  - { path: /srv/${one}, why: it is made anew, by: the test }`).join('\n')}
phases:
  - phase: all
    title: All of it
    steps:
      - { id: identity, uses: identity.check }
      - { id: unused, uses: use.check, with: { watch: 1s, allow: [{ peer: 10.0.2.2, why: the test looks in from there }] } }
      - { id: stop, uses: service.stop, with: { units: [nfs-server.service] } }
      - { id: copy, uses: backup.archive, with: { from: [/srv/archive], to: ${JSON.stringify(vault)} } }
      - { id: proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
      - { id: erase, uses: disk.erase, with: { level: clear, free: true, verify: full, disks: [${named(erased)}] } }
`;

beforeAll(async () => {
  vm = await startVm({ start: 'warm', recipe: dataMachine });
  await poll('the drive that was plugged in to be mounted', async () =>
    (await vm.sh('mountpoint -q /srv/fast')).code === 0 ? true : undefined,
  );
  const forgotten = (await vm.sh('blkid -L old')).stdout.toString().trim();
  workspace = vmWorkspace(vm, runbook(forgotten));
});
afterAll(async () => {
  workspace?.remove();
  await vm?.stop();
});

const ended = (called: Called, code: number): string => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return called.stdout + called.stderr;
};

const fileOf = (serial: string): string => vm.disks.get(serial) ?? '';

/** Bytes of a file that are not zero. */
const left = (file: string): number =>
  Number(execFileSync('sh', ['-c', `tr -d '\\000' <"$1" | wc -c`, 'sh', file], { encoding: 'utf8' }));

const unattended = (): readonly string[] => ['--non-interactive', `--confirm=${vm.identity.serial}`];

/** What the machine says of a script with these words, as the job would run it. */
const says = async (script: string, words: readonly string[]) =>
  vm.sh(`sh -c ${[script, 'sh', ...words].map(shellWord).join(' ')}`);

/** The words by which the script knows a disk. */
async function words(): Promise<(serial: string) => readonly string[]> {
  const told = (await says(disksScript(), Object.values(dataDisks))).stdout.toString();
  return (serial) => {
    const [, wwn = '', size = ''] = new RegExp(`^serial ${serial}\\nwwn (.*)\\nsize (\\d+)$`, 'm').exec(told) ?? [];
    return [serial, wwn, size];
  };
}

/** What is mounted, is swap, and is made of disks. */
const state = async (): Promise<string> =>
  (
    await vm.sh('findmnt -rno TARGET,SOURCE | sort; cat /proc/swaps; lsblk -rno NAME,TYPE,FSTYPE | sort')
  ).stdout.toString();

test('what lies on other disks too, is in use, or is what the system runs from, is left as it is', async () => {
  const disk = await words();
  const before = await state();
  for (const [serials, why] of [
    [[mirrorA], /refused: part of md0 lies on sda, which is on no disk of this step/],
    [[system], /refused: the system runs from it \(\/\)/],
    [[old, lvm], /refused: \/srv\/(db|web-pages) is in use by programs: \d+ (postgres|mariadbd)/],
  ] as const) {
    const said = await says(freeScript(), serials.flatMap(disk));
    expect([said.code, said.stderr.toString()]).toEqual([3, expect.stringMatching(why)]);
    expect(await state()).toBe(before);
  }
  // Swap was off and it was unmounted before that shows; both are there again.
  const elsewhere = await vm.sh('unshare -m --propagation private sleep 1000 </dev/null >/dev/null 2>&1 & echo $!');
  await poll('another namespace of mounts', async () =>
    (
      await vm.sh(
        `[ "$(readlink /proc/${elsewhere.stdout.toString().trim()}/ns/mnt)" != "$(readlink /proc/1/ns/mnt)" ]`,
      )
    ).code === 0
      ? true
      : undefined,
  );
  const said = await says(freeScript(), [nvme, old].flatMap(disk));
  expect([said.code, said.stderr.toString()]).toEqual([
    3,
    expect.stringMatching(/^refused: mounted \/srv\/fast on nvme0n1p1;\n$/),
  ]);
  expect(await state()).toBe(before);
  await vm.sh(`kill ${elsewhere.stdout.toString().trim()}`);
});

test('what is on the disks is taken away and nothing but zeroes is left on them', async () => {
  const stopped = await vm.sh('systemctl stop mariadb.service postgresql.service');
  expect(stopped.code, stopped.stderr.toString()).toBe(0);
  const planned = ended(await workspace.decom('plan', 'web01', '-o', 'plan.json'), 0);
  expect(planned).toContain(`take away what is on disk ${erased.join(', ')} of the host`);
  for (const serial of erased) expect(planned).toContain(`erase disk ${serial} of the host`);
  approved(workspace.folder, workspace.home);
  for (const serial of erased) expect([serial, left(fileOf(serial)) > 0]).toEqual([serial, true]);
  ended(await workspace.decom('run', '--plan', 'plan.json', ...approval, ...unattended()), 0);

  for (const serial of erased) expect([serial, left(fileOf(serial))]).toEqual([serial, 0]);
  const freed = workspace.log().find(({ type, n, step }) => type === 'operation.done' && step === 'erase' && n === 0);
  const did = String(freed?.receipt?.stdout_tail);
  for (const line of ['unmounted /srv/fast\n', 'stopped md0\n', 'wiped linux_raid_member on sda\n', 'swap off '])
    expect(did).toContain(line);
  const report = ended(await workspace.decom('report', 'web01'), 0);
  for (const serial of erased) expect(report).toContain(serial);
});

test('a volume group is taken apart from its file systems down to its labels', async () => {
  const said = await says(freeScript(), (await words())(lvm));
  expect([said.code, said.stderr.toString()]).toEqual([0, '']);
  const did = said.stdout.toString();
  for (const line of [
    'unmounted /srv/db',
    'wiped xfs on dm-1',
    'deactivated vg0',
    'wiped LVM2_member on vdb',
    'freed vdb',
  ])
    expect(did.split('\n')).toContain(line);
  expect((await vm.sh('lsblk -rno NAME,FSTYPE /dev/vdb; vgs -q --noheadings')).stdout.toString()).toBe('vdb \n');
});
