import { expect, test } from 'vitest';
import { belowFolder } from '../../src/core/helper.ts';

const vault = { name: 'vault', folder: '/backup/decom' };

test.each([
  ['/backup/decom', ''],
  ['/backup/decom/', ''],
  ['/backup/decom/web01/one', 'web01/one'],
  ['/backup/decom/..web', '..web'],
])('%s lies in the folder of the helper', (path, below) => {
  expect(belowFolder(vault, path)).toEqual({ ok: true, value: below });
});

test.each([
  '/',
  '/backup',
  '/backup/decom2',
  '/backup/decom/..',
  '/backup/decom/../other',
  '/backup/decom/a/../b',
  '/backup/decom/./a',
  '/backup/decom//a',
  'backup/decom',
  '',
])('%j does not, or cannot be told to', (path) => {
  expect(belowFolder(vault, path)).toMatchObject({ ok: false, error: { code: 'outside-folder' } });
});
