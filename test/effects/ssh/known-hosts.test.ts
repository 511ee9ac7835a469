import { describe, expect, it } from 'vitest';
import { knownHostsName, knownKeys, publicKey } from '../../../src/effects/ssh/known-hosts.ts';

const keyA = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB';
const keyB = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC';
const blobs = (text: string, address: string, port = 22): readonly string[] =>
  knownKeys(text, address, port).keys.map(({ type, blob }) => `${type} ${blob}`);

describe('a known_hosts file', () => {
  it.each([
    ['a plain name', 'web01', 'web01', 22, true],
    ['another name', 'web01', 'web02', 22, false],
    ['a name that only begins the same', 'web01', 'web010', 22, false],
    ['letters of any case', 'Web01.Example.NET', 'wEB01.example.net', 22, true],
    ['one of several names', 'web01,192.0.2.1,web01.example.net', '192.0.2.1', 22, true],
    ['an address that only begins the same', '1.2.3.4', '1.2.3.40', 22, false],
    ['a port of its own', '[web01]:2222', 'web01', 2222, true],
    ['another port', '[web01]:2222', 'web01', 2223, false],
    ['a name without port, asked with one', 'web01', 'web01', 2222, false],
    ['a wildcard', '*.example.net', 'web01.example.net', 22, true],
    ['a wildcard that does not fit', '*.example.net', 'example.net', 22, false],
    ['a question mark', 'web0?', 'web07', 22, true],
    ['a wildcard in brackets', '[*.example.net]:2222', 'web01.example.net', 2222, true],
    ['a negation after the match', '*.example.net,!web01.example.net', 'web01.example.net', 22, false],
    ['a negation before the match', '!web01.example.net,*.example.net', 'web01.example.net', 22, false],
    ['a negation of others', '*.example.net,!web02.example.net', 'web01.example.net', 22, true],
    ['a negation alone', '!web02', 'web01', 22, false],
    ['IPv6', '2001:db8::1', '2001:db8::1', 22, true],
    ['IPv6 with a port', '[2001:db8::1]:2222', '2001:db8::1', 2222, true],
    ['the hash of a name', '|1|UdekAbT5DTQRGvGmqEYhyRdE7Zs=|4n9cJfXQ8RkdQFJyyMXKMn5V1m4=', 'web01', 22, false],
  ])('knows %s', (_what, patterns, address, port, found) => {
    expect(blobs(`${patterns} ${keyA}\n`, address, port)).toEqual(found ? [keyA] : []);
  });

  it('keeps every key of a host, and none of another', () => {
    expect(blobs(`web01 ${keyA}\nweb02 ${keyA}\n\n# web01 ${keyA}\n  web01\t${keyB} a comment\n`, 'web01')).toEqual([
      keyA,
      keyB,
    ]);
  });

  it('leaves lines aside that hold no key, or one of another type than they say', () => {
    const lying = keyA.replace('ssh-ed25519', 'ssh-rsa');
    expect(
      blobs(`web01\nweb01 ssh-ed25519\nweb01 ssh-ed25519 !!!\nweb01 1024 35 1234567\nweb01 ${lying}\n`, 'web01'),
    ).toEqual([]);
  });

  it('tells revoked keys and authorities from known ones', () => {
    const known = knownKeys(
      `@revoked * ${keyA}\n@cert-authority *.example.net ${keyB}\n@other web01 ${keyA}\n`,
      'a.example.net',
      22,
    );
    expect(known.keys).toEqual([]);
    expect(known.revoked.map(({ blob }) => blob)).toEqual([publicKey(keyA)?.blob]);
    expect(known.authorities).toBe(1);
  });

  it('with a hostile pattern takes no time', () => {
    const started = performance.now();
    expect(blobs(`${'*a'.repeat(2000)} ${keyA}\n`, 'a'.repeat(4000).concat('b'))).toEqual([]);
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  it('writes a name with its port unless that is 22', () => {
    expect([knownHostsName('Web01', 22), knownHostsName('::1', 2222)]).toEqual(['web01', '[::1]:2222']);
  });
});
