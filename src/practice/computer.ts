import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askInitProgram, type InitLine, startInitLine } from './init-line.ts';
import { newKeyPair } from './key-pair.ts';
import { writePracticeData } from './practice-data.ts';
import { killProcesses, marker, processesOf } from './processes.ts';
import { type SshServer, startSshServer } from './ssh-server.ts';
import { type PracticeIdentity, quoted, surveyProgram, writeStandIns } from './stand-ins.ts';
import { mountInfo, type PracticeMount, storageAnswers } from './storage-answers.ts';
import { surveyAnswers } from './survey-answers.ts';
import { complained, type Printed, printed, systemctl } from './systemctl.ts';
import { createUnits, type UnitDefinition, type UnitState } from './units.ts';

/** A computer of ordinary processes: how to log in, what is on it, and its power. */
export interface Computer {
  readonly identity: PracticeIdentity;
  readonly ssh: {
    readonly address: string;
    readonly port: number;
    readonly user: string;
    /** `ssh-ed25519 AAAA…` */
    readonly hostKey: string;
    /** The private key that may log in (0600). */
    readonly identityFile: string;
  };
  /** Absolute folders on it that hold something of value. */
  readonly folders: readonly string[];
  /** The file that app.service writes to as long as it runs. */
  readonly journal: string;
  readonly units: readonly string[];
  readonly power: {
    get(): Promise<'on' | 'off'>;
    /** Returns when it has happened. */
    set(want: 'on' | 'off', how: 'soft' | 'hard'): Promise<void>;
  };
  unit(name: string): UnitState | undefined;
  /** From now on a folder of it (its whole path) counts as a file system of its own, with so many bytes in it. */
  mount(at: string, used: number): void;
  /** Pids of everything that runs on it. */
  processes(): Promise<readonly number[]>;
  /** Cuts the power and waits for the end. The folder stays. */
  close(): Promise<void>;
}

const user = 'root';
const units = (journal: string): readonly UnitDefinition[] => [
  { unit: 'app.service', description: 'The application of the practice machine', argv: writer(journal) },
  { unit: 'app-watch.timer', description: 'Starts the application again', triggers: 'app.service' },
  { unit: 'web.service', description: 'The web front end of the practice machine', argv: idler },
];

/**
 * Starts a computer on 127.0.0.1: a real SSH server and shell over real files below `folder` (which must be empty or absent), and
 * services that really run. All of it runs as the present user, its paths are real paths, and nothing outlives this process.
 */
