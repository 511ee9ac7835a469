import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { askMonitor } from './monitor.ts';
import { poll } from './poll.ts';
import {
  consoleLog,
  freePort,
  type GuestDisk,
  isKept,
  type MachineIdentity,
  monitorSocket,
  qemuArguments,
  spawnQemu,
} from './qemu.ts';
import { type RawLogin, rawSsh } from './raw-ssh.ts';
import { practice, type Recipe } from './recipe.ts';

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
  /** Its other disks, by the same two states: files of raw bytes. */
  readonly coldDisks: readonly GuestDisk[];
  readonly warmDisks: readonly GuestDisk[];
  /** The private key that root and decom let in. */
  readonly key: string;
  /** `ssh-ed25519 AAAA…`, one a line of the guest's /etc/ssh/ssh_host_*_key.pub. */
  readonly hostKeys: readonly string[];
  readonly machineId: string;
  readonly identity: MachineIdentity;
}

/** The folder of finished images: $DECOM_LAB_CACHE, or decom-lab in the user's cache. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  env.DECOM_LAB_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'decom-lab');

/** Whether a finished image of this recipe is kept. */
export const keptImage = (recipe = practice): boolean => existsSync(imageFolder(recipe));

const imageFolder = (recipe: Recipe): string => join(cacheFolder(), `${recipe.name}-${recipeHash(recipe)}`);

/** The image, built first if no finished one of the same recipe is kept (two to four minutes). */
export async function labImage(
  say: (line: string) => void = () => undefined,
  recipe: Recipe = practice,
): Promise<LabImage> {
  const folder = imageFolder(recipe);
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}.part`;
    mkdirSync(dirname(folder), { recursive: true });
    removeLeftovers(dirname(folder));
    try {
      await build(part, recipe, say);
      publish(part, folder);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
  }
  return describe(folder, recipe);
}

const describe = (folder: string, recipe: Recipe): LabImage => ({
  folder,
  kernel: join(folder, 'kernel'),
  initrd: join(folder, 'initrd'),
  coldDisk: join(folder, 'cold.qcow2'),
  warmDisk: join(folder, 'warm.qcow2'),
  memory: join(folder, 'memory'),
  coldDisks: disksIn(folder, recipe, 'cold'),
  warmDisks: disksIn(folder, recipe, 'warm'),
  key: join(folder, 'key'),
  hostKeys: readFileSync(join(folder, 'host_keys'), 'utf8').trim().split('\n'),
  machineId: readFileSync(join(folder, 'machine-id'), 'utf8').trim(),
  identity: recipe.identity,
});

const disksIn = (folder: string, recipe: Recipe, state: 'cold' | 'warm'): readonly GuestDisk[] =>
  recipe.disks?.map((disk) => ({ ...disk, file: join(folder, `${disk.serial}.${state}`) })) ?? [];

function recipeHash(recipe: Recipe): string {
  const qemu = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  const { identity, include, files, masked, suite, diskBytes, prepareScript, worldScript, ...more } = recipe;
  const made = { v: 1, qemu, identity, include, files, masked, suite, diskBytes, prepareScript, worldScript };
  const { name: _name, about: _about, calm: _calm, ...rest } = more;
  const placeholders = {
    ...recipe,
    kernel: '',
    initrd: '',
    disk: '',
    sshPort: 0,
    folder: '',
    disks: disksIn('', recipe, 'cold'),
  };
  return createHash('sha256')
    .update(JSON.stringify([{ ...made, ...rest }, qemuArguments(placeholders)]))
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

async function build(part: string, recipe: Recipe, say: (line: string) => void): Promise<void> {
  const root = join(part, 'root');
  const { include, suite, diskBytes, worldScript, calm } = recipe;
  mkdirSync(part, { recursive: true });
  say(`building ${recipe.about}: Debian packages (about a minute)`);
  await run(
    'mmdebstrap',
    [
      ...['--quiet', '--variant=minbase', `--include=${include.join(',')}`],
      ...(recipe.leftOut ?? []).map((path) => `--dpkgopt=path-exclude=${path}`),
      ...[suite, root, ...(await mirrors(suite))],
    ],
    { maxBuffer: 1 << 26 },
  );
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'decom-lab', '-f', join(part, 'key')]);
  await prepare(root, recipe, readFileSync(join(part, 'key.pub'), 'utf8'));
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

  say(`building ${recipe.about}: its disk`);
  const raw = join(part, 'raw');
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', root, raw, String(diskBytes / 1024)]);
  await run('qemu-img', ['convert', '-O', 'qcow2', raw, join(part, 'cold.qcow2')]);
  rmSync(raw);
  rmSync(root, { recursive: true });

  say(`building ${recipe.about}: first boot (about a minute)`);
  for (const { serial, bytes } of recipe.disks ?? []) {
    writeFileSync(join(part, `${serial}.cold`), '');
    truncateSync(join(part, `${serial}.cold`), bytes);
  }
  await booted(part, recipe, 'cold', async (login, monitor) => {
    const end = await rawSsh(login, 'sh -s', worldScript);
    if (end.code !== 0) throw new Error(`the world could not be made: ${end.stdout}${end.stderr}`);
    await askMonitor(monitor, 'system_powerdown');
  });

  say(`building ${recipe.about}: keeping a booted one`);
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'cold.qcow2', '-F', 'qcow2', join(part, 'warm.qcow2')]);
  for (const { serial } of recipe.disks ?? []) {
    await copyDisk(join(part, `${serial}.cold`), join(part, `${serial}.warm`));
  }
  await booted(part, recipe, 'warm', async (login, monitor) => {
    const end = await rawSsh(login, `systemctl is-system-running --wait; sync; systemctl is-active ${calm.join(' ')}`);
    if (end.code !== 0) throw new Error(`the guest's services do not run: ${end.stdout}${end.stderr}`);
    await askMonitor(monitor, 'stop');
    await askMonitor(monitor, `migrate "exec:cat > ${join(part, 'memory')}"`);
    await poll('saving the memory', async () =>
      /Migration status: completed/.test(await askMonitor(monitor, 'info migrate')) ? true : undefined,
    );
    await askMonitor(monitor, 'quit');
  });
}

