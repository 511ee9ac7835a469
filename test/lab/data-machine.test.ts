import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CopyProved, coverageOf } from '../../src/core/coverage.ts';
import type { Machine } from '../../src/core/ports.ts';
import type { CopiedFileSystem, StorageSeen } from '../../src/core/probe.ts';
import type { Seen } from '../../src/core/result.ts';
import { type Listed, type Survey, wholly } from '../../src/core/survey.ts';
import { storageProbe } from '../../src/effects/host/storage.ts';
import { surveyProbe } from '../../src/effects/host/survey.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { uncoveredIn } from '../../src/engine/coverage-gate.ts';
import { dataDisks, dataMachine, dataParts } from './data-recipe.ts';
import { poll } from './poll.ts';
import { startVm, type Vm } from './vm.ts';

/*
 * A machine whose data lies as on real ones. What decom tells of it is held to what other programs there tell: sysfs, pvs, mdadm, findmnt, psql.
 */
let vm: Vm;
let machine: Machine;
let survey: Survey;
let storage: StorageSeen;

/** The guest is emulated, and some thirty times slower than a host: whatever may take seconds there may take ten times as many. */
const patient = (machine: Machine): Machine => ({
  ...machine,
  exec: ({ argv, ...command }, options) => {
    const longer = argv.map((word) =>
      word.replaceAll('timeout -s TERM 15', 'timeout -s TERM 150').replace('-gt 10 ]', '-gt 100 ]'),
    );
    expect(longer).not.toEqual(argv);
    return machine.exec({ ...command, argv: longer }, options);
  },
});

const asked = async (script: string): Promise<string> => {
  const { code, stdout, stderr } = await vm.sh(`set -e; ${script}`);
  if (code !== 0) throw new Error(`${script}: ${code} ${stdout}${stderr}`);
  return stdout.toString().trim();
};
const lines = async (script: string): Promise<readonly string[]> => (await asked(script)).split('\n');
const rows = <T>(section: Seen<Listed<T>>): readonly T[] => {
  const all = wholly(section);
  if (all === undefined) throw new Error(`not read in full: ${JSON.stringify(section).slice(0, 2000)}`);
  return all;
};
const askStorage = async (): Promise<StorageSeen> => {
  const seen = await storageProbe(patient(machine), 600_000)({ kind: 'host.storage' });
  if (!seen.known) throw new Error(seen.trouble.what);
  return seen.value;
};
const told = (seen: StorageSeen): readonly string[] =>
  seen.file_systems.map(({ at, type, state }) => `${at} ${type} ${state}`);
const disk = (serial: string) => rows(survey.disks).find((one) => one.serial === serial);

beforeAll(async () => {
  vm = await startVm({ start: 'warm', recipe: dataMachine });
  machine = sshMachine(
    {
      ...{ name: 'filer01', address: vm.address, port: vm.sshPort, user: 'decom', sudo: true },
      ...{ identityFiles: [vm.key], hostKeys: vm.hostKeys },
    },
    { home: '/nonexistent' },
  );
  await poll('the drive that was plugged in to be mounted', async () =>
    (await vm.sh('mountpoint -q /srv/fast')).code === 0 ? true : undefined,
  );
  // Something of this machine follows it.
  await asked(`runuser -u postgres -- psql -XAtqc "select pg_create_physical_replication_slot('standby')"`);
  const seen = await surveyProbe(patient(machine), 600_000)({ kind: 'host.survey' });
  if (!seen.known) throw new Error(seen.trouble.what);
  survey = seen.value;
  storage = await askStorage();
});
afterAll(async () => {
  await machine?.close();
  await vm?.stop();
});

describe('the disks', () => {
  test('are told with their serials, sizes and how they are attached', async () => {
    for (const { serial, bytes, bus, wwn } of dataMachine.disks ?? []) {
      const node = await asked(`basename $(readlink -f /dev/disk/by-id/*${serial})`);
      expect(disk(serial), serial).toMatchObject({ device: `/dev/${node}`, kind: 'disk', size: bytes, transport: bus });
      if (wwn !== undefined) expect(disk(serial)?.wwn).toBe(wwn);
    }
    expect(disk(dataDisks.system)).toMatchObject({ kind: 'disk', transport: 'virtio' });
    expect(disk(dataDisks.nvme)?.wwn).toBe(await asked('cat /sys/class/nvme/nvme0/nvme0n1/wwid'));
    expect([...storage.disks].sort()).toEqual([...Object.values(dataDisks)].sort());
  });

  test('are members of the volume group and of the array that their own programs tell', async () => {
    const pvs = JSON.parse(await asked('pvs --reportformat json -o pv_name,vg_name')) as {
      readonly report: readonly { readonly pv: readonly { readonly pv_name: string; readonly vg_name: string }[] }[];
    };
    const groups = pvs.report[0]?.pv.map(({ pv_name, vg_name }) => `${pv_name} lvm ${vg_name}`) ?? [];
    const array = await asked('basename $(readlink -f /dev/disk/by-label/archive)');
    const mirror = (await lines(`mdadm --detail --export /dev/${array} | sed -n 's/^MD_DEVICE_.*_DEV=//p'`)).map(
      (device) => `${device} raid ${array}`,
    );
    expect([groups.length, mirror.length]).toEqual([1, 2]);
    const members = rows(survey.disks).flatMap(({ device, member_of }) =>
      member_of.map(({ kind, name }) => `${device} ${kind} ${name}`),
    );
    expect([...members].sort()).toEqual([...groups, ...mirror].sort());
  });
});

