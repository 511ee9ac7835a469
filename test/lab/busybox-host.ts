import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { descendants, freePort, keygen, signal } from './sshd.ts';

/** A host of BusyBox alone: its init is process 1 of a namespace, its scripts lie in /etc/init.d, and a real sshd lets in. */
export interface BusyboxHost {
  readonly port: number;
  /** Its root folder as this machine sees it. */
  readonly root: string;
  readonly hostKeys: readonly string[];
  readonly userKey: string;
  /** Ends every process of it and starts its init again. */
  reboot(): Promise<void>;
  /** Runs a script as root in its namespaces, with this computer's programs: `$1` is its root folder. */
  inside(script: string): void;
  /** Soft: its own init shuts it down. */
  readonly power: {
    get(): Promise<'on' | 'off'>;
    set(want: 'on' | 'off', how: 'soft' | 'hard'): Promise<void>;
  };
  stop(): Promise<void>;
}

/** A service that writes its pidfile, knows LSB's codes, and is started at runlevel 3. */
export const appScript = `#!/bin/sh
# pidfile: /run/app.pid
pid=$(cat /run/app.pid 2>/dev/null)
alive() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
case $1 in
  start) alive || start-stop-daemon -S -b -m -p /run/app.pid -x /bin/sleep -- 86400 ;;
  stop) if alive; then kill "$pid" && rm -f /run/app.pid; fi ;;
  status)
    if alive; then echo "app is running"; exit 0; fi
    if [ -n "$pid" ]; then echo "app is dead, its pidfile is left"; exit 1; fi
    echo "app is not running"
    exit 3
    ;;
  *) echo "usage: $0 start|stop|status"; exit 2 ;;
esac
`;

/**
 * Needs root, busybox-static and openssh-server. Applets of the names in `without` are left out; its kernel tells `dmi`, as that of a machine
 * with firmware does; `sshd` are lines of its configuration; `programs` of this computer are put there with their libraries.
 */
