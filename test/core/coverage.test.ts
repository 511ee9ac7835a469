import { describe, expect, test } from 'vitest';
import { type CopyProved, coverageOf, strangeNotKept } from '../../src/core/coverage.ts';
import type { FileSystem } from '../../src/core/probe.ts';
import { isWithin } from '../../src/core/within.ts';

const fs = (at: string, more: Partial<FileSystem> = {}): FileSystem => ({
  ...{ at, also: [], source: `/dev/of${at}`, type: 'ext4', state: 'mounted', used: 1, id: `${at} /` },
  ...more,
});
const copy = (
  paths: readonly string[],
  crossed: readonly FileSystem[] | 'foreseen',
  exclude: readonly string[] = [],
): CopyProved => ({
  ...{ step: 'copy', copy: '/vault/1', paths, exclude },
  file_systems: crossed === 'foreseen' ? 'foreseen' : crossed.map(({ at, id }) => ({ at, id })),
});
const words = (file: FileSystem, proved: readonly CopyProved[], notKept: readonly string[] = []): string => {
  const [one] = coverageOf(
    [file],
    proved,
    notKept.map((path) => ({ path, why: 'old', by: 'ada' })),
  );
  if (one === undefined) throw new Error('nothing was judged');
  return one.covered === 'no'
    ? one.why
    : one.covered === 'copied'
      ? ['copied', ...one.but].join(', but for ')
      : one.covered;
};

describe('a file system', () => {
  const srv = fs('/srv');
  const db = fs('/srv/db');
  test.each([
    ['copied from its root', srv, [copy(['/srv'], [srv])], [], 'copied'],
    ['copied from above', db, [copy(['/srv'], [srv, db])], [], 'copied'],
    ['foreseen to be copied', db, [copy(['/srv'], 'foreseen')], [], 'copied'],
    [
      'copied at its other place',
      fs('/srv', { also: ['/mnt'] }),
      [copy(['/mnt'], [{ ...srv, at: '/mnt' }])],
      [],
      'copied',
    ],
    ['copied but for a folder of it', srv, [copy(['/srv'], [srv], ['/srv/cache'])], [], 'copied, but for /srv/cache'],
    [
      'left out of one copy in part, and wholly in another',
      srv,
      [copy(['/srv'], [srv], ['/srv/cache']), copy(['/srv'], [srv])],
      [],
      'copied',
    ],
    ['nobody copies', srv, [], [], 'no copy of it is proved'],
    ['of which folders are copied', fs('/'), [copy(['/srv', '/etc'], [])], [], 'only /srv, /etc of it is copied'],
    [
      'mounted after the copy from above',
      db,
      [copy(['/srv'], [srv])],
      [],
      'it was not mounted at /srv/db all the time while the copy of step "copy" was made',
    ],
    [
      'that is another one than the one that was copied',
      fs('/srv', { id: '8:99 /' }),
      [copy(['/srv'], [srv])],
      [],
      'it was not mounted at /srv all the time while the copy of step "copy" was made',
    ],
    [
      'left out by name',
      db,
      [copy(['/srv'], 'foreseen', ['/srv/db'])],
      [],
      'the copy of step "copy" leaves out /srv/db',
    ],
    [
      'left out by name, with slashes that a path does not need',
      db,
      [copy(['/srv'], [srv, db], ['/srv/db/']), copy(['/srv'], [srv, db], ['//srv//db'])],
      [],
      'the copy of step "copy" leaves out /srv/db/',
    ],
    [
      'left out with a folder above it',
      db,
      [copy(['/'], 'foreseen', ['/srv'])],
      [],
      'the copy of step "copy" leaves out /srv',
    ],
    ['not kept on purpose', srv, [], ['/srv'], 'not-kept'],
    ['below one that is not kept', db, [], ['/srv'], 'no copy of it is proved'],
    ['whose name begins as that of one that is not kept', fs('/srv2'), [], ['/srv'], 'no copy of it is proved'],
    ['copied and not kept', srv, [copy(['/srv'], [srv])], ['/srv'], 'copied'],
    [
      'not mounted',
      fs('/dev/vdb1', { state: 'not-mounted' }),
      [copy(['/dev'], 'foreseen')],
      [],
      'it is not mounted, so no copy of files can hold it',
    ],
    [
      'not mounted, and not kept by its device',
      fs('/dev/vdb1', { state: 'not-mounted' }),
      [],
      ['/dev/vdb1'],
      'not-kept',
    ],
    [
      'hidden',
      fs('/dev/vdb1', { state: 'hidden' }),
      [copy(['/srv'], [srv])],
      [],
      'something else is mounted over it, so no copy of files can reach it',
    ],
    ['on another machine', fs('/mnt', { state: 'elsewhere' }), [], [], 'elsewhere'],
  ] as const)('%s', (_name, file, proved, notKept, expected) => {
    expect(words(file, proved, notKept)).toBe(expected);
  });
});

test('an entry of not_kept that names no file system is told', () => {
  const entry = (path: string) => ({ path, why: 'old', by: 'ada' });
  expect(strangeNotKept([fs('/'), fs('/srv', { also: ['/mnt'] })], ['/', '/mnt', '/boot'].map(entry))).toEqual([
    entry('/boot'),
  ]);
});

test('whatever is mounted and copied: only what every byte of can be in a copy counts as copied', () => {
  // All trees of three folders, all sets of two copies with one exclusion, seen against a copy that is simulated file by file.
  const paths = ['/', '/a', '/a/b', '/c'];
  const files = ['/f', '/a/f', '/a/b/f', '/c/f'];
  const subsets = <T>(of: readonly T[]): readonly (readonly T[])[] =>
    Array.from({ length: 2 ** of.length }, (_, bits) => of.filter((_one, i) => (bits >> i) % 2 === 1));
  let judged = 0;
  for (const mounted of subsets(paths.slice(1)).map((some) => ['/', ...some])) {
    const systems = mounted.map((at) => fs(at));
    const owner = (file: string): string =>
      mounted.filter((at) => isWithin(file, at)).sort((a, b) => b.length - a.length)[0] ?? '/';
    for (const from of subsets(paths)) {
      for (const exclude of [[], ['/a'], ['/a/b'], ['/a/f']]) {
        if (from.length === 0 || from.some((path) => exclude.some((out) => isWithin(path, out)))) continue;
        const inCopy = files.filter(
          (file) => from.some((path) => isWithin(file, path)) && !exclude.some((out) => isWithin(file, out)),
        );
        for (const one of coverageOf(systems, [copy(from, 'foreseen', exclude)], [])) {
          const own = files.filter((file) => owner(file) === one.of.at);
          const but = one.covered === 'copied' ? one.but : [];
          const lost = own.filter((file) => !inCopy.includes(file) && !but.some((out) => isWithin(file, out)));
          if (one.covered === 'copied') expect(lost, `${mounted} ${from} ${exclude} ${one.of.at}`).toEqual([]);
          judged += 1;
        }
      }
    }
  }
  expect(judged).toBeGreaterThan(500);
});
