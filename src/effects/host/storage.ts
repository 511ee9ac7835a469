import type { ProbeHandlers } from '../../core/action.ts';
import { holds, kindOf } from '../../core/file-system-kinds.ts';
import { type Mount, mountedOf, readMounts } from '../../core/mounts.ts';
import type { Machine } from '../../core/ports.ts';
import { printable } from '../../core/printable.ts';
import type { FileSystem, StorageSeen } from '../../core/probe.ts';
import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { withoutRoot } from './identity.ts';
import { lastLines, plainText } from './plain-text.ts';
import { storageScript } from './storage-script.ts';
import { type Answers, clean, linesOf, readAnswers, rowsOf, strangeLines } from './survey-answers.ts';
import { type Pairs, pairsOf, sizesOf } from './survey-storage.ts';

/** `host.storage`: one command, as root where that is allowed. Known only where mounts and devices were read to the last line. */
export const storageProbe =
  (machine: Machine, patience = 60_000): ProbeHandlers['host.storage'] =>
  async () => {
    const argv = ['sh', '-c', storageScript];
    const options = { limit: 1 << 20, signal: AbortSignal.timeout(patience) };
    let asked = await machine.exec({ argv, root: true }, options);
    let noRoot: Trouble | undefined;
    if (!asked.ok && withoutRoot.includes(asked.error.code)) {
      noRoot = asked.error;
      asked = await machine.exec({ argv, root: false }, options);
    }
    if (!asked.ok) return unseen(asked.error);
    const { ended, stdout, stderr } = asked.value;
    const answers = readAnswers(stdout, machine.name, noRoot);
    if (answers !== undefined) return storageOf(answers);
    if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
    return unseen(
      trouble(
        'no-answer',
        `${machine.name} did not tell its file systems`,
        'Check that its sh works.',
        lastLines(plainText(stderr), 5),
      ),
    );
  };

/** Puts mounts, sizes and devices together. */
export function storageOf(answers: Answers): Seen<StorageSeen> {
  const lacks: Trouble[] = [];
  const { mounts, strange } = readMounts(linesOf(answers, 'mounts', lacks).join('\n'));
  lacks.push(...strangeLines(answers, 'mounts', strange));
  if (!mounts.some(({ target }) => target === '/') && lacks.length === 0) lacks.push(noMounts(answers.host));
  // How much is in one stops nobody; that it is there does.
  const sizes = sizesOf(answers, []);
  const mounted = mountedOf(mounts).flatMap(({ id, source, type, targets }): readonly FileSystem[] => {
    // As a copy's description writes them.
    const [at, ...also] = targets.map(printable);
    const { kind } = kindOf(type, at ?? '');
    if (kind === 'no-data') return [];
    const used = at === undefined ? null : (sizes.get(targets[0] ?? '')?.used ?? null);
    if (kind === 'data' && used === 0) return [];
    const state = kind === 'elsewhere' ? 'elsewhere' : at === undefined ? 'hidden' : 'mounted';
    return [
      {
        at: at ?? clean(source),
        also,
        source: clean(source),
        type: clean(type),
        state,
        used: state === 'elsewhere' ? null : used,
        id: printable(id),
      },
    ];
  });
  const devices = answers.of('lsblk');
  const rows =
    devices.how === 'absent'
      ? byPartitions(answers, lacks)
      : rowsOf(answers, 'lsblk', linesOf(answers, 'lsblk', lacks), pairsOf, lacks);
  const datasets = linesOf(answers, 'zfs', lacks).map((line) => line.split('\t'));
  const loose = [...unmounted(rows, mounts, datasets.length > 0), ...datasets.flatMap(datasetOf)];
  const [first] = lacks;
  if (first !== undefined) return unseen(first);
  const file_systems = [...mounted, ...loose].sort((a, b) => (a.at < b.at ? -1 : 1));
  const disks = rows.flatMap((row) =>
    row.get('TYPE') === 'disk' && row.get('SERIAL') ? [row.get('SERIAL') ?? ''] : [],
  );
  return seen({ file_systems, disks: [...new Set(disks)] });
}

/** A host without any file system does not run. */
const noMounts = (host: string): Trouble =>
  trouble('no-mounts', `${host} tells no file system of its own`, 'See there what /proc/self/mountinfo holds.');

