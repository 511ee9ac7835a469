import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

/** What tells one virtual machine from another: SMBIOS type 1. */
export interface MachineIdentity {
  readonly serial: string;
  readonly uuid: string;
}

export interface QemuSettings {
  readonly identity: MachineIdentity;
  readonly kernel: string;
  readonly initrd: string;
  /** A qcow2 file that is written to. */
  readonly disk: string;
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
  '-drive',
  `file=${settings.disk},format=qcow2,if=virtio,cache=unsafe`,
  '-nic',
  `user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:${settings.sshPort}-:22`,
  '-device',
  'virtio-rng-pci',
  '-uuid',
  settings.identity.uuid,
  '-smbios',
  `type=1,manufacturer=decom,product=lab,serial=${settings.identity.serial},uuid=${settings.identity.uuid}`,
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
