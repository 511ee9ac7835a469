import { expect, test } from 'vitest';
import { coverageLines } from '../../../src/cli/view/coverage-view.ts';
import { plainLook, render } from '../../../src/cli/view/text.ts';
import type { Coverage } from '../../../src/core/coverage.ts';
import type { FileSystem } from '../../../src/core/probe.ts';
import { seen, trouble, unseen } from '../../../src/core/result.ts';

const fs = (at: string, source: string, more: Partial<FileSystem> = {}): FileSystem => ({
  ...{ at, also: [], source, type: 'ext4', state: 'mounted', used: 2_000_000_000, id: at },
  ...more,
});
const rows: readonly Coverage[] = [
  { of: fs('/', '/dev/sda1'), covered: 'not-kept', by: 'platform team', why: 'installed anew' },
  { of: fs('/srv', '/dev/mapper/vg0-srv'), covered: 'copied', steps: ['last-copy'], but: ['/srv/cache'] },
  { of: fs('/mnt/home', 'filer:/home', { type: 'nfs4', state: 'elsewhere', used: null }), covered: 'elsewhere' },
  {
    of: fs('/dev/sdd', '/dev/sdd', { type: 'LVM2_member', state: 'not-mounted', used: null }),
    ...{ covered: 'no', why: 'it is not mounted, so no copy of files can hold it' },
  },
];

test('file systems are a table: what is lost first, how much is in each, and what becomes of it', () => {
  const notKept = ['/', '/boot'].map((path) => ({ path, why: 'installed anew', by: 'platform team' }));
  expect(render(coverageLines(seen(rows), notKept), plainLook)).toMatchInlineSnapshot(`
    "File systems with data
      NOT COVERED  /dev/sdd   unknown  LVM2_member                  it is not mounted, so no copy of files can hold it
      copied       /srv       1.9 GiB  ext4 on /dev/mapper/vg0-srv  in the copy of step "last-copy", but for /srv/cache
      not kept     /          1.9 GiB  ext4 on /dev/sda1            installed anew (platform team)
      elsewhere    /mnt/home           nfs4 on filer:/home          its data stays where it is
      note not_kept names /boot, and no file system with data is there

    "
  `);
});

test('that the host does not tell them is no empty table', () => {
  const why = trouble('survey-cut', '"lsblk" of web01 hung', 'See why.');
  expect(render(coverageLines(unseen(why)), plainLook)).toMatchInlineSnapshot(`
    "File systems with data
      unknown: "lsblk" of web01 hung

    "
  `);
});

test('a plan that asks for nothing shows nothing', () => {
  expect(coverageLines(undefined)).toEqual([]);
});
