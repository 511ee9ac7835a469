import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPartial } from '../../../src/effects/transfer/copy-folder.ts';
import { temporary } from './fixture.ts';

let here: ReturnType<typeof temporary>;
let to: string;
beforeEach(() => {
  here = temporary();
  to = join(here.path, 'copy');
});
afterEach(() => here.remove());

const intent = { method: 'rsync', host: 'web01', serial: 'S-1', from: ['/srv'], exclude: [] } as const;

/** One more attempt, whose tree holds a file with that content. */
async function attempt(content: string): Promise<readonly string[]> {
  const opened = await openPartial(to, intent);
  if (!opened.ok) throw new Error(opened.error.what);
  writeFileSync(join(opened.value.tree, 'file'), content);
  return opened.value.earlier;
}

test('trees of earlier attempts of rsync are kept to be linked, the newest first', async () => {
  expect(await attempt('first')).toEqual([]);
  const [only = ''] = await attempt('second');
  expect(readFileSync(join(only, 'file'), 'utf8')).toBe('first');
  const found = await attempt('third');
  expect(found.map((tree) => readFileSync(join(tree, 'file'), 'utf8'))).toEqual(['second', 'first']);
});

test('of many attempts the newest tree is never lost', async () => {
  for (let i = 0; i < 25; i++) {
    const earlier = await attempt(`${i}`);
    expect(earlier.length).toBeLessThanOrEqual(10);
    if (i > 0) expect(readFileSync(join(earlier[0] ?? '', 'file'), 'utf8')).toBe(`${i - 1}`);
  }
});

test('an attempt at something else begins anew', async () => {
  await attempt('first');
  await attempt('second');
  const other = await openPartial(to, { ...intent, from: ['/etc'] });
  expect(other).toMatchObject({ ok: true, value: { earlier: [] } });
  expect(existsSync(`${to}.partial/tree/file`)).toBe(false);
  expect(readdirSync(`${to}.partial`).sort()).toEqual(['partial.json', 'tree', 'work']);
});

test('the folder of the host is made below the one for copies, and that one never: it may be a vault that is not mounted', async () => {
  const opened = await openPartial(join(here.path, 'web01', 'p1-files'), intent);
  expect(opened).toMatchObject({ ok: true });
  const away = join(here.path, 'mnt', 'vault');
  const refused = await openPartial(join(away, 'web01', 'p1-files'), intent);
  expect(refused).toMatchObject({
    ok: false,
    error: {
      code: 'no-folder',
      what: `the folder for copies is not there; ${away} was named, and of that only ${here.path} exists here`,
      fix: expect.stringContaining(`mkdir -p ${away}`),
    },
  });
  expect(existsSync(join(here.path, 'mnt'))).toBe(false);
});