/** With its holes. */
export const copyDisk = async (from: string, to: string): Promise<void> => {
  await run('cp', ['--sparse=always', '--reflink=auto', from, to]);
};

/** Boots a state of the image being built, lets `work` end the machine, and waits for that. */
async function booted(
  part: string,
  recipe: Recipe,
  state: 'cold' | 'warm',
  work: (login: RawLogin, monitor: string) => Promise<void>,
): Promise<void> {
  const sshPort = await freePort();
  const knownHosts = join(part, 'known_hosts');
  const hostKeys = readFileSync(join(part, 'host_keys'), 'utf8').trim().split('\n');
  writeFileSync(knownHosts, hostKeys.map((key) => `[127.0.0.1]:${sshPort} ${key}\n`).join(''));
  const settings = { ...recipe, kernel: join(part, 'kernel'), initrd: join(part, 'initrd'), folder: part, sshPort };
  const disks = disksIn(part, recipe, state).filter((disk) => state === 'cold' || isKept(disk));
  const qemu = spawnQemu(qemuArguments({ ...settings, disk: join(part, `${state}.qcow2`), disks }));
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
      new Promise((_, reject) => setTimeout(() => reject(new Error('the guest does not switch off')), 600_000).unref()),
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
async function prepare(root: string, recipe: Recipe, publicKey: string): Promise<void> {
  for (const [path, text] of Object.entries(recipe.files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  writeFileSync(join(root, 'root/key.pub'), publicKey);
  await run('chroot', [root, 'sh', '-euxc', recipe.prepareScript]);
}

/** Where this machine's own apt gets Debian from, as source lines for the guest. */
async function mirrors(suite: string): Promise<readonly string[]> {
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
