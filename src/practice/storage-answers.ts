import { framed } from './survey-answers.ts';

/** A further file system of a practice machine: a folder of it that counts as one of its own. */
export interface PracticeMount {
  /** `/dev/practice1` */
  readonly device: string;
  readonly at: string;
  /** Bytes in it. */
  readonly used: number;
}

/** What the kernel of a practice machine says is mounted, in the words of /proc/self/mountinfo. */
export const mountInfo = (mounts: readonly PracticeMount[]): readonly string[] => [
  '20 1 8:0 / / rw,relatime - ext4 /dev/practice0 rw',
  ...mounts.map(({ device, at }, i) => {
    const around = mounts.filter((one) => at.startsWith(`${one.at}/`)).sort((a, b) => b.at.length - a.at.length)[0];
    const parent = around === undefined ? 20 : 21 + mounts.indexOf(around);
    return `${21 + i} ${parent} 8:${16 * (i + 1)} / ${escaped(at)} rw,relatime - ext4 ${device} rw`;
  }),
];

/** The whole answer to the question which file systems a practice machine has, framed as its script does it. */
export function storageAnswers(serial: string, mounts: readonly PracticeMount[]): string {
  const disk = (name: string, at: string, n: number): string =>
    `NAME="${name}" KNAME="${name}" PKNAME="" TYPE="disk" SIZE="10737418240" FSTYPE="ext4" UUID="" MOUNTPOINT="${at}" SERIAL="${serial}-D${n}"`;
  return [
    'decom survey 1 0\n',
    framed(['mounts', mountInfo(mounts)]),
    framed([
      'df',
      [
        'Filesystem 1024-blocks Used Available Capacity Mounted on',
        '/dev/practice0 10485760 2097152 8388608 20% /',
        ...mounts.map(({ device, at, used }) => `${device} 10485760 ${Math.ceil(used / 1024)} 8388608 20% ${at}`),
      ],
    ]),
    framed([
      'lsblk',
      [disk('practice0', '/', 0), ...mounts.map(({ device, at }, i) => disk(device.slice('/dev/'.length), at, i + 1))],
    ]),
    'decom survey end\n',
  ].join('');
}

/** As the kernel writes a path. */
const escaped = (path: string): string =>
  path.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
