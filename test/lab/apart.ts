import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { runbook } from '../faults/bench.ts';
import type { Ended } from '../faults/program.ts';
import { plainShell, type Sshd, signal, startSshd } from './sshd.ts';

const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));

/** Where each of the three is, on the line that leads to it. */
export const addresses = {
  control: '192.0.2.2',
  otherControl: '192.0.2.3',
  host: '192.0.2.1',
  hostToUsers: '198.51.100.1',
  user: '198.51.100.2',
  host6: '2001:db8::1',
  user6: '2001:db8::2',
} as const;

export type Way = 'nft' | 'iptables' | 'iptables-legacy';

/** A host with a line to decom and another to those who use it, each in a network namespace of its own. */
export interface Apart {
  readonly folder: string;
  readonly sshd: Sshd;
  /** Writes the only runbook, and makes `plan.json`. */
  plan(steps: string): Promise<void>;
  /** Holds up whoever tells the host that decom came back; call what is returned to let it go. */
  holdConfirm(): () => void;
  /** Holds up whoever watches the host between two looks; call what is returned to let it go. */
  holdLooks(): () => void;
  /** The built program, where decom is; `from` is one of its addresses. */
  start(...args: readonly string[]): { readonly ended: Promise<Ended>; said(): string; kill(): void };
  decom(...args: readonly string[]): Promise<Ended>;
  /** Runs a program on the host, as somebody at its console. */
  onHost(...argv: readonly string[]): string;
  /** One that runs there until the test ends it. */
  stayingOnHost(...argv: readonly string[]): ChildProcess;
  /** Whether a connection to port 7 of the host is answered, from where users are: over IPv4 and IPv6. */
  answers(to?: string): boolean;
  /** A connection of a user that is held open, and speaks when asked to. */
  hold(to?: string): Promise<{ echoes(within: number): Promise<boolean>; end(): void }>;
  /** A program where users are, which runs until the test ends it, or is over. */
  asUser(...argv: readonly string[]): ChildProcess;
  /** New connections of decom come from its other address from the moment in which the host is cut off. */
  moveAtTheCut(): void;
  inControl(...argv: readonly string[]): string;
}

