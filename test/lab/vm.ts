import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { copyDisk, labImage } from './image.ts';
import { startIpmiSim } from './ipmi-sim.ts';
import { answers, askMonitor } from './monitor.ts';
import { poll } from './poll.ts';
import {
  consoleLog,
  freePort,
  isKept,
  type MachineIdentity,
  monitorSocket,
  pidFile,
  plugIn,
  qemuArguments,
  spawnQemu,
} from './qemu.ts';
import { type RawEnd, type RawLogin, rawSsh, shareConnection } from './raw-ssh.ts';
import type { Recipe } from './recipe.ts';

const run = promisify(execFile);

/**
 * `warm` goes on from a saved memory in about two seconds: its boot id and identity are those of the image.
 * `cold` boots, in about half a minute.
 */
export type VmOptions = (
  | { readonly start: 'warm' }
  | { readonly start: 'cold'; readonly identity?: MachineIdentity }
) & {
  /** Gives it a BMC over IPMI that holds its power. */
  readonly bmc?: boolean;
  /** Which machine; without it the practice machine, which has but one disk. */
  readonly recipe?: Recipe;
};

export interface VmBmc {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A real Debian in a virtual machine, on a disk that is thrown away. */
export interface Vm {
  readonly address: '127.0.0.1';
  readonly sshPort: number;
  readonly identity: MachineIdentity;
  readonly machineId: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKeys: readonly string[];
  /** The private key that `root` and `decom` (with sudo) let in, and a known_hosts file for the port. */
  readonly key: string;
  readonly knownHosts: string;
  readonly bmc: VmBmc | null;
  /** Its disks but the one it boots from: by serial the file that each is outside, byte for byte, thrown away with the machine. */
  readonly disks: ReadonlyMap<string, string>;
  /** A shell script run as root over the system's own ssh: the look from outside. */
  sh(script: string, stdin?: string | Buffer): Promise<RawEnd>;
  /** The process id of its qemu, or null where that is gone. */
  pid(): number | null;
  running(): boolean;
  /** Waits until root can log in, as after the BMC switched it on again. */
  booted(): Promise<void>;
  /** Pulls the plug and puts it in again; `booted` waits for the machine to be back. */
  restart(): Promise<void>;
  /** Pulls the plug. */
  kill(): Promise<void>;
  /** Ends it and its BMC, and removes its disk. */
  stop(): Promise<void>;
}

export async function startVm(options: VmOptions): Promise<Vm> {
  const image = await labImage(undefined, options.recipe);
  const identity = options.start === 'cold' ? (options.identity ?? image.identity) : image.identity;
  const folder = mkdtempSync(join(tmpdir(), 'decom-vm-'));
  const disk = join(folder, 'disk.qcow2');
  const below = options.start === 'cold' ? image.coldDisk : image.warmDisk;
  const sshPort = await freePort();
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, image.hostKeys.map((key) => `[127.0.0.1]:${sshPort} ${key}\n`).join(''));
  const login: RawLogin = { port: sshPort, user: 'root', key: image.key, knownHosts, share: join(folder, 'share') };
  const { kernel, initrd } = image;
  const disks = (options.start === 'cold' ? image.coldDisks : image.warmDisks).map((one) => ({
    ...one,
    file: join(folder, `${one.serial}.raw`),
    from: one.file,
  }));
  const settings = { ...options.recipe, identity, kernel, initrd, disk, sshPort, folder };
  const args = qemuArguments({ ...settings, disks });
  let shared: ChildProcess | undefined;
  let bmc: { readonly port: number; stop(): Promise<void> } | undefined;

