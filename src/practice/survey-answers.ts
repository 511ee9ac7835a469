import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { PracticeIdentity } from './stand-ins.ts';
import type { UnitState } from './units.ts';

/** What a practice machine tells of itself when it is surveyed. */
export interface Surveyed {
  readonly identity: PracticeIdentity;
  readonly bootId: string;
  readonly units: readonly UnitState[];
  /** What runs on it. */
  readonly pids: readonly number[];
  /** The connection that asks, as sshd tells it: `PEER PORT HERE PORT`. */
  readonly connection: string;
}

export type Source = readonly [name: string, lines: readonly string[]];

/**
 * The whole answer to the survey, framed as its script does it: the practice machine's own identity, services, processes and sockets, of which the
 * computer underneath has many more. One process answers for all sources, as a plan is made often on a practice machine. A source that is not here is absent.
 */
export function surveyAnswers({ identity, bootId, units, pids, connection }: Surveyed): string {
  const { name, serial, uuid, machineId } = identity;
  const ofKind = (...kinds: readonly string[]): readonly UnitState[] =>
    units.filter(({ definition }) => kinds.some((kind) => definition.unit.endsWith(kind)));
  const sources: readonly Source[] = [
    [
      'facts',
      [
        `serial ${serial}`,
        `uuid ${uuid}`,
        'vendor decom',
        'product Practice Machine',
        `machine_id ${machineId}`,
        `boot_id ${bootId}`,
        `hostname ${name}`,
        'init systemd',
        'kernel Practice 1 practice',
        'manager systemd',
        'processors 1',
        `loadavg ${firstLine('/proc/loadavg') ?? '0.00 0.00 0.00'}`,
        `own ${connection}`,
      ],
    ],
    ['os', ['ID=practice', 'PRETTY_NAME="Practice Linux 1"', 'VERSION_ID=1']],
    [
      'dmi',
      [
        '# dmidecode 3.4',
        'Handle 0x0100, DMI type 1, 27 bytes',
        'System Information',
        '\tManufacturer: decom',
        '\tProduct Name: Practice Machine',
        `\tSerial Number: ${serial}`,
        `\tUUID: ${uuid}`,
      ],
    ],
    [
      'units',
      ofKind('.service', '.socket').map(
        (s) => `${s.definition.unit} loaded ${s.active} ${s.sub} ${s.definition.description}`,
      ),
    ],
    ['unitfiles', ofKind('.service', '.socket').map((s) => `${s.definition.unit} ${s.enabled}`)],
    [
      'timers',
      ofKind('.timer').flatMap(({ definition }) => [
        `Id=${definition.unit}`,
        `Unit=${definition.triggers ?? ''}`,
        'NextElapseUSecRealtime=',
        'LastTriggerUSec=',
        '',
      ]),
    ],
    ['net', socketsAt(Number(connection.split(' ')[3]))],
    ['holders', [`${process.pid} ${ownSockets().join(' ')} sshd`]],
    ['addresses', ['1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536', '1: lo    inet 127.0.0.1/8 scope host lo']],
    ['mounts', ['/dev/practice0 / ext4 rw,relatime 0 0']],
    [
      'lsblk',
      [
        `NAME="practice0" KNAME="practice0" PKNAME="" TYPE="disk" SIZE="10737418240" ROTA="0" TRAN="" SERIAL="${serial}-D0" WWN="" MODEL="Practice Disk" FSTYPE="ext4"`,
      ],
    ],
    [
      'processes',
      pids.flatMap((pid) => {
        const comm = firstLine(`/proc/${pid}/comm`);
        return comm === undefined ? [] : [`${pid} ${comm}`];
      }),
    ],
    ...[
      ...['scripts', 'routes', 'who', 'logind', 'terminals', 'passwd', 'last', 'cron', 'servers', 'nfs', 'iscsi'],
    ].map((empty): Source => [empty, []]),
  ];
  return `decom survey 1 0\n${sources.map(framed).join('')}decom survey end\n`;
}

/** A source as the script of the survey tells it. */
export const framed = ([name, lines]: Source): string =>
  [`<${name}`, ...lines.map((line) => `${name}|${line}`), `${name}|%exit 0`, `>${name}`, ''].join('\n');

const firstLine = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').split('\n')[0];
  } catch {
    return undefined;
  }
};

/** The sockets of the SSH server, as the kernel lists them; none where there is no /proc. */
function socketsAt(port: number): readonly string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let table: string;
  try {
    table = readFileSync('/proc/net/tcp', 'utf8');
  } catch {
    return [];
  }
  return table
    .split('\n')
    .filter((line, at) => at === 0 || line.trim().split(/\s+/)[1]?.endsWith(local))
    .map((line) => `tcp ${line}`);
}

/** The inodes of the sockets of this process, which plays the SSH server. */
function ownSockets(): readonly string[] {
  let open: readonly string[];
  try {
    open = readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
  return open.flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
    } catch {
      // It was closed between the listing and the look.
      return [];
    }
  });
}