/** Block devices with something on them that is not mounted: nothing that copies files can have read them. */
function unmounted(rows: readonly Pairs[], mounts: readonly Mount[], pools: boolean): readonly FileSystem[] {
  const of = (row: Pairs, key: string): string => row.get(key) ?? '';
  const devices = new Map(rows.map((row) => [of(row, 'KNAME'), row]));
  const parents = new Set(rows.map((row) => of(row, 'PKNAME')));
  const sources = new Set(mounts.map(({ source }) => source));
  const numbers = new Set(mounts.map(({ device }) => device));
  const used = [...devices.values()].filter((row) => {
    const names = [`/dev/${of(row, 'KNAME')}`, `/dev/${of(row, 'NAME')}`, `/dev/mapper/${of(row, 'NAME')}`];
    return of(row, 'MOUNTPOINT') !== '' || names.some((name) => sources.has(name)) || numbers.has(of(row, 'NUMBER'));
  });
  // One that has a signature shows that signatures are told. Elsewhere nothing is known of what a device holds.
  const told = rows.some((row) => of(row, 'FSTYPE') !== '');
  return [...devices.values()].flatMap((row): readonly FileSystem[] => {
    const [kname, type] = [of(row, 'KNAME'), of(row, 'FSTYPE')];
    if (used.includes(row) || parents.has(kname) || type === 'swap') return [];
    if (['loop', 'rom'].includes(of(row, 'TYPE')) || /^(zram|ram|fd|sr)\d/.test(kname) || of(row, 'SIZE') === '0')
      return [];
    if (type === '' && told) return [];
    if (type === 'zfs_member' && pools) return [];
    // Of a file system on several devices only one is named where it is mounted.
    const uuid = of(row, 'UUID');
    if (uuid !== '' && !holds.test(type) && used.some((other) => of(other, 'UUID') === uuid)) return [];
    const name = kname.startsWith('dm-') && of(row, 'NAME') !== '' ? `mapper/${of(row, 'NAME')}` : kname;
    return [loose(`/dev/${name}`, type, null)];
  });
}

const loose = (at: string, type: string, used: number | null): FileSystem => ({
  ...{ at, also: [], source: at, type, state: 'not-mounted', used, id: at },
});

const datasetOf = ([name = '', used = '', mounted]: readonly string[]): readonly FileSystem[] =>
  mounted === 'no' && used !== '0'
    ? [loose(`zfs ${clean(name)}`, 'zfs', /^\d+$/.test(used) ? Number(used) : null)]
    : [];

/** The same rows without lsblk: what the kernel counts as devices, with the signatures that blkid tells. */
function byPartitions(answers: Answers, lacks: Trouble[]): readonly Pairs[] {
  const signatures = new Map(
    linesOf(answers, 'blkid', []).flatMap((line) => {
      const [, device, rest] = /^\/dev\/(\S+): (.*)$/.exec(line) ?? [];
      const text = (key: string) => new RegExp(`(?:^| )${key}="([^"]*)"`).exec(rest ?? '')?.[1] ?? '';
      return device === undefined ? [] : [[device, { type: clean(text('TYPE')), uuid: clean(text('UUID')) }] as const];
    }),
  );
  const swaps = linesOf(answers, 'swaps', []).map((line) => line.split(/\s/)[0]);
  const lines = linesOf(answers, 'partitions', lacks).flatMap((line) => {
    const [, major, minor, blocks, name] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ number: `${major}:${minor}`, blocks, name: clean(name) }];
  });
  return lines.map(({ number, blocks, name }) => {
    const whole = lines.find((disk) => new RegExp(`^${disk.name.replace(/[^a-z0-9]/g, '.')}p?\\d+$`).test(name));
    return new Map([
      ...Object.entries({ NAME: name, KNAME: name, NUMBER: number, PKNAME: whole?.name ?? '' }),
      ...Object.entries({ TYPE: name.startsWith('loop') ? 'loop' : '', SIZE: blocks ?? '', MOUNTPOINT: '' }),
      ...Object.entries({
        FSTYPE: swaps.includes(`/dev/${name}`) ? 'swap' : (signatures.get(name)?.type ?? ''),
        UUID: signatures.get(name)?.uuid ?? '',
      }),
    ]);
  });
}
