import { execFileSync } from 'node:child_process';
import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { transferHandlers, transferProbes } from '../../src/effects/transfer/handlers.ts';
import { context, deps, nastySource, temporary } from '../effects/transfer/fixture.ts';

let here: ReturnType<typeof temporary>;
beforeEach(() => {
  here = temporary();
});
afterEach(() => here.remove());

const rsync = (from: readonly string[], to: string, basis: string | null = null, exclude: readonly string[] = []) =>
  ({ kind: 'copy.rsync', on: 'control', from, exclude, to, basis, root: false }) as const;

test('what rsync mirrors and gives back equals the source', async () => {
  const source = nastySource(here.path);
  const mine = deps();
  const to = join(here.path, 'vault', 'copy');
  expect(await transferHandlers(mine)['copy.rsync'](rsync([source], to), context())).toMatchObject({ outcome: 'done' });
  const scratch = join(here.path, 'scratch');
  expect(
    await transferHandlers(mine)['copy.restore']({ kind: 'copy.restore', on: 'control', copy: to, scratch }, context()),
  ).toMatchObject({ outcome: 'done' });
  const compared = await transferProbes(mine)['tree.compare']({ kind: 'tree.compare', copy: to, tree: scratch });
  expect(compared).toMatchObject({ known: true, value: { equal: true, missing: [], extra: [], different: [] } });
  execFileSync('mtree', ['-f', join(to, 'manifest.mtree'), '-p', join(to, 'tree')]);
});

test('a second copy links what did not change into the first, and leaves the first as it was', async () => {
  const source = nastySource(here.path);
  const mine = deps();
  const [first, second] = [join(here.path, 'vault', 'one'), join(here.path, 'vault', 'two')];
  expect(await transferHandlers(mine)['copy.rsync'](rsync([source], first), context())).toMatchObject({
    outcome: 'done',
  });
  appendFileSync(join(source, 'plain'), 'more');
  writeFileSync(join(source, 'brand new'), 'x');
  expect(await transferHandlers(mine)['copy.rsync'](rsync([source], second, first), context())).toMatchObject({
    outcome: 'done',
  });
  const inode = (copy: string, name: string) => statSync(join(copy, 'tree', source, name)).ino;
  expect(inode(second, 'a b')).toBe(inode(first, 'a b'));
  expect(inode(second, 'plain')).not.toBe(inode(first, 'plain'));
  for (const copy of [first, second])
    execFileSync('mtree', ['-f', join(copy, 'manifest.mtree'), '-p', join(copy, 'tree')]);
  expect(
    await transferProbes(mine).copies({ kind: 'copies', folder: join(here.path, 'vault'), method: 'rsync' }),
  ).toEqual({
    known: true,
    value: [second, first],
  });
});
