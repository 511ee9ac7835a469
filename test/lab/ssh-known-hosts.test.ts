import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { knownHostsName, knownKeys } from '../../src/effects/ssh/known-hosts.ts';

const folder = mkdtempSync(join(tmpdir(), 'decom-known-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const blob = (n: number): string =>
  Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), Buffer.alloc(32, n)]).toString('base64');

const patterns = [
  'web01',
  'WEB01',
  'web01,192.0.2.1',
  '192.0.2.1',
  '192.0.2.10',
  '[web01]:2222',
  '[192.0.2.1]:2222,web02',
  '*',
  '*.example.net',
  '*.example.net,!web01.example.net',
  '!web01.example.net,*.example.net',
  '!web01',
  'web??',
  'web0?,!web02',
  '[*]:2222',
  '[*.example.net]:*',
  '2001:db8::1',
  '[2001:db8::1]:2222',
  'w*b*1',
  '**',
  '?',
  'web01,',
  ',web01',
];
const hosts: readonly (readonly [string, number])[] = [
  ['web01', 22],
  ['web02', 22],
  ['web01', 2222],
  ['Web01', 22],
  ['web01.example.net', 22],
  ['web01.example.net', 2222],
  ['example.net', 22],
  ['192.0.2.1', 22],
  ['192.0.2.1', 2222],
  ['192.0.2.10', 22],
  ['2001:db8::1', 22],
  ['2001:db8::1', 2222],
];

describe('known_hosts is read as ssh-keygen -F reads it', () => {
  const text = [
    '# a comment',
    ...patterns.map((pattern, i) => `${pattern} ssh-ed25519 ${blob(i + 1)} comment`),
    `@revoked * ssh-ed25519 ${blob(200)}`,
    `@cert-authority *.example.net ssh-ed25519 ${blob(201)}`,
    '',
  ].join('\n');

  it.each(['plain', 'hashed'])('with the names %s', (form) => {
    const file = join(folder, form);
    // Only plain names can be hashed; ssh-keygen -H leaves the others as they are.
    writeFileSync(file, text);
    if (form === 'hashed') expect(spawnSync('ssh-keygen', ['-H', '-f', file]).status).toBe(0);
    const content = readFileSync(file, 'latin1');
    expect(content.includes('|1|')).toBe(form === 'hashed');
    for (const [address, port] of hosts) {
      const name = knownHostsName(address, port);
      const oracle = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => /(?:^|\s)ssh-ed25519 (\S+)/.exec(line)?.[1]);
      const { keys, revoked, authorities } = knownKeys(content, address, port);
      const ours = [...keys, ...revoked].map((key) => key.blob);
      expect({ name, keys: ours.toSorted(), authorities }).toEqual({
        name,
        keys: oracle.filter((b) => b !== blob(201)).toSorted(),
        authorities: oracle.filter((b) => b === blob(201)).length,
      });
    }
  });
});
