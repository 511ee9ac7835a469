import type { OperationHandlers, ProbeHandlers } from '../../core/action.ts';
import type { DiskSeen, DiskUse } from '../../core/disk.ts';
import { samplePlaces } from '../../core/disk-samples.ts';
import type { CollectedOutput, Machine } from '../../core/ports.ts';
import { type Result, type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { type DiskRoots, disksScript, eraseScript, samplesScript } from './disk-script.ts';
import type { EraseDeps } from './erase-job.ts';
import { eraseOn } from './erase-job.ts';
import { freeOn } from './free-job.ts';
import { freeScript } from './free-script.ts';
import { lastLines, plainText } from './plain-text.ts';

export interface DiskDeps extends Omit<EraseDeps, 'script'> {
  /** Another place of the kernel's files, only in tests. */
  readonly roots?: DiskRoots;
}

/** Acts that the host keeps, whatever becomes of the connection. Receipt: that of `exec`. */
export const diskHandlers = ({ roots, ...deps }: DiskDeps): Pick<OperationHandlers, 'disk.erase' | 'disk.free'> => ({
  'disk.erase': eraseOn({ ...deps, script: eraseScript(roots) }),
  'disk.free': freeOn({ ...deps, script: freeScript(roots) }),
});

/** Disks may be many, and hdparm waits for those that have to spin up. */
const patience = 120_000;

/** `host.disks`: needs root, as signatures and what other processes hold are told to nobody else. */
export const disksProbe =
  (machine: Machine, script = disksScript()): ProbeHandlers['host.disks'] =>
  async ({ serials }) => {
    const asked = await machine.exec(
      { argv: ['sh', '-c', script, 'sh', ...serials], root: true },
      { limit: 1 << 20, signal: AbortSignal.timeout(patience) },
    );
    const lines = framed(asked, machine.name, 'disks');
    if (!lines.known) return lines;
    const parts: string[][] = [];
    for (const line of lines.value) {
      if (line.startsWith('disk ')) parts.push([]);
      parts.at(-1)?.push(line);
    }
    const all = parts.map(diskOf);
    const disks = all.flatMap((disk) => ('size' in disk ? [disk] : []));
    return seen({
      disks,
      others: all.flatMap((disk) => ('size' in disk ? [] : [disk])),
    });
  };

function diskOf(lines: readonly string[]): DiskSeen | Pick<DiskSeen, 'name' | 'serial' | 'wwn'> {
  const of = (key: string): string =>
    lines
      .find((line) => line.startsWith(`${key} `))
      ?.slice(key.length + 1)
      .trim() ?? '';
  const known = { name: of('disk'), serial: of('serial'), wwn: of('wwn') };
  if (!lines.some((line) => line.startsWith('size '))) return known;
  return {
    ...known,
    size: Number(of('size')),
    sector: Number(of('sector')),
    // Nobody knows that what does not say so may be written.
    readOnly: of('ro') !== '0',
    model: of('model'),
    way: of('way') === '' ? 'other' : of('way'),
    hidden: of('hidden') === '' ? 'not told' : of('hidden'),
    uses: lines.flatMap((line): readonly DiskUse[] => {
      const [, how, what = ''] = /^use (\S+) ?(.*)$/.exec(line) ?? [];
      return how === undefined ? [] : [{ how: hows.find((one) => one === how) ?? 'unread', what }];
    }),
  };
}

const hows = ['mounted', 'swap', 'held', 'member', 'shared', 'open', 'unread'] as const;

/** `disk.samples`: reads a tenth of a disk, or all of it; that may take hours. */
export const samplesProbe =
  (machine: Machine, script = samplesScript()): ProbeHandlers['disk.samples'] =>
  async ({ serial, wwn, size, sector, seed, how }, context) => {
    const samples = how === 'full' ? wholeOf(size, sector) : samplePlaces(seed, size, sector);
    if (samples === undefined) return unseen(tooSmall(serial));
    const { unit, places } = samples;
    const words = [serial, wwn, ...[size, sector, unit].map(String), ...places.map((p) => `${p.start}:${p.length}`)];
    const asked = await machine.exec(
      { argv: ['sh', '-c', script, 'sh', ...words], root: true },
      context?.signal === undefined ? {} : { signal: context.signal },
    );
    const lines = framed(asked, machine.name, 'samples');
    if (!lines.known) return lines;
    const refused = lines.value.find((line) => line.startsWith('refused '));
    if (refused !== undefined) return unseen(notRead(serial, refused.slice(8)));
    const [, ...read] = /^read (\d+) (\d+) (\d+) (\d+|-)$/.exec(lines.value.at(-1) ?? '') ?? [];
    const [bytes = '', count = '', other = '', first = '-'] = read;
    if (bytes === '') return unseen(notRead(serial, 'it did not tell what it read'));
    return seen({
      ...{ bytes: Number(bytes), places: Number(count), other: Number(other) },
      first: first === '-' ? null : Number(first),
    });
  };

/** A place of no more than a GiB: what a program counts in one go stays small on every machine. */
function wholeOf(size: number, sector: number): ReturnType<typeof samplePlaces> {
  const unit = Math.max(1 << 20, sector);
  const units = Math.floor(size / unit);
  const places = Array.from({ length: Math.ceil(units / 1024) }, (_, i) => ({
    start: i * 1024,
    length: Math.min(1024, units - i * 1024),
  }));
  return { unit, places };
}

/** The lines between a script's first and last own line; whatever a login script wrote stands before. */
function framed(asked: Result<CollectedOutput>, host: string, what: string): Seen<readonly string[]> {
  if (!asked.ok) return unseen(asked.error);
  const { ended, stdout, stderr } = asked.value;
  const lines = plainText(stdout).split('\n');
  const [from, to] = [lines.indexOf(`decom ${what} 1`), lines.indexOf(`decom ${what} end`)];
  if (from !== -1 && to > from) return seen(lines.slice(from + 1, to));
  if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
  return unseen(
    trouble(
      'no-answer',
      `${host} did not tell its ${what === 'disks' ? 'disks' : 'disk as it is after the erase'}`,
      'Check that its sh works.',
      lastLines(plainText(stderr), 5),
    ),
  );
}

const tooSmall = (serial: string): Trouble =>
  trouble(
    'disk-too-small',
    `disk ${serial} is too small to be read by sampling`,
    'Write "verify: full" into the step, then: decom replan',
  );

const notRead = (serial: string, why: string): Trouble =>
  trouble(
    'disk-unread',
    `disk ${serial} could not be read after it was erased: ${why}`,
    'Look at it there (dmesg). One that cannot be read must be destroyed; if it was only away, take it up again: decom resume',
  );