describe('the file systems', () => {
  interface Found {
    readonly source: string;
    readonly target: string;
    readonly fstype: string;
    readonly size: number;
    readonly used: number;
  }

  test('are those of findmnt, with how large they are and how much is in them', async () => {
    const found = JSON.parse(
      await asked('findmnt -J -b --list --types ext4,xfs -o SOURCE,TARGET,FSTYPE,SIZE,USED'),
    ) as { readonly filesystems: readonly Found[] };
    expect(found.filesystems.map(({ target, fstype }) => `${target} ${fstype}`).sort()).toEqual(
      ['/ ext4', '/srv/archive ext4', '/srv/db ext4', '/srv/fast ext4', '/srv/web-pages xfs'].sort(),
    );
    for (const { source, target, fstype, size, used } of found.filesystems) {
      const mounted = rows(survey.mounts).find((one) => one.target === target);
      expect(mounted, target).toMatchObject({ source, type: fstype, size, remote: false });
      const gate = storage.file_systems.find(({ at }) => at === target);
      expect(gate, target).toMatchObject({ source, type: fstype, state: 'mounted' });
      // The databases and the log write meanwhile.
      for (const bytes of [mounted?.used, gate?.used]) expect(Math.abs((bytes ?? 0) - used)).toBeLessThan(4 << 20);
    }
  });

  test('that nobody mounts are told, and swap is not', async () => {
    const [old] = await lines('readlink -f /dev/disk/by-label/old');
    expect(told(storage).filter((one) => !one.endsWith(' mounted'))).toEqual([`${old} ext4 not-mounted`]);
    // That disk as it lies outside.
    expect(readFileSync(vm.disks.get(dataDisks.old) ?? '').includes('forgotten')).toBe(true);
  });
});