  const pid = (): number | null => alive(folder);
  const kill = async () => {
    const victim = pid();
    if (victim !== null) process.kill(victim, 'SIGKILL');
    await poll('qemu to be gone', () => (pid() === null ? true : undefined), 20);
  };
  const stop = async () => {
    shared?.kill();
    await kill();
    await bmc?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const booted = async () => {
    shared?.kill();
    shared = undefined;
    await poll('the machine to let root in', async () => {
      if (pid() === null) throw new Error(`qemu is gone; its console said:\n${tail(folder)}`);
      return (await rawSsh(login, 'true')).code === 0 ? true : undefined;
    });
    shared = shareConnection(login);
  };

  const begin = async (words: readonly string[]) => {
    const qemu = spawnQemu(words);
    let stderr = '';
    qemu.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    await poll('qemu to start', async () => {
      if (qemu.exitCode !== null) throw new Error(`qemu ended with ${qemu.exitCode}: ${stderr}`);
      return pid() !== null && (await answers(monitorSocket(folder))) ? true : undefined;
    });
  };

  try {
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', below, '-F', 'qcow2', disk]);
    await Promise.all(disks.map(({ from, file }) => copyDisk(from, file)));
    if (options.start === 'cold') await begin(args);
    else {
      const kept = qemuArguments({ ...settings, disks: disks.filter(isKept) });
      await begin([...kept, '-incoming', `exec:cat '${image.memory}'`]);
      // The memory was saved of a machine that stood still, so it wakes standing still.
      await poll('the saved machine to go on', async () => {
        await askMonitor(monitorSocket(folder), 'cont');
        return /running/.test(await askMonitor(monitorSocket(folder), 'info status')) ? true : undefined;
      });
      for (const line of disks.filter((one) => !isKept(one)).flatMap(plugIn)) {
        const said = await askMonitor(monitorSocket(folder), line);
        if (/error/i.test(said)) throw new Error(`the disk could not be plugged in: ${said}`);
      }
    }
    if (options.bmc === true) {
      const control = writeControl(folder, args);
      bmc = await startIpmiSim({ guid: identity.uuid, ...account, control, serial: identity.serial });
    }
    await booted();
    // A saved machine wakes with the clock of the day it was saved; one that boots lets root in before its services have settled.
    await rawSsh(login, `date -s @${Math.floor(Date.now() / 1000)}; systemctl is-system-running --wait`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address: '127.0.0.1',
    sshPort,
    identity,
    machineId: image.machineId,
    hostKeys: image.hostKeys,
    key: image.key,
    knownHosts,
    bmc: bmc === undefined ? null : { port: bmc.port, ...account },
    disks: new Map(disks.map(({ serial, file }) => [serial, file])),
    sh: (script, stdin) => rawSsh(login, script, stdin),
    pid,
    running: () => pid() !== null,
    booted,
    restart: async () => {
      await kill();
      await begin(args);
    },
    kill,
    stop,
  };
}

const account = { user: 'admin', password: 'lab-secret-1' } as const;

/**
 * The pid of the folder's qemu. A zombie is gone, and so is a pid that by now is another program's; but while other threads of a zombie are still
 * ending, they hold its ports and files, and a new qemu could not have them.
 */
function alive(folder: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile(folder), 'utf8'));
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ending = /\) Z /.test(stat) && readdirSync(`/proc/${pid}/task`).length === 1;
    return /\(qemu-system/.test(stat) && !ending ? pid : null;
  } catch {
    return null;
  }
}

/**
 * The machine's power switch, as the BMC calls it: soft presses the ACPI button, hard kills qemu, on starts it. What it starts
 * outlives it, so that is bounded by half an hour.
 */
function writeControl(folder: string, args: readonly string[]): string {
  const path = join(folder, 'control');
  const press = `const c = require('net').connect(${JSON.stringify(monitorSocket(folder))}); c.on('data', () => {}); c.on('error', () => process.exit(1)); c.write('system_powerdown\\n'); setTimeout(() => c.end(), 200)`;
  const script = `#!/bin/sh
pid=$(cat ${quote(pidFile(folder))} 2>/dev/null)
if grep -q '(qemu-system.*) [^Z] ' "/proc/$pid/stat" 2>/dev/null; then on=1; else on=0; fi
case "$2 $3 $4" in
'get power ') echo "power:$on" ;;
'set power 0') [ $on = 0 ] || kill -KILL "$pid" ;;
'set power 1')
  [ $on = 1 ] || {
    while grep -q '(qemu-system' "/proc/$pid/stat" 2>/dev/null && [ "$(ls "/proc/$pid/task" | wc -l)" -gt 1 ]; do sleep 0.05; done
    setsid timeout --signal=KILL 1800 qemu-system-x86_64 ${args.map(quote).join(' ')} </dev/null >/dev/null 2>&1 &
  }
  ;;
'set shutdown 1') [ $on = 0 ] || ${quote(process.execPath)} -e ${quote(press)} </dev/null >/dev/null 2>&1 ;;
*) exit 1 ;;
esac
`;
  writeFileSync(path, script, { mode: 0o755 });
  return path;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function tail(folder: string): string {
  try {
    return readFileSync(consoleLog(folder), 'utf8').slice(-3000);
  } catch {
    return '(nothing)';
  }
}