export async function startComputer(options: { readonly folder: string }): Promise<Computer> {
  const { folder } = options;
  const disk = join(folder, 'machine');
  const bin = join(folder, 'stand-ins');
  const home = join(disk, 'root');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const data = writePracticeData(disk);

  const identity: PracticeIdentity = {
    name: 'practice',
    serial: `PR${randomBytes(3).toString('hex').toUpperCase()}`,
    uuid: randomUUID(),
    machineId: randomBytes(16).toString('hex'),
  };
  const hostKey = newKeyPair('practice host');
  const userKey = newKeyPair('practice');
  const identityFile = join(folder, 'practice_key');
  writeFileSync(identityFile, userKey.private, { mode: 0o600 });

  const mounts: PracticeMount[] = [];
  const mark = randomUUID();
  const groups = new Set<number>();
  const environment = {
    PATH: `${bin}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    HOME: home,
    // What a host keeps of a run is kept with the practice machine, not among the files of the real one.
    DECOM_JOBS: join(home, '.decom', 'run'),
    DECOM_NETWORK: join(home, '.decom', 'network'),
    DECOM_CLAIM: join(home, '.decom', 'claim'),
    // The computer underneath has other services and sockets.
    DECOM_SURVEY: join(bin, surveyProgram),
    USER: user,
    LOGNAME: user,
    SHELL: '/bin/sh',
    [marker]: mark,
  };
  const started = (group: number): void => {
    groups.add(group);
  };
  const manager = createUnits({ units: units(data.journal), environment, directory: home, started });
  const key = randomBytes(16).toString('hex');

  let on: { readonly ssh: SshServer; readonly init: InitLine } | undefined;
  let bootId = '';
  let changing: Promise<void> = Promise.resolve();
  let sshPort = 0;

  const boot = async (): Promise<void> => {
    if (on !== undefined) return;
    const init = await startInitLine(key, 0, answer);
    const askInit = askInitProgram(key, init.port);
    bootId = randomUUID();
    writeStandIns({ folder: bin, identity, bootId, askInit });
    manager.boot();
    const ssh = await startSshServer({
      hostKey: hostKey.private,
      user,
      userKey: userKey.public,
      home,
      environment,
      started,
      port: sshPort,
    });
    sshPort = ssh.port;
    on = { ssh, init };
  };

  const cut = async (): Promise<void> => {
    if (on === undefined) return;
    const { ssh, init } = on;
    manager.powerLost();
    await Promise.all([ssh.cut(), init.cut(), killProcesses(groups, mark)]);
    groups.clear();
    on = undefined;
  };

  /** One change of power after the other; only a hard cut does not wait. */
  const set = (want: 'on' | 'off', how: 'soft' | 'hard'): Promise<void> => {
    if (want === 'on') changing = changing.then(boot);
    else if (how === 'hard') changing = Promise.all([changing, cut()]).then(cut);
    else changing = changing.then(() => (on === undefined ? undefined : manager.shutdown().then(cut)));
    return changing;
  };

  /** Programs that were put through: a power verb takes effect after it was answered, as on a real machine. */
  const answer = async (program: string, argv: readonly string[]): Promise<Printed> => {
    const verb = program === 'systemctl' ? argv.find((word) => !word.startsWith('-')) : program;
    const words = argv.filter((word) => /^[0-9A-Za-z]/.test(word));
    if (verb === 'poweroff' || verb === 'halt' || verb === 'shutdown' || (verb?.endsWith('init') && words[0] === '0')) {
      setTimeout(() => void set('off', 'soft'), 50);
      return printed('');
    }
    if (verb === 'reboot' || (verb?.endsWith('init') && words[0] === '6')) {
      setTimeout(() => void set('off', 'soft').then(() => set('on', 'soft')), 50);
      return printed('');
    }
    if (program === surveyProgram) {
      if (argv[1] === 'storage') return printed(storageAnswers(identity.serial, mounts));
      if (argv[1] === 'mounts') return printed(`${mountInfo(mounts).join('\n')}\n`);
      const pids = await processesOf(groups, mark);
      return printed(surveyAnswers({ identity, bootId, units: manager.all(), pids, connection: argv[0] ?? '' }));
    }
    if (program !== 'systemctl') return complained(`${program}: not on the practice machine`, 1);
    return systemctl(argv, manager);
  };

  await boot();
  return {
    identity,
    ssh: { address: '127.0.0.1', port: sshPort, user, hostKey: publicKey(hostKey.public), identityFile },
    folders: data.folders,
    journal: data.journal,
    units: manager.all().map((state) => state.definition.unit),
    power: { get: async () => (on === undefined ? 'off' : 'on'), set },
    unit: (name) => manager.get(name),
    mount: (at, used) => void mounts.push({ device: `/dev/practice${mounts.length + 1}`, at, used }),
    processes: () => processesOf(groups, mark),
    close: () => set('off', 'hard'),
  };
}

/** The type and the key, without a comment. */
const publicKey = (text: string): string => text.trim().split(/\s+/).slice(0, 2).join(' ');

/** Writes an order every fifth of a second until it is told to stop, or the process that plays the machine is gone. */
const writer = (journal: string): readonly string[] => [
  '/bin/sh',
  '-c',
  `trap 'echo "stopped in order" >> ${quoted(journal)}; exit 0' TERM
n=0
while kill -0 ${process.pid} 2>/dev/null; do
  n=$((n + 1))
  echo "order $n" >> ${quoted(journal)}
  { sleep 0.2 2>/dev/null || sleep 1; } & wait $!
done`,
];

const idler: readonly string[] = ['/bin/sh', '-c', `while kill -0 ${process.pid} 2>/dev/null; do sleep 1; done`];
