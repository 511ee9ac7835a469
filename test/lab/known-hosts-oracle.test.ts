import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { knownHostsName, knownKeys } from '../../src/effects/ssh/known-hosts.ts';

/*
 * Generated known_hosts files, read here and by `ssh-keygen -F`, which is ssh's own reader.
 */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-known-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const keys = [1, 2, 3].map((n) => {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, n),
  ]);
  return `ssh-ed25519 ${blob.toString('base64')}`;
});
const names = fc.constantFrom(
  ...['web01', 'WEB01', 'web01.example.net', 'web010', '192.0.2.1', '192.0.2.10', '2001:db8::1'],
);
const port = fc.constantFrom(22, 2222);
const placed = fc.tuple(names, port).map(([name, at]) => knownHostsName(name, at));
const pattern = fc.oneof(
  placed,
  names,
  fc.constantFrom(
    ...['*', 'web0?', '*.example.net', '[*]:2222', '!web01', '!*.example.net', '192.0.2.*', '?', '', '!', '[web01]:22'],
  ),
);
const line = fc.record({
  marker: fc.constantFrom('', '', '', '@revoked ', '@cert-authority ', '@other '),
  patterns: fc.array(pattern, { minLength: 1, maxLength: 3 }).map((each) => each.join(',')),
  gap: fc.constantFrom(' ', '\t', '  '),
  key: fc.constantFrom(...keys),
  comment: fc.constantFrom('', ' somebody', '\r', ' # x'),
});
const text = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: line.map(({ marker, patterns, gap, key, comment }) => `${marker}${patterns}${gap}${key}${comment}`),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '',
          '# web01 is not a key',
          'web01',
          'web01 ssh-ed25519',
          'web01 ssh-rsa AAAA',
          `  web01 ${keys[0]}`,
        ),
      },
    ),
    { maxLength: 6 },
  )
  .map((lines) => `${lines.join('\n')}\n`);

/** Keys and revoked keys of a name, as ssh-keygen finds them. */
function oracle(file: string, name: string) {
  const ran = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
  const found = ran.stdout.split('\n').filter((each) => each !== '' && !each.startsWith('# Host '));
  const of = (marker: string) =>
    found.flatMap((each) => {
      const marked = each.startsWith('@') ? (each.split(/[ \t]/)[0] ?? '') : '';
      const key = /ssh-ed25519 \S+/.exec(each)?.[0];
      return marked === marker && key !== undefined ? [key] : [];
    });
  return { keys: of(''), revoked: of('@revoked'), authorities: of('@cert-authority').length };
}

const mine = (content: string, name: string, at: number) => {
  const known = knownKeys(content, name, at);
  const texts = (list: typeof known.keys) => list.map(({ type, blob }) => `${type} ${blob}`);
  return { keys: texts(known.keys), revoked: texts(known.revoked), authorities: known.authorities };
};

test('the keys that are found for a host are those that ssh-keygen finds', () => {
  const file = join(folder, 'known_hosts');
  fc.assert(
    fc.property(text, names, port, (content, name, at) => {
      writeFileSync(file, content, { mode: 0o600 });
      expect(mine(content, name, at)).toEqual(oracle(file, knownHostsName(name, at)));
    }),
    { numRuns: 120 },
  );
});

test('so it is where the names are hashed', () => {
  const file = join(folder, 'hashed');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(placed, fc.constantFrom(...keys)), { minLength: 1, maxLength: 4 }),
      names,
      port,
      (lines, name, at) => {
        writeFileSync(file, lines.map(([host, key]) => `${host} ${key}\n`).join(''), { mode: 0o600 });
        expect(spawnSync('ssh-keygen', ['-H', '-f', file]).status).toBe(0);
        const content = spawnSync('cat', [file], { encoding: 'utf8' }).stdout;
        expect(content).toContain('|1|');
        expect(mine(content, name, at)).toEqual(oracle(file, knownHostsName(name, at)));
      },
    ),
    { numRuns: 30 },
  );
});
