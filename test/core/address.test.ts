import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipAddress, ipNetwork, isLoopback, isWithin } from '../../src/core/address.ts';

const within = (address: string, network: string): boolean | undefined => {
  const [a, n] = [ipAddress(address), ipNetwork(network)];
  return a === undefined || n === undefined ? undefined : isWithin(a, n);
};

describe('an address', () => {
  test.each([
    ['192.0.2.4', '192.0.2.4', true],
    ['192.0.2.40', '192.0.2.4', false],
    ['192.0.2.4', '192.0.2.40', false],
    ['2.192.0.2', '192.0.2.2', false],
    ['192.0.2.255', '192.0.2.0/24', true],
    ['192.0.3.0', '192.0.2.0/24', false],
    ['2001:db8::4', '2001:0db8:0:0::4', true],
    ['2001:db8::40', '2001:db8::4', false],
    ['2001:db8:1::1', '2001:db8::/32', true],
    ['::ffff:192.0.2.4', '192.0.2.4', true],
    ['192.0.2.4', '::/0', false],
    ['2001:db8::4', '0.0.0.0/0', false],
    ['::', '::/0', true],
  ])('%s lies in %s: %s', (address, network, expected) => {
    expect(within(address, network)).toBe(expected);
  });

  test.each([
    '',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.04',
    '192.0.2.4/24',
    '0x7f.1',
    ':::',
    '1::2::3',
    'fe80::1%eth0',
    'web01',
    '1:2:3:4:5:6:7:8:9',
  ])('%j is none', (text) => {
    expect(ipAddress(text)).toBeUndefined();
  });

  test.each([
    '192.0.2.4/24',
    '192.0.2.0/33',
    '2001:db8::1/64',
    '::/129',
    '192.0.2.0/',
    '192.0.2.0/024',
    '::ffff:192.0.2.0/120',
  ])('%j is no network: its address is none, or has bits behind its prefix', (text) => {
    expect(ipNetwork(text)).toBeUndefined();
  });

  test('of any text is one exactly where Node takes it for one, leading zeros and zones aside', () => {
    const parts = fc.constantFrom('0', '1', '12', '255', '256', 'a', 'ffff', ':', '::', '.', '192.0.2.1', 'db8', '/');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.array(parts, { maxLength: 12 }).map((list) => list.join('')),
        ),
        (text) => {
          expect(ipAddress(text) !== undefined).toBe(isIP(text) !== 0);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['ipv4', 32, fc.ipV4()],
    ['ipv6', 128, fc.ipV6()],
  ] as const)('of %s lies in a network exactly where Node says so', (family, width, addresses) => {
    // Half of the pairs are neighbours, so that the edges of networks are met.
    const pairs = fc.tuple(addresses, addresses, fc.nat(width), fc.boolean(), fc.nat(width - 1));
    let [inside, outside] = [0, 0];
    fc.assert(
      fc.property(pairs, ([one, other, bits, near, bit]) => {
        const network = ipAddress(one);
        const address = ipAddress(other);
        if (network === undefined || address === undefined) throw new Error(`${one} or ${other} is no address`);
        // A mapped address is one of the other family, and no network is written so.
        fc.pre(network.family === (width === 32 ? 4 : 6) && address.family === network.family);
        const base = (network.value >> BigInt(width - bits)) << BigInt(width - bits);
        const value = near ? network.value ^ (1n << BigInt(bit)) : address.value;
        const list = new BlockList();
        list.addSubnet(textOf(base, width), bits, family);
        const expected = list.check(textOf(value, width), family);
        expect(within(textOf(value, width), `${textOf(base, width)}/${bits}`)).toBe(expected);
        if (expected) inside += 1;
        else outside += 1;
      }),
      { numRuns: 3000, examples: [] },
    );
    expect(Math.min(inside, outside)).toBeGreaterThan(100);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.255.255.254', true],
    ['128.0.0.1', false],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['::2', false],
  ])('%s is the host’s own: %s', (text, expected) => {
    const address = ipAddress(text);
    expect(address !== undefined && isLoopback(address)).toBe(expected);
  });
});

/** As RFC 4291 writes it, in full. */
const textOf = (value: bigint, width: number): string =>
  width === 32
    ? [24n, 16n, 8n, 0n].map((by) => String((value >> by) & 255n)).join('.')
    : Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':');
