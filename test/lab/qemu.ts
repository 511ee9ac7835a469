import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

/** What tells one virtual machine from another: SMBIOS type 1. */
export interface MachineIdentity {
  readonly serial: string;
  readonly uuid: string;
}

/** What the guest has as a disk beside the one it boots from. */
export interface LabDisk {
  /** At most 20 characters. */
  readonly serial: string;
  readonly bus: 'virtio' | 'sata' | 'nvme';
  readonly bytes: number;
  /** Of one at `sata`: 64 bits in hex. */
  readonly wwn?: string;
}

/** One with the file of raw bytes that it is outside. */
export interface GuestDisk extends LabDisk {
  readonly file: string;
}

/** qemu saves no state of an NVMe drive: a machine that goes on from its saved memory has it plugged in then. */
export const isKept = ({ bus }: LabDisk): boolean => bus !== 'nvme';

export interface QemuSettings {
  readonly identity: MachineIdentity;
  readonly kernel: string;
  readonly initrd: string;
  /** A qcow2 file that is written to. */
  readonly disk: string;
  /** Of the disk it boots from; without it that has none, and the machine no other disk. */
  readonly rootSerial?: string;
  readonly disks?: readonly GuestDisk[];
  /** Further tables of SMBIOS: `type=2,serial=…`. */
  readonly smbios?: readonly string[];
  /** A free port of 127.0.0.1 that leads to the guest's port 22. */
  readonly sshPort: number;
  /** Where the console log, the monitor's socket and the pid file go. */
  readonly folder: string;
}

/**
 * The whole command line. Always software emulation: a saved memory state is only good for the accelerator it was made with.
 * The guest reaches nothing outside (`restrict`), and writes are not synced to the disk below (`unsafe`): it is thrown away.
 */
export const qemuArguments = (settings: QemuSettings): readonly string[] => [
  '-machine',
  'pc,accel=tcg',
  '-cpu',
  'max',
  '-m',
  '512',
  '-kernel',
  settings.kernel,
  '-initrd',
  settings.initrd,
  '-append',
  'root=/dev/vda rw console=ttyS0 quiet systemd.show_status=false',
  ...disksOf(settings),
  '-nic',
  `user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:${settings.sshPort}-:22`,
  '-device',
  'virtio-rng-pci',
  '-uuid',
  settings.identity.uuid,
  '-smbios',
  `type=1,manufacturer=decom,product=lab,serial=${settings.identity.serial},uuid=${settings.identity.uuid}`,
  ...(settings.smbios ?? []).flatMap((table) => ['-smbios', table]),
  '-rtc',
  'base=utc',
  '-display',
  'none',
  '-no-reboot',
  '-serial',
  `file:${consoleLog(settings.folder)}`,
  '-monitor',
  `unix:${monitorSocket(settings.folder)},server=on,wait=off`,
  '-pidfile',
  pidFile(settings.folder),
];

/** With their places on the bus, which decide which of them the guest calls vda, vdb and so on. */
function disksOf({ disk, rootSerial, disks = [] }: QemuSettings): readonly string[] {
  if (rootSerial === undefined) return ['-drive', `file=${disk},format=qcow2,if=virtio,cache=unsafe`];
  return [
    ...['-drive', `file=${disk},format=qcow2,if=none,id=root,cache=unsafe`],
    ...['-device', `virtio-blk-pci,drive=root,serial=${rootSerial},addr=0x8`],
    ...['-device', 'ich9-ahci,id=sata,addr=0x9'],
    ...disks.flatMap((one, at) => [
      ...['-drive', `if=none,id=${driveOf(one)},${backingOf(one)}`],
      ...['-device', `${deviceOf(one)}${one.bus === 'sata' ? '' : `,addr=0x${(10 + at).toString(16)}`}`],
    ]),
  ];
}

const driveOf = ({ serial }: GuestDisk): string => `disk-${serial}`;

const backingOf = ({ file }: GuestDisk): string => `file=${file},format=raw,cache=unsafe,discard=unmap`;

const deviceOf = (disk: GuestDisk): string => {
  const which = `drive=${driveOf(disk)},serial=${disk.serial}`;
  switch (disk.bus) {
    case 'virtio':
      return `virtio-blk-pci,${which}`;
    case 'sata':
      return `ide-hd,bus=sata.0,${which}${disk.wwn === undefined ? '' : `,wwn=${disk.wwn}`}`;
    case 'nvme':
      return `nvme,${which}`;
  }
};

/** What to say to the monitor of a running machine to plug a disk in. */
export const plugIn = (disk: GuestDisk): readonly string[] => [
  `drive_add 0 if=none,id=${driveOf(disk)},${backingOf(disk)}`,
  `device_add ${deviceOf(disk)}`,
];

export const consoleLog = (folder: string): string => join(folder, 'console.log');
export const monitorSocket = (folder: string): string => join(folder, 'monitor');
export const pidFile = (folder: string): string => join(folder, 'qemu.pid');

/** Starts qemu so that it dies with this process, however this process ends. */
export const spawnQemu = (args: readonly string[]): ChildProcess =>
  spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });

/** A port of 127.0.0.1 that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
