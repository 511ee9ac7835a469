import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TarDamage, type TarMember, tarReader } from '../../../src/effects/transfer/tar-reader.ts';
import { temporary } from './fixture.ts';

const here = temporary();
afterAll(() => here.remove());
const long = 'l'.repeat(90);
beforeAll(() => {
  const at = (name: string) => join(here.path, 'src', name);
  mkdirSync(at(`${long}/${long}`), { recursive: true });
  writeFileSync(at('a file'), 'content');
  writeFileSync(at('empty'), '');
  writeFileSync(at(`${long}/${long}/deep`), 'x'.repeat(1000));
  linkSync(at('a file'), at('hard'));
  symlinkSync('t'.repeat(150), at('link'));
  execFileSync('mkfifo', [at('fifo')]);
  // Data and holes in turn, so often that the map of an old GNU header needs blocks of its own.
  execFileSync('sh', [
    '-c',
    'for i in $(seq 0 40); do printf x | dd of="$0" bs=1 seek=$((i * 65536)) conv=notrunc status=none; done',
    at('sparse'),
  ]);
  truncateSync(at('sparse'), 5 << 20);
  for (const name of ['a file', 'sparse', 'empty']) utimesSync(at(name), 1_700_000_000, 1_700_000_000.25);
});

function read(bytes: Buffer, chunk: number): { readonly members: readonly TarMember[]; readonly ended: boolean } {
  const members: TarMember[] = [];
  const reader = tarReader((member) => members.push(member));
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
  return { members, ended: reader.ended() };
}

const tar = (...options: readonly string[]): Buffer =>
  execFileSync('tar', ['-c', ...options, '-C', here.path, './src'], { maxBuffer: 64 << 20 });

/** Formats that the tar of this machine writes; all but the first need GNU's. */
const formats: readonly (readonly string[])[] = execFileSync('tar', ['--version'], { encoding: 'utf8' }).includes('GNU')
  ? [
      ['--format=gnu'],
      ['--format=gnu', '--sparse'],
      ['--format=posix'],
      ['--format=posix', '--sparse', '--sparse-version=0.0'],
      ['--format=posix', '--sparse', '--sparse-version=0.1'],
      ['--format=posix', '--sparse', '--sparse-version=1.0'],
      ['--format=posix', '--pax-option=globexthdr.name=g,comment=x'],
    ]
  : [[]];

test.each(formats)('%s %s %s: names, sizes, times and links are those of the files', (...options) => {
  const { members, ended } = read(tar(...options), 65_536);
  expect(ended).toBe(true);
  const byName = new Map(members.map((m) => [m.name, m]));
  const fine = options[0] === '--format=posix' ? '250000000' : '000000000';
  expect(byName.get('./src')).toMatchObject({ type: 'dir' });
  expect(byName.get('./src/empty')).toMatchObject({ type: 'file', size: 0, time: `1700000000.${fine}` });
  expect(byName.get('./src/sparse')).toMatchObject({ type: 'file', size: 5 << 20, time: `1700000000.${fine}` });
  expect(byName.get(`./src/${long}/${long}/deep`)).toMatchObject({ type: 'file', size: 1000 });
  expect(byName.get('./src/link')).toMatchObject({ type: 'link', link: 't'.repeat(150) });
  expect(byName.get('./src/fifo')).toMatchObject({ type: 'fifo' });
  const pair = [byName.get('./src/a\\040file'), byName.get('./src/hard')];
  expect(pair.map((m) => m?.type).sort()).toEqual(['file', 'hardlink']);
  const target = pair.find((m) => m?.type === 'file');
  expect(target).toMatchObject({ size: 7, uid: process.getuid?.(), gid: process.getgid?.() });
  expect(pair.find((m) => m?.type === 'hardlink')?.link).toBe(target?.name);
  expect(members).toHaveLength(10);
});

test.each([1, 7, 511, 512, 513, 10_240])('pieces of %i bytes give the same as the whole', (chunk) => {
  const bytes = tar(...(formats.at(-2) ?? []));
  expect(read(bytes, chunk)).toEqual(read(bytes, bytes.length));
});

test('a stream that was cut anywhere is not taken for a whole one', () => {
  const bytes = tar(...(formats[0] ?? []));
  const end = bytes.length - 1024;
  for (const at of [0, 100, 512, 5000, end >> 1]) expect(read(bytes.subarray(0, at), 4096).ended).toBe(false);
});

test('bytes that are no archive are refused', () => {
  expect(() => read(Buffer.from('sh: 1: tar: not found\n'.padEnd(1024, '.')), 512)).toThrow(TarDamage);
  const bytes = Buffer.from(tar(...(formats[0] ?? [])));
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  expect(() => read(bytes, 4096)).toThrow('a header whose checksum is wrong');
});