describe('what runs there', () => {
  test('are both databases, with the processes of their servers and whether something follows them', async () => {
    const postgres = Number(await asked('head -1 /srv/db/postgresql/postmaster.pid'));
    const maria = Number(await asked('cat $(mariadb -NBe "select @@pid_file")'));
    expect(rows(survey.databases)).toEqual(
      expect.arrayContaining([
        { kind: 'postgresql', process: { name: 'postgres', pid: postgres }, data: '/srv/db/postgresql' },
        { kind: 'mariadb', process: { name: 'mariadbd', pid: maria }, data: null },
      ]),
    );
    expect(rows(survey.databases)).toHaveLength(2);
    expect(rows(survey.roles)).toMatchObject([
      { kind: 'postgresql', role: 'primary', why: '0 replicas connected, 1 slots' },
      { kind: 'mysql', role: 'alone' },
    ]);
  });

  test('listens with its processes, and the kernel with none', async () => {
    const [postgres, maria, sshd, mountd] = await lines(
      'head -1 /srv/db/postgresql/postmaster.pid; cat $(mariadb -NBe "select @@pid_file"); systemctl show -P MainPID ssh; systemctl show -P MainPID nfs-mountd',
    );
    const at = (port: number) => rows(survey.listeners).filter((one) => one.proto === 'tcp' && one.at.port === port);
    const pids = (port: number) => [...new Set(at(port).map(({ process }) => process?.pid ?? null))];
    const rpc = (await lines('rpcinfo -p')).map((line) => line.trim().split(/\s+/));
    const mountPort = Number(rpc.find((row) => row[2] === 'tcp' && row[4] === 'mountd')?.[3]);
    expect(mountPort).toBeGreaterThan(0);
    expect([pids(5432), pids(3306), pids(22), pids(mountPort), pids(2049)]).toEqual([
      ...[[Number(postgres)], [Number(maria)], [Number(sshd)], [Number(mountd)], [null]],
    ]);
  });

  test('is exported to those whom exportfs names', async () => {
    const offered = (await lines('exportfs -s')).map((line) => line.replace(/\(.*/, '').trim().split(/\s+/));
    expect(offered).toHaveLength(2);
    expect(rows(survey.exports)).toEqual([
      { kind: 'nfs', what: '/srv/archive', offered: expect.anything(), clients: [] },
    ]);
    expect(rows(survey.exports)[0]?.offered.toSorted()).toEqual(offered.map(([, whom]) => whom).toSorted());
  });

  test('was as busy as sysstat says', async () => {
    const [name] = await lines('ls /var/log/sysstat');
    const days = (await lines(`sadf -d -U /var/log/sysstat/${name} -- -u | grep -v -e '^#' -e RESTART`)).map((line) =>
      line.split(';'),
    );
    const idle = days.map((fields) => Number(fields.at(-1)));
    const average = idle.reduce((sum, one) => sum + one, 0) / idle.length;
    expect(idle.length).toBeGreaterThan(0);
    if (!survey.load.known) throw new Error(survey.load.trouble.what);
    const [day, ...more] = rows(survey.load.value.history);
    expect(more).toEqual([]);
    expect(day?.day).toBe(await asked(`date -u -d @${days[0]?.[2]} +%F`));
    expect(Math.abs((day?.busy ?? 0) - (100 - average))).toBeLessThan(5);
  });
});

test('the parts of the machine have the serials on their labels', async () => {
  const parts = rows(survey.parts);
  const serials = (kind: string) => parts.filter((part) => part.kind === kind).map(({ serial }) => serial);
  expect(serials('system')).toEqual([vm.identity.serial]);
  expect(serials('board')).toEqual([dataParts.board]);
  expect(serials('chassis')).toEqual([dataParts.chassis]);
  const installed = await asked('ls -d /sys/firmware/dmi/entries/17-* | wc -l');
  expect(serials('memory')).toEqual(Array.from({ length: Number(installed) }, () => dataParts.memory));
});

test('a copy of / that does not cross into what is mounted below it leaves each of that uncovered, by name', async () => {
  const copy = (file_systems: readonly CopiedFileSystem[]): CopyProved => ({
    ...{ step: 'archive', copy: '/vault/copy', paths: ['/'], exclude: [], file_systems },
  });
  const uncovered = (one: CopyProved) =>
    uncoveredIn(coverageOf(storage.file_systems, [one], [])).map(({ of, why }) => `${of.at} ${of.type}: ${why}`);
  const mounted = storage.file_systems.filter(({ state }) => state === 'mounted');
  const loose = `${await asked('readlink -f /dev/disk/by-label/old')} ext4: it is not mounted, so no copy of files can hold it`;
  const notCrossed = (at: string) =>
    `it was not mounted at ${at} all the time while the copy of step "archive" was made`;
  expect(uncovered(copy(mounted.filter(({ at }) => at === '/')))).toEqual([
    loose,
    `/srv/archive ext4: ${notCrossed('/srv/archive')}`,
    `/srv/db ext4: ${notCrossed('/srv/db')}`,
    `/srv/fast ext4: ${notCrossed('/srv/fast')}`,
    `/srv/web-pages xfs: ${notCrossed('/srv/web-pages')}`,
  ]);
  expect(uncovered(copy(mounted))).toEqual([loose]);
});

test('file systems are told as hidden where another one lies over them, and their disks as data where the array is stopped or the group is not active', async () => {
  await asked(`mount LABEL=old /srv/fast; systemctl stop nfs-server; umount /srv/archive; mdadm -q --stop /dev/disk/by-label/archive
    systemctl stop postgresql@15-main mariadb; umount /srv/db /srv/web-pages; vgchange -q -an vg0`);
  const fast = await asked('findmnt -n -o SOURCE --target /srv/fast --list | head -1; true');
  expect(fast).not.toBe('');
  const by = async (serial: string) => asked(`readlink -f $(ls /dev/disk/by-id/*${serial} | head -1)`);
  const [lvm, a, b, nvme] = await Promise.all(
    [dataDisks.lvm, dataDisks.mirrorA, dataDisks.mirrorB, dataDisks.nvme].map(by),
  );
  expect(told(await askStorage()).toSorted()).toEqual(
    [
      '/ ext4 mounted',
      '/srv/fast ext4 mounted',
      `${nvme}p1 ext4 hidden`,
      `${a} linux_raid_member not-mounted`,
      `${b} linux_raid_member not-mounted`,
      `${lvm} LVM2_member not-mounted`,
    ].toSorted(),
  );
});
