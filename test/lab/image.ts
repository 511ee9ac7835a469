import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { askMonitor } from './monitor.ts';
import { poll } from './poll.ts';
import { consoleLog, freePort, type MachineIdentity, monitorSocket, qemuArguments, spawnQemu } from './qemu.ts';
import { type RawLogin, rawSsh } from './raw-ssh.ts';
import { worldScript } from './world.ts';

const run = promisify(execFile);

/** A Debian that boots under qemu, made once and kept; nothing in it is ever written again. */
export interface LabImage {
  readonly folder: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Cleanly shut down, with the world of `world.ts` on it: boot it. */
  readonly coldDisk: string;
  /** The disk that belongs to `memory`: a machine that has booted already. */
  readonly warmDisk: string;
  readonly memory: string;
  /** The private key that root and decom let in. */
  readonly key: string;
  /** `ssh-ed25519 AAAA…`, one a line of the guest's /etc/ssh/ssh_host_*_key.pub. */
  readonly hostKeys: readonly string[];
  readonly machineId: string;
  readonly identity: MachineIdentity;
}

/** The identity of the saved machine. Its serial starts with a zero, as labels do and YAML forgets. */
const identity: MachineIdentity = { serial: '0071E5', uuid: '6b1f4a2e-93d0-4c57-8a0e-5d2f71c0be11' };

const include = [
  'acl',
  'attr',
  'cron',
  'dbus',
  'dmidecode',
  'iproute2',
  'kmod',
  'linux-image-cloud-amd64',
  'nginx-light',
  'openssh-server',
  'procps',
  'rsync',
  'sudo',
  'systemd-sysv',
  'udev',
];

/** Files of the guest, by path. */
const files: { readonly [path: string]: string } = {
  'etc/hostname': 'practice\n',
  'etc/hosts': '127.0.0.1 localhost practice\n',
  'etc/fstab': '/dev/vda / ext4 errors=remount-ro 0 1\n',
  'etc/systemd/network/20-lab.network': '[Match]\nName=e*\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n',
  'etc/systemd/system.conf.d/lab.conf': '[Manager]\nDefaultTimeoutStopSec=15s\n',
  'etc/systemd/journald.conf.d/lab.conf': '[Journal]\nStorage=persistent\nSyncIntervalSec=1s\n',
  'etc/sudoers.d/decom': 'decom ALL=(ALL) NOPASSWD: ALL\n',
  'etc/ssh/sshd_config.d/lab.conf':
    'PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\nMaxSessions 20\n',
};

/** Work that would start by itself in the middle of a test and change the disk. */
const masked = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'fstrim.timer',
  'logrotate.timer',
  'systemd-tmpfiles-clean.timer',
  'systemd-networkd-wait-online.service',
];

/** Run inside the guest's tree before it first boots; the public key to let in lies in /root/key.pub. */
const prepareScript = `
useradd --create-home --shell /bin/bash decom
for user in root decom; do
  home=$(getent passwd $user | cut -d: -f6)
  install -d -m 700 -o $user -g $user $home/.ssh
  install -m 600 -o $user -g $user /root/key.pub $home/.ssh/authorized_keys
done
rm /root/key.pub
chmod 440 /etc/sudoers.d/decom
rm -f /etc/machine-id
systemd-machine-id-setup
systemctl enable systemd-networkd.service ssh.service nginx.service
systemctl mask ${masked.join(' ')}
mkdir -p /var/log/journal
`;

const suite = 'bookworm';
const diskBytes = 1_600 * 1024 * 1024;

/** The folder of finished images: $DECOM_LAB_CACHE, or decom-lab in the user's cache. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  env.DECOM_LAB_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'decom-lab');

/** Whether a finished image of this recipe is kept. */
export const keptImage = (): boolean => existsSync(imageFolder());

const imageFolder = (): string => join(cacheFolder(), `debian-${recipeHash()}`);