export async function startBusyboxHost(
  without: readonly string[] = [],
  dmi?: { readonly serial: string; readonly uuid: string },
  sshd: readonly string[] = [],
  programs: readonly string[] = [],
): Promise<BusyboxHost> {
  const folder = mkdtempSync(join(tmpdir(), 'decom-busybox-'));
  chmodSync(folder, 0o755);
  const root = join(folder, 'root');
  const port = await freePort();
  const sh = (script: string): string => execFileSync('sh', ['-ec', script], { cwd: root, encoding: 'utf8' });
  for (const name of [
    'bin',
    'sbin',
    'dev',
    'proc',
    'etc/init.d',
    'etc/rc3.d',
    'usr/sbin',
    'usr/lib',
    'root',
    'tmp',
    'srv',
    'run/sshd',
    'var/run',
    'var/lib',
  ]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  sh('chmod 755 bin/busybox run/sshd && chmod 1777 tmp && chmod 700 root');
  sh(
    'for name in $(bin/busybox --list); do [ -e "bin/$name" ] || ln -s busybox "bin/$name"; done; ln -s ../bin/busybox sbin/init',
  );
  for (const name of without) rmSync(join(root, 'bin', name));
  for (const [name, major, minor] of [
    ['null', 1, 3],
    ['zero', 1, 5],
    ['random', 1, 8],
    ['urandom', 1, 9],
    ['tty', 5, 0],
  ]) {
    sh(`mknod -m 666 dev/${name} c ${major} ${minor}`);
  }
  for (const program of ['/usr/sbin/sshd', ...programs]) withLibraries(program, root);
  // Since OpenSSH 9.8 sshd is several programs.
  for (const part of ['/usr/lib/openssh/sshd-session', '/usr/lib/openssh/sshd-auth']) {
    if (existsSync(part)) withLibraries(part, root);
  }
  const userKey = join(folder, 'user');
  keygen('ed25519', userKey);
  keygen('ed25519', join(root, 'etc/host_key'));
  const files: { readonly [path: string]: string } = {
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nsshd:x:74:74:sshd:/run/sshd:/bin/false\n',
    'etc/group': 'root:x:0:\nsshd:x:74:\n',
    'etc/inittab': '::sysinit:/etc/init.d/rcS\n::respawn:/usr/sbin/sshd -D -e -f /etc/sshd_config\n',
    'etc/init.d/rcS': '#!/bin/sh\nfor script in /etc/rc3.d/S*; do [ -e "$script" ] && "$script" start; done\n',
    'etc/partitions': 'major minor  #blocks  name\n\n',
    'etc/init.d/app': appScript,
    'etc/authorized_keys': readFileSync(`${userKey}.pub`, 'utf8'),
    'etc/sshd_config': [
      ...sshd,
      ...[
        'ListenAddress 127.0.0.1',
        `Port ${port}`,
        'HostKey /etc/host_key',
        'AuthorizedKeysFile /etc/authorized_keys',
      ],
      ...['StrictModes no', 'UsePAM no', 'PermitRootLogin yes', 'PasswordAuthentication no', 'PidFile none', ''],
    ].join('\n'),
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  if (dmi !== undefined) {
    mkdirSync(join(root, 'sys/class/dmi/id'), { recursive: true });
    writeFileSync(join(root, 'sys/class/dmi/id/product_serial'), `${dmi.serial}\n`);
    writeFileSync(join(root, 'sys/class/dmi/id/product_uuid'), `${dmi.uuid}\n`);
  }
  sh('chmod 755 etc/init.d/* && ln -s ../init.d/app etc/rc3.d/S20app');

  let process: ChildProcess | undefined;
  const boot = async (): Promise<void> => {
    rmSync(join(root, 'run/app.pid'), { force: true });
    // Its root is a file system of its own to it, and the disks of the computer underneath are none of it.
    const starts =
      'mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --bind "$1/etc/partitions" "$1/proc/partitions" && exec chroot "$1" /sbin/init';
    const child = spawn(
      'setpriv',
      [
        '--pdeathsig',
        'KILL',
        '--',
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        '--kill-child',
        'sh',
        '-ec',
        starts,
        'sh',
        root,
      ],
      { stdio: 'ignore', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
    );
    process = child;
    await untilItListens(port, child);
  };
  const shutDown = async (): Promise<void> => {
    const child = process;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    signal(child.pid, 'SIGKILL');
    await ended;
    while (await greets(port)) await pause(20);
  };
  const on = (): boolean => process !== undefined && process.exitCode === null && process.signalCode === null;
  const init = (): number | undefined => (on() ? descendants(process?.pid ?? 0).at(-1) : undefined);
  /** Its init hears it as `poweroff` says it there. */
  const askToEnd = async (): Promise<void> => {
    const pid = init();
    if (pid !== undefined) signal(pid, 'SIGUSR2');
  };
  const stop = async (): Promise<void> => {
    await shutDown();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    await boot();
  } catch (error) {
    await stop();
    throw error;
  }
  const hostKey = readFileSync(join(root, 'etc/host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ').trim();
  return {
    ...{ port, root, hostKeys: [hostKey], userKey, stop },
    reboot: async () => {
      await shutDown();
      await boot();
    },
    inside: (script) => {
      execFileSync('nsenter', ['-t', String(init()), '-m', '-p', 'sh', '-ec', script, 'sh', root], { stdio: 'pipe' });
    },
    power: {
      get: async () => (on() ? 'on' : 'off'),
      set: async (want, how) => {
        if (want === 'on') await (on() ? undefined : boot());
        else if (how === 'soft') await askToEnd();
        else await shutDown();
      },
    },
  };
}

/** Copies a program with every library that it is linked with. */
function withLibraries(program: string, root: string): void {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  for (const path of [program, ...[...listed.matchAll(/(\/\S+) \(0x/g)].map((found) => found[1] ?? '')]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    cpSync(path, join(root, path), { dereference: true });
  }
}

async function untilItListens(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 240_000;
  while (!(await greets(port))) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('the BusyBox host did not come up');
    await pause(50);
  }
}

/** Whether sshd itself answers. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk.toString().startsWith('SSH-'));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
