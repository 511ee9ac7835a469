import { createHash } from 'node:crypto';

/** Where a disk is read after it was erased: `start` and `length` in units of `unit` bytes, in the order of the disk. */
export interface Samples {
  readonly unit: number;
  readonly places: readonly { readonly start: number; readonly length: number }[];
}

/** Equal parts of the disk that the places are spread over. */
const subsections = 1000;
const perSubsection = 2;
const largestUnit = 1 << 20;

/**
 * Two places that do not overlap in each of 1000 equal parts, each at least 5 % of its part, so a tenth of the disk in all. Which, only the seed tells.
 * Parts are equal up to one unit. Undefined: the disk is too small for that, and can only be read whole.
 */
export function samplePlaces(seed: string, size: number, sector: number): Samples | undefined {
  let unit = largestUnit;
  while (unit * subsections * 20 > size) unit /= 2;
  if (unit < sector) return undefined;
  const units = Math.floor(size / unit);
  const begin = (i: number): number => Math.floor((i * units) / subsections);
  const places = Array.from({ length: subsections }, (_, i) => {
    const [from, to] = [begin(i), begin(i + 1)];
    const length = Math.ceil((to - from) / 20);
    const free = to - from - perSubsection * length + 1;
    const hash = createHash('sha256').update(`places ${seed} ${i}`).digest();
    const offsets = [0, 1].map((n) => hash.readUIntBE(n * 6, 6) % free).sort((a, b) => a - b);
    return offsets.map((offset, n) => ({ start: from + offset + n * length, length }));
  });
  return { unit, places: places.flat() };
}

/** How a disk is read back: some places, or all of it. */
export type ReadBack = 'sampled' | 'full';

/** Where all of a disk is read back, each byte speaks for itself: the canary only has to show that what is written comes to the disk. */
const oneOfForFull = 40;

/**
 * The sectors that hold the canary before the disk is erased: the first, the last, and the first one of each place that will be read; of every 40th place
 * where all will be. Ascending.
 */
export function canarySectors(seed: string, size: number, sector: number, verify: ReadBack): readonly number[] {
  const samples = samplePlaces(seed, size, sector);
  const starts = (samples?.places ?? [])
    .filter((_, i) => verify === 'sampled' || i % oneOfForFull === 0)
    .map(({ start }) => (start * (samples?.unit ?? 0)) / sector);
  return [...new Set([0, ...starts, size / sector - 1])].sort((a, b) => a - b);
}

/** 512 bytes that look random and that only the seed tells: what an erase has to make vanish. None of them is zero. */
export function canaryOf(seed: string): Uint8Array {
  const blocks = Array.from({ length: 16 }, (_, i) => createHash('sha256').update(`canary ${seed} ${i}`).digest());
  return Uint8Array.from(Buffer.concat(blocks), (byte) => byte || 1);
}

/** A seed that is the same in all of a run, whatever is planned anew, and another one for every run and disk. */
export const eraseSeed = (run: string, step: string, serial: string): string =>
  createHash('sha256')
    .update(JSON.stringify([run, step, serial]))
    .digest('hex')
    .slice(0, 32);
