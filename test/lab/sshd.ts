import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env as ownEnvironment } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { poll } from './poll.ts';

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa' | 'dsa';

export interface SshdOptions {
  /** The account to log in to; default root. */
  readonly user?: string;
  /** Types of host keys; default ed25519 only. */
  readonly keys?: readonly KeyType[];
  /** Type of the key that the account accepts; default ed25519. */
  readonly login?: KeyType;
  /** Where it listens; default 127.0.0.1. */
  readonly address?: string;
  /** The network namespace that it runs in; default this process's own. */
  readonly netns?: string;
  /** Lines added to sshd_config; the first of a keyword counts. */
  readonly config?: readonly string[];
  /** Default: a free port. */
  readonly port?: number;
  /** Whether `~/.ssh/authorized_keys` of the account counts as well. */
  readonly homeKeys?: boolean;
  /** A PATH for the programs that are run. */
  readonly path?: string;
  /** Variables for sshd itself, besides this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Sshd {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly folder: string;
  /** `ssh-ed25519 AAAA…`, one for each host key. */
  readonly hostKeys: readonly string[];
  /** A private key that the account accepts. */
  readonly userKey: string;
  readonly knownHosts: string;
  readonly pid: number;
  /** The processes that serve connections now. */
  sessions(): readonly number[];
  stop(): Promise<void>;
}

/**
 * For `SetEnv`: bash, begun by sshd, reads `~/.bashrc` only if no shell began it. What root has in that of this computer is no part of a test: it may take
 * a second for each command, and leave a lock behind that the next ones wait for when a test cuts its connection.
 */
export const plainShell = 'SHLVL=1';

/** An account that a test made has its own start-up files. */
function setEnv(user: string, path: string | undefined): readonly string[] {
  const set = [...(user === 'root' ? [plainShell] : []), ...(path === undefined ? [] : [`PATH=${path}`])];
  return set.length === 0 ? [] : [`SetEnv ${set.join(' ')}`];
}

/** A real OpenSSH server of this machine with its own port, keys and configuration, on 127.0.0.1 only. Needs root. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'decom-sshd-'));
  const address = options.address ?? '127.0.0.1';
  const port = options.port ?? (await freePort());
  const user = options.user ?? 'root';
  const types = options.keys ?? ['ed25519'];
  chmodSync(folder, 0o755);
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  for (const type of types) keygen(type, join(folder, `host_${type}`));
  const userKey = join(folder, 'user');
  keygen(options.login ?? 'ed25519', userKey);
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(`${userKey}.pub`));
  const hostKeys = types.map((type) =>
    readFileSync(join(folder, `host_${type}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ')
      .trim(),
  );
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, hostKeys.map((key) => `[${address}]:${port} ${key}\n`).join(''));
  writeFileSync(
    join(folder, 'sshd_config'),
    [
      ...(options.config ?? []),
      `Port ${port}`,
      `ListenAddress ${address}`,
      ...types.map((type) => `HostKey ${join(folder, `host_${type}`)}`),
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}${options.homeKeys === true ? ' .ssh/authorized_keys' : ''}`,
      `PidFile ${join(folder, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin yes',
      'MaxStartups 200',
      'LogLevel ERROR',
      ...setEnv(user, options.path),
      '',
    ].join('\n'),
  );
  // setpriv becomes sshd; a test that is killed takes its server with it.
  const inside = options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns];
  const [program = '', ...words] = [...inside, 'setpriv', '--pdeathsig', 'TERM', '--', '/usr/sbin/sshd'];
  const process = spawn(program, [...words, '-D', '-e', '-f', join(folder, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...ownEnvironment, ...options.environment },
  });
  const said: string[] = [];
  process.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const pid = process.pid;
  if (pid === undefined) throw new Error('sshd did not start');
  if (options.netns === undefined) await untilItListens(address, port, process, said);
  else await poll('sshd to have written its number', () => (existsSync(join(folder, 'pid')) ? true : undefined));
  return {
    address,
    port,
    user,
    folder,
    hostKeys,
    userKey,
    knownHosts,
    pid,
    sessions: () => descendants(pid),
    stop: async () => {
      for (const child of [...descendants(pid), pid]) signal(child, 'SIGKILL');
      if (process.exitCode === null && process.signalCode === null) {
        await new Promise((resolve) => process.once('exit', resolve));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A TCP port of 127.0.0.1 that nothing used a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Makes a key pair without passphrase, or with one. */
export function keygen(type: KeyType, file: string, passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file]);
}

/** All processes below one, deepest first. */
export function descendants(pid: number): readonly number[] {
  const rows = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.filter(([, p]) => p === parent).flatMap(([child]) => (child === undefined ? [] : [...below(child), child]));
  return below(pid);
}

/** Signals a process that may have ended meanwhile. */
export function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function untilItListens(
  address: string,
  port: number,
  child: ChildProcess,
  said: readonly string[],
): Promise<void> {
  const deadline = Date.now() + 240_000;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`sshd did not start: ${said.join('')}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, address);
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await pause(20);
  }
}
