import { describe, expect, it } from 'vitest';
import { canaryOf, canarySectors, eraseSeed, samplePlaces } from '../../src/core/disk-samples.ts';

const sizes: readonly (readonly [number, number])[] = [
  [20_000 * 512, 512],
  [20_000 * 512 + 512 * 777, 512],
  [64 << 20, 512],
  [4_000_787_030_016, 512],
  [1_000_204_886_016, 4096],
];

describe('the places that are read', () => {
  it.each(sizes)('of %i bytes are two in each of 1000 equal parts, each at least a twentieth of it', (size, sector) => {
    for (const seed of ['a', 'b']) {
      const { unit, places } = samplePlaces(seed, size, sector) ?? { unit: 0, places: [] };
      expect(unit % sector).toBe(0);
      expect(places).toHaveLength(2000);
      const units = Math.floor(size / unit);
      for (let i = 0; i < 1000; i++) {
        const [from, to] = [Math.floor((i * units) / 1000), Math.floor(((i + 1) * units) / 1000)];
        const [one, other] = places.slice(2 * i, 2 * i + 2);
        if (one === undefined || other === undefined) throw new Error('none');
        expect(one.start).toBeGreaterThanOrEqual(from);
        expect(other.start).toBeGreaterThanOrEqual(one.start + one.length);
        expect(other.start + other.length).toBeLessThanOrEqual(to);
        for (const { length } of [one, other]) expect(length * 20).toBeGreaterThanOrEqual(to - from);
      }
      const read = places.reduce((sum, { length }) => sum + length * unit, 0);
      expect(read).toBeGreaterThanOrEqual(Math.floor(units * unit * 0.1));
    }
  });

  it('are others for another seed, and the same for the same', () => {
    expect(samplePlaces('a', 64 << 20, 512)).toEqual(samplePlaces('a', 64 << 20, 512));
    expect(samplePlaces('a', 64 << 20, 512)).not.toEqual(samplePlaces('b', 64 << 20, 512));
  });

  it('are none where the disk is too small for them', () => {
    expect(samplePlaces('a', 20_000 * 512 - 512, 512)).toBeUndefined();
    expect(samplePlaces('a', 20_000 * 512, 4096)).toBeUndefined();
  });
});

describe('the canary', () => {
  it.each(sizes)('of %i bytes stands in the first and the last sector, and where each place begins', (size, sector) => {
    const { unit, places } = samplePlaces('a', size, sector) ?? { unit: 0, places: [] };
    const sectors = canarySectors('a', size, sector, 'sampled');
    expect(sectors[0]).toBe(0);
    expect(sectors.at(-1)).toBe(size / sector - 1);
    expect(sectors).toEqual([...new Set(sectors)].sort((a, b) => a - b));
    for (const { start } of places) expect(sectors.includes((start * unit) / sector)).toBe(true);
    const few = canarySectors('a', size, sector, 'full');
    expect([few[0], few.at(-1)]).toEqual([sectors[0], sectors.at(-1)]);
    expect(few.every((one) => sectors.includes(one))).toBe(true);
    expect(few.length).toBeGreaterThan(50);
    expect(few.length).toBeLessThan(54);
  });

  it('is 512 bytes, none of them zero, and another one for another seed', () => {
    const canary = canaryOf('a');
    expect(canary).toHaveLength(512);
    expect(canary.includes(0)).toBe(false);
    expect(new Set(canary).size).toBeGreaterThan(150);
    expect(canary).not.toEqual(canaryOf('b'));
  });

  it('has a seed of its own for each run, step and disk', () => {
    const seeds = [
      eraseSeed('r', 's', 'd'),
      eraseSeed('q', 's', 'd'),
      eraseSeed('r', 't', 'd'),
      eraseSeed('r', 's', 'e'),
    ];
    expect(new Set(seeds).size).toBe(4);
  });
});
