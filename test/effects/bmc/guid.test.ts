import { expect, it } from 'vitest';
import { guidReadings, swapGuid } from '../../../src/effects/bmc/guid.ts';

const uuid = 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10';
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

it('reads the same UUID first from each of the four ways in which BMCs send it', () => {
  for (const sent of [
    '100f0e0d0c0b0a8908470605d4c3b2a1', // IPMI 2.0: all of it reversed
    'a1b2c3d405064708890a0b0c0d0e0f10', // as RFC 4122 writes it
    'd4c3b2a106050847890a0b0c0d0e0f10', // as it stands in the SMBIOS table
    '100f0e0d0c0b0a8947080506a1b2c3d4', // that table reversed
  ]) {
    expect(guidReadings(bytes(sent))[0]).toBe(uuid);
  }
});

it('offers every reading of a UUID that is not well-formed in any, the order of the standard first', () => {
  const readings = guidReadings(bytes('00000000000000000000000000000102'));
  expect(readings).toEqual([
    '02010000-0000-0000-0000-000000000000',
    '00000000-0000-0000-0000-000000000102',
    '00000102-0000-0000-0000-000000000000',
  ]);
});

it('swaps the first three fields of a UUID and back', () => {
  expect(swapGuid(uuid)).toBe('d4c3b2a1-0605-0847-890a-0b0c0d0e0f10');
  expect(swapGuid(swapGuid(uuid))).toBe(uuid);
});
