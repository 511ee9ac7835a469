import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Vm } from './vm.ts';

const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));

/** How a call of the built program ended. `code` is null where a signal ended it. */
export interface Called {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A call that goes on: `ended` never rejects. */
export interface Calling {
  readonly child: ChildProcess;
  readonly ended: Promise<Called>;
}

/** A workspace in a temporary folder, whose one host `web01` is a virtual machine. */
export interface VmWorkspace {
  readonly folder: string;
  /** The home folder of whoever calls the program. */
  readonly home: string;
  /** Where the copies go. */
  readonly vault: string;
  readonly state: string;
  /** Runs the built program there, without a terminal, with an empty home folder. */
  decom(...argv: readonly string[]): Promise<Called>;
  start(...argv: readonly string[]): Calling;
  /** Lines of the log of its one real run, parsed; empty before there is one. */
  log(): readonly LogLine[];
  /** Ends what still runs there, and removes it. */
  remove(): void;
}

/** What the tests look at in a line of the log. */
export interface LogLine {
  readonly type: string;
  readonly seq: number;
  readonly step?: string;
  readonly attempt?: number;
  readonly n?: number;
  readonly operation?: { readonly kind: string; readonly argv?: readonly string[] };
  readonly outcome?: string;
  readonly by?: string;
  readonly receipt?: { readonly [key: string]: unknown };
  readonly exit?: number;
}

export function vmWorkspace(vm: Vm, runbook: (vault: string) => string): VmWorkspace {
  const folder = mkdtempSync(join(tmpdir(), 'decom-lab-'));
  const [vault, state, home] = [join(folder, 'vault'), join(folder, 'state'), join(folder, 'home')];
  for (const path of [vault, home, join(folder, 'runbooks')]) mkdirSync(path);
  writeFileSync(join(folder, 'decom.yaml'), 'decom: 1\nstate: state\n');
  writeFileSync(join(folder, 'runbooks', 'retire.yaml'), runbook(vault));
  writeFileSync(join(folder, 'hosts.yaml'), inventory(vm, folder));
  const { PATH, TMPDIR } = process.env;
  const env = { PATH, HOME: home, ...(TMPDIR === undefined ? {} : { TMPDIR }) };

  const children: ChildProcess[] = [];
  const start = (...argv: readonly string[]): Calling => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, bin, ...argv], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
        said[stream] += chunk;
      });
    }
    const ended = new Promise<Called>((resolve) => {
      child.once('error', (error) => resolve({ code: null, stdout: said.stdout, stderr: String(error) }));
      child.once('close', (code) => resolve({ code, ...said }));
    });
    return { child, ended };
  };

  return {
    folder,
    home,
    vault,
    state,
    start,
    decom: (...argv) => start(...argv).ended,
    log: () => {
      const path = logFile(state);
      if (path === undefined) return [];
      const lines = readFileSync(path, 'utf8').split('\n');
      return lines.slice(0, -1).map((line) => JSON.parse(line) as LogLine);
    },
    remove: () => {
      for (const child of children) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function logFile(state: string): string | undefined {
  const runs = join(state, 'runs', 'web01');
  try {
    const [run] = readdirSync(runs);
    const path = join(runs, run ?? '', 'audit.jsonl');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Every value comes from those who made the machine; quoted as JSON, which is YAML. */
function inventory(vm: Vm, folder: string): string {
  const q = (value: unknown): string => JSON.stringify(value);
  const lines = [
    'hosts:',
    '  web01: # a comment that has to stay',
    `    addresses: [${q(vm.address)}]`,
    `    serial: ${q(vm.identity.serial)}`,
    `    uuid: ${q(vm.identity.uuid)}`,
    `    machine_id: ${q(vm.machineId)}`,
    ...(vm.disks.size === 0 ? [] : [`    disks: ${q([...vm.disks.keys()].map((serial) => ({ serial })))}`]),
    '    owner: web team',
    '    ssh:',
    '      user: decom',
    `      port: ${vm.sshPort}`,
    `      identity_files: [${q(vm.key)}]`,
    `      known_hosts: ${q(vm.knownHosts)}`,
    `      host_keys: ${q(vm.hostKeys)}`,
    '      sudo: true',
  ];
  if (vm.bmc !== null) {
    const password = join(folder, 'bmc-password');
    writeFileSync(password, `${vm.bmc.password}\n`, { mode: 0o600 });
    lines.push(
      '    bmc:',
      '      kind: ipmi',
      '      address: 127.0.0.1',
      `      port: ${vm.bmc.port}`,
      `      user: ${q(vm.bmc.user)}`,
      `      password: { file: ${q(password)} }`,
      `      guid: ${q(vm.identity.uuid)}`,
      '      spacing: 1s',
    );
  }
  return `${lines.join('\n')}\n`;
}
