import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { readHanded } from '../../../src/cli/read-handed.ts';
import { readPlanFile } from '../../../src/cli/saved-plan.ts';
import { readPlainFile } from '../../../src/effects/state/plain-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-plain-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

test('a plain file is read whole, and by a link where links are followed', () => {
  const file = join(folder, 'file');
  writeFileSync(file, 'x'.repeat(100_000));
  symlinkSync(file, join(folder, 'link'));
  expect(readPlainFile(file, 100_000).toString()).toBe(readFileSync(file, 'utf8'));
  expect(readPlainFile(join(folder, 'link'), 100_000)).toHaveLength(100_000);
  expect(() => readPlainFile(join(folder, 'link'), 100_000, { follow: false })).toThrow('ELOOP');
  expect(() => readPlainFile(file, 99_999)).toThrow('it has 100000 bytes, and 99999 are allowed');
  writeFileSync(file, '');
  expect(readPlainFile(file, 10)).toHaveLength(0);
});

test('what a statement or a plan is said to be is never waited for, and fills no memory', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const huge = join(folder, 'huge');
  writeFileSync(huge, '');
  truncateSync(huge, 2 ** 40);
  for (const [path, why] of [
    [pipe, 'it is no plain file'],
    ['/dev/zero', 'it is no plain file'],
    [folder, 'it is no plain file'],
    [huge, /it has 1099511627776 bytes, and \d+ are allowed/],
  ] as const) {
    expect(readHanded(path)).toMatchObject({ ok: false, error: { what: expect.stringMatching(why) } });
    expect(readPlanFile(path)).toMatchObject({
      ok: false,
      error: { code: 'no-plan', what: expect.stringMatching(why) },
    });
  }
});