/** Makes them for one test, and removes them after it. Needs root. */
export async function apart(way: Way): Promise<Apart> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-apart-')));
  const ns = {
    control: `decom-c-${process.pid}`,
    host: `decom-h-${process.pid}`,
    user: `decom-u-${process.pid}`,
  };
  const ip = (...args: readonly string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
  const ends: (() => Promise<void> | void)[] = [];
  onTestFinished(async () => {
    for (const end of ends.reverse()) await end();
  });
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of Object.values(ns)) {
    ip('netns', 'add', name);
    ends.push(() => {
      for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) signal(Number(pid), 'SIGKILL');
      ip('netns', 'delete', name);
    });
  }
  const line = (
    [a, aEnd]: readonly [string, string],
    [b, bEnd]: readonly [string, string],
    given: readonly (readonly [string, string, string])[],
  ): void => {
    ip('-n', a, 'link', 'add', aEnd, 'type', 'veth', 'peer', 'name', bEnd, 'netns', b);
    for (const [of, end, address] of given) {
      ip('-n', of, 'address', 'add', address, 'dev', end, ...(address.includes(':') ? ['nodad'] : []));
    }
    ip('-n', a, 'link', 'set', aEnd, 'up');
    ip('-n', b, 'link', 'set', bEnd, 'up');
  };
  for (const name of Object.values(ns)) ip('-n', name, 'link', 'set', 'lo', 'up');
  line(
    [ns.host, 'mgmt'],
    [ns.control, 'line'],
    [
      [ns.host, 'mgmt', `${addresses.host}/24`],
      [ns.control, 'line', `${addresses.control}/24`],
      [ns.control, 'line', `${addresses.otherControl}/24`],
    ],
  );
  line(
    [ns.host, 'service'],
    [ns.user, 'line'],
    [
      [ns.host, 'service', `${addresses.hostToUsers}/24`],
      [ns.user, 'line', `${addresses.user}/24`],
      [ns.host, 'service', `${addresses.host6}/64`],
      [ns.user, 'line', `${addresses.user6}/64`],
    ],
  );

  const standIns = join(folder, 'bin');
  mkdirSync(standIns);
  const put = (name: string, text: string): void =>
    writeFileSync(join(standIns, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  put(
    'dmidecode',
    'case $2 in system-serial-number) echo APART-1 ;; *) echo a1234567-89ab-4def-8123-456789abcdef ;; esac',
  );
  put('hostnamectl', 'echo "Machine ID: 0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c"');
  if (way !== 'nft') put('nft', 'exit 1');
  if (way === 'iptables-legacy') {
    for (const one of ['iptables', 'iptables-restore', 'ip6tables', 'ip6tables-restore']) {
      put(one, `exec /usr/sbin/xtables-legacy-multi ${one} "$@"`);
    }
  }
  const kept = `DECOM_NETWORK=${folder}/isolation DECOM_CLAIM=${folder}/claim DECOM_JOBS=${folder}/jobs`;
  const sshd = await startSshd({
    netns: ns.host,
    address: '0.0.0.0',
    port: 22,
    config: [`SetEnv ${plainShell} PATH=${standIns}:/usr/sbin:/usr/bin:/sbin:/bin ${kept}`],
  });
  ends.push(() => sshd.stop());
  // Answers each line with itself, on both families.
  const service = spawn(
    'ip',
    [
      ...['netns', 'exec', ns.host, process.execPath, '-e'],
      "require('node:net').createServer((s) => { s.on('error', () => {}); s.pipe(s) }).listen(7, '::', () => console.log('up'))",
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise((resolve) => service.stdout.once('data', resolve));

  writeFileSync(join(folder, 'decom.yaml'), 'decom: 1\nstate: ./state\n');
  writeFileSync(
    join(folder, 'hosts.yaml'),
    `hosts:
  web01:
    addresses: [${addresses.host}]
    serial: "APART-1"
    uuid: a1234567-89ab-4def-8123-456789abcdef
    machine_id: 0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c
    ssh: { user: root, port: 22, identity_files: [${sshd.userKey}], host_keys: ["${sshd.hostKeys[0]}"], config: none }
`,
  );
  mkdirSync(join(folder, 'runbooks'));
  const running = new Set<number>();
  const inside = (name: string, argv: readonly string[], options: SpawnOptions = {}) => {
    const child = spawn('ip', ['netns', 'exec', name, ...argv], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const { pid } = child;
    if (pid !== undefined) {
      running.add(pid);
      child.once('close', () => running.delete(pid));
    }
    return child;
  };
  const start: Apart['start'] = (...args) => {
    const child = inside(ns.control, [process.execPath, bin, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    return {
      ended: new Promise((resolve) => child.once('close', (code, by) => resolve({ code, signal: by, stdout, stderr }))),
      said: () => stdout + stderr,
      kill: () => child.kill('SIGKILL'),
    };
  };
  const onHost: Apart['onHost'] = (...argv) =>
    execFileSync('ip', ['netns', 'exec', ns.host, ...argv], {
      encoding: 'utf8',
      env: { PATH: `${standIns}:${process.env.PATH ?? ''}:/usr/sbin`, DECOM_NETWORK: join(folder, 'isolation') },
    });
  return {
    folder,
    sshd,
    plan: async (steps) => {
      writeFileSync(join(folder, 'runbooks', 'apart.yaml'), runbook(steps));
      const { code, stdout, stderr } = await start('plan', 'web01', '-o', 'plan.json').ended;
      if (code !== 0) throw new Error(`no plan: ${stdout}${stderr}`);
    },
    holdConfirm: () => {
      const held = join(folder, 'held');
      writeFileSync(held, '');
      put('ln', `case $1 in */by-decom-*) while [ -e ${held} ]; do sleep 0.1; done ;; esac\nexec /usr/bin/ln "$@"`);
      return () => rmSync(held);
    },
    holdLooks: () => {
      const held = join(folder, 'held-looks');
      writeFileSync(held, '');
      put('sleep', `while [ -e ${held} ]; do /usr/bin/sleep 0.1; done\nexec /usr/bin/sleep "$@"`);
      return () => rmSync(held);
    },
    start,
    decom: (...args) => start(...args).ended,
    onHost,
    stayingOnHost: (...argv) => inside(ns.host, argv),
    answers: (to = addresses.hostToUsers) => {
      try {
        execFileSync('ip', ['netns', 'exec', ns.user, process.execPath, '-e', ask, to], { stdio: 'ignore' });
        return true;
      } catch {
        return false;
      }
    },
    asUser: (...argv) => inside(ns.user, argv, { stdio: ['pipe', 'pipe', 'pipe'] }),
    hold: async (to = addresses.hostToUsers) => {
      const child = inside(ns.user, [process.execPath, '-e', holding, to], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const heard = (): Promise<unknown> => new Promise((resolve) => child.stdout?.once('data', resolve));
      await heard();
      return {
        echoes: async (within) => {
          const answer = heard().then(() => true);
          child.stdin?.write('hello\n');
          let timer: NodeJS.Timeout | undefined;
          const late = new Promise<boolean>((resolve) => {
            timer = setTimeout(() => resolve(false), within);
          });
          const came = await Promise.race([answer, late]);
          clearTimeout(timer);
          return came;
        },
        end: () => child.kill('SIGKILL'),
      };
    },
    moveAtTheCut: () => {
      // The rules are loaded while the way changes: what is there stays, what is new comes from elsewhere.
      const move = `ip netns exec ${ns.control} ip route change 192.0.2.0/24 dev line src ${addresses.otherControl}`;
      put('nft', `case "$*" in '-f -') ${move} ;; esac\nexec /usr/sbin/nft "$@"`);
    },
    inControl: (...argv) => execFileSync('ip', ['netns', 'exec', ns.control, ...argv], { encoding: 'utf8' }),
  };
}

/** Connects and wants its line back within two seconds. */
const ask = `
const s = require('node:net').connect(7, process.argv[1], () => s.write('hello'));
s.on('data', () => process.exit(0));
s.on('error', () => process.exit(1));
setTimeout(() => process.exit(1), 2000);`;

/** Keeps one connection, and tells what comes back of what it is given. */
const holding = `
const s = require('node:net').connect(7, process.argv[1], () => s.write('first'));
s.pipe(process.stdout);
process.stdin.pipe(s);
s.on('error', () => {});`;