/** The image, built first if no finished one of the same recipe is kept (two to four minutes). */
export async function labImage(say: (line: string) => void = () => undefined): Promise<LabImage> {
  const folder = imageFolder();
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}.part`;
    mkdirSync(dirname(folder), { recursive: true });
    removeLeftovers(dirname(folder));
    try {
      await build(part, say);
      publish(part, folder);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
  }
  return describe(folder);
}

const describe = (folder: string): LabImage => ({
  folder,
  kernel: join(folder, 'kernel'),
  initrd: join(folder, 'initrd'),
  coldDisk: join(folder, 'cold.qcow2'),
  warmDisk: join(folder, 'warm.qcow2'),
  memory: join(folder, 'memory'),
  key: join(folder, 'key'),
  hostKeys: readFileSync(join(folder, 'host_keys'), 'utf8').trim().split('\n'),
  machineId: readFileSync(join(folder, 'machine-id'), 'utf8').trim(),
  identity,
});

function recipeHash(): string {
  const qemu = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  const recipe = { v: 1, qemu, identity, include, files, masked, suite, diskBytes, prepareScript, worldScript };
  const placeholders = { identity, kernel: '', initrd: '', disk: '', sshPort: 0, folder: '' };
  return createHash('sha256')
    .update(JSON.stringify([recipe, qemuArguments(placeholders)]))
    .digest('hex')
    .slice(0, 16);
}

/** A build of the same recipe that finished first wins. */
function publish(part: string, folder: string): void {
  try {
    renameSync(part, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

/** Builds that were cut off: their process is gone. */
function removeLeftovers(cache: string): void {
  for (const name of readdirSync(cache)) {
    const pid = /\.(\d+)\.part$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

async function build(part: string, say: (line: string) => void): Promise<void> {
  const root = join(part, 'root');
  mkdirSync(part, { recursive: true });
  say('building the practice machine: Debian packages (about a minute)');
  await run(
    'mmdebstrap',
    ['--quiet', '--variant=minbase', `--include=${include.join(',')}`, suite, root, ...(await mirrors())],
    {
      maxBuffer: 1 << 26,
    },
  );
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'decom-lab', '-f', join(part, 'key')]);
  await prepare(root, readFileSync(join(part, 'key.pub'), 'utf8'));
  const boot = readdirSync(join(root, 'boot'));
  for (const [name, prefix] of [
    ['kernel', 'vmlinuz-'],
    ['initrd', 'initrd.img-'],
  ] as const) {
    const found = boot.find((file) => file.startsWith(prefix));
    if (found === undefined) throw new Error(`the guest has no /boot/${prefix}*`);
    renameSync(join(root, 'boot', found), join(part, name));
  }
  const keys = readdirSync(join(root, 'etc/ssh')).filter((file) => /^ssh_host_.*_key\.pub$/.test(file));
  const lines = keys.map((file) =>
    readFileSync(join(root, 'etc/ssh', file), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ')
      .trim(),
  );
  writeFileSync(join(part, 'host_keys'), `${lines.join('\n')}\n`);
  writeFileSync(join(part, 'machine-id'), readFileSync(join(root, 'etc/machine-id')));

  say('building the practice machine: its disk');
  const raw = join(part, 'raw');
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', root, raw, String(diskBytes / 1024)]);
  await run('qemu-img', ['convert', '-O', 'qcow2', raw, join(part, 'cold.qcow2')]);
  rmSync(raw);
  rmSync(root, { recursive: true });

  say('building the practice machine: first boot (about a minute)');
  await booted(part, 'cold.qcow2', async (login, monitor) => {
    const end = await rawSsh(login, 'sh -s', worldScript);
    if (end.code !== 0) throw new Error(`the world could not be made: ${end.stderr}`);
    await askMonitor(monitor, 'system_powerdown');
  });

  say('building the practice machine: keeping a booted one');
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'cold.qcow2', '-F', 'qcow2', join(part, 'warm.qcow2')]);
  await booted(part, 'warm.qcow2', async (login, monitor) => {
    const calm = 'systemctl is-system-running --wait; sync; systemctl is-active nginx app';
    const end = await rawSsh(login, calm);
    if (end.code !== 0) throw new Error(`the guest's services do not run: ${end.stdout}${end.stderr}`);
    await askMonitor(monitor, 'stop');
    await askMonitor(monitor, `migrate "exec:cat > ${join(part, 'memory')}"`);
    await poll('saving the memory', async () =>
      /Migration status: completed/.test(await askMonitor(monitor, 'info migrate')) ? true : undefined,
    );
    await askMonitor(monitor, 'quit');
  });
}

/** Boots a disk of the image being built, lets `work` end the machine, and waits for that. */
async function booted(
  part: string,
  disk: string,
  work: (login: RawLogin, monitor: string) => Promise<void>,
): Promise<void> {
  const sshPort = await freePort();
  const knownHosts = join(part, 'known_hosts');
  const hostKeys = readFileSync(join(part, 'host_keys'), 'utf8').trim().split('\n');
  writeFileSync(knownHosts, hostKeys.map((key) => `[127.0.0.1]:${sshPort} ${key}\n`).join(''));
  const settings = { identity, kernel: join(part, 'kernel'), initrd: join(part, 'initrd'), folder: part, sshPort };
  const qemu = spawnQemu(qemuArguments({ ...settings, disk: join(part, disk) }));
  let stderr = '';
  qemu.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const gone = new Promise<void>((resolve) => qemu.once('exit', () => resolve()));
  try {
    const login = { port: sshPort, user: 'root', key: join(part, 'key'), knownHosts };
    await poll('the guest to let root in', async () => {
      if (qemu.exitCode !== null)
        throw new Error(`qemu ended (${qemu.exitCode}): ${stderr}\n${tail(consoleLog(part))}`);
      return (await rawSsh(login, 'true')).code === 0 ? true : undefined;
    });
    await work(login, monitorSocket(part));
    await Promise.race([
      gone,
      new Promise((_, reject) => setTimeout(() => reject(new Error('the guest does not switch off')), 120_000).unref()),
    ]);
  } finally {
    qemu.kill('SIGKILL');
    await gone;
    for (const name of [basename(monitorSocket(part)), 'known_hosts', 'console.log', 'qemu.pid']) {
      rmSync(join(part, name), { force: true });
    }
  }
}

const tail = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').slice(-2000) : '');

/** Turns what the packages made into this machine: its users, keys, network and services. */
async function prepare(root: string, publicKey: string): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  writeFileSync(join(root, 'root/key.pub'), publicKey);
  await run('chroot', [root, 'sh', '-euxc', prepareScript]);
}

/** Where this machine's own apt gets Debian from, as source lines for the guest. */
async function mirrors(): Promise<readonly string[]> {
  const format = '$(REPO_URI) $(ORIGIN) $(LABEL)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const found = new Set<string>();
  for (const line of stdout.split('\n')) {
    const [uri, origin, label] = line.split(' ');
    if (uri !== undefined && origin === 'Debian' && label === 'Debian') found.add(uri);
  }
  if (found.size === 0) throw new Error('apt knows no Debian mirror here. Run: apt-get update');
  return [...found].map((uri) => `deb ${uri} ${suite} main`);
}
