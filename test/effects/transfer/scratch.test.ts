import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { transferHandlers, transferProbes } from '../../../src/effects/transfer/handlers.ts';
import { openScratch } from '../../../src/effects/transfer/scratch.ts';
import { context, deps, temporary } from './fixture.ts';

let here: ReturnType<typeof temporary>;
let scratch: string;
beforeEach(() => {
  here = temporary();
  scratch = join(here.path, 'deep', 'scratch');
});
afterEach(() => here.remove());

const remove = (path: string) =>
  transferHandlers(deps())['scratch.remove']({ kind: 'scratch.remove', on: 'control', scratch: path }, context());

test('a scratch folder is made for its owner alone, and removed with all that is in it', async () => {
  expect(await openScratch(scratch)).toEqual({ ok: true, value: undefined });
  expect(statSync(scratch).mode & 0o777).toBe(0o700);
  mkdirSync(join(scratch, 'locked'));
  writeFileSync(join(scratch, 'locked', 'file'), '');
  chmodSync(join(scratch, 'locked'), 0o500);
  expect(await remove(scratch)).toMatchObject({ outcome: 'done' });
  expect(readdirSync(join(here.path, 'deep'))).toEqual([]);
  expect(await remove(scratch)).toMatchObject({ outcome: 'done' });
});

test('what an earlier attempt left in a scratch folder is cleared away', async () => {
  await openScratch(scratch);
  writeFileSync(join(scratch, 'half'), '');
  expect(await openScratch(scratch)).toMatchObject({ ok: true });
  expect(readdirSync(scratch)).toEqual([]);
});

test('an empty folder that is there already may be used', async () => {
  mkdirSync(scratch, { recursive: true });
  expect(await openScratch(scratch)).toMatchObject({ ok: true });
  expect(await remove(scratch)).toMatchObject({ outcome: 'done' });
});

test('a folder with files that decom did not put there is neither used nor removed', async () => {
  mkdirSync(scratch, { recursive: true });
  writeFileSync(join(scratch, 'mine'), '');
  const refused = { code: 'not-ours', what: `${scratch} is not an empty folder, nor a scratch folder that decom made` };
  expect(await openScratch(scratch)).toMatchObject({ ok: false, error: refused });
  expect(await remove(scratch)).toMatchObject({ outcome: 'failed', trouble: refused });
  expect(existsSync(join(scratch, 'mine'))).toBe(true);
});

test('another folder at the place of a scratch folder is not removed', async () => {
  await openScratch(scratch);
  renameSync(scratch, `${scratch}-moved`);
  mkdirSync(scratch);
  writeFileSync(join(scratch, 'mine'), '');
  expect(await remove(scratch)).toMatchObject({ outcome: 'failed', trouble: { code: 'not-ours' } });
  expect(existsSync(join(scratch, 'mine'))).toBe(true);
});

test('a copy that is not there or not whole is not restored', async () => {
  const copy = join(here.path, 'copy');
  const restore = () =>
    transferHandlers(deps())['copy.restore']({ kind: 'copy.restore', on: 'control', copy, scratch }, context());
  const refused = {
    outcome: 'failed',
    trouble: { code: 'no-such-copy', what: `there is no complete copy at ${copy}` },
  };
  expect(await restore()).toMatchObject(refused);
  mkdirSync(copy);
  writeFileSync(join(copy, 'copy.json'), '{"format":1,"method":"archive"}');
  expect(await restore()).toMatchObject(refused);
  expect(existsSync(scratch)).toBe(false);
});

const place = async (path: string) => transferProbes(deps()).place({ kind: 'place', path });

test('a place is seen as it is: missing, empty, filled, or no folder at all', async () => {
  expect(await place(scratch)).toMatchObject({
    known: true,
    value: { exists: false, empty: true, writable: true, above: here.path },
  });
  mkdirSync(scratch, { recursive: true });
  const seen = await place(scratch);
  expect(seen).toMatchObject({ known: true, value: { exists: true, empty: true, writable: true } });
  expect(seen.known && seen.value.free).toBeGreaterThan(0);
  writeFileSync(join(scratch, 'file'), '');
  expect(await place(scratch)).toMatchObject({ known: true, value: { exists: true, empty: false } });
  expect(await place(join(scratch, 'file'))).toMatchObject({ known: false, trouble: { code: 'not-a-folder' } });
});

test('copies are those of this host and method that are complete, the newest first', async () => {
  const copy = (name: string, more: object): void => {
    mkdirSync(join(here.path, name));
    const blob = { sha256: 'a'.repeat(64), bytes: 1 };
    const common = {
      ...{ format: 1, method: 'rsync', host: 'web01', serial: 'S-1', from: ['/srv'], exclude: [], manifest: blob },
      ...{ manifest_started: '2026-01-01T00:00:00Z', manifest_taken: '2026-01-01T00:00:00Z' },
      ...{ files: 1, entries: 1, bytes: 1, archive: null, unread: [] },
    };
    writeFileSync(join(here.path, name, 'copy.json'), JSON.stringify({ ...common, ...more }));
  };
  copy('a', { manifest_taken: '2026-02-01T00:00:00Z' });
  copy('b', { manifest_taken: '2026-03-01T00:00:00Z' });
  copy('c.partial', {});
  copy('d', { serial: 'S-2' });
  copy('e', { method: 'archive', archive: { sha256: 'b'.repeat(64), bytes: 1 } });
  mkdirSync(join(here.path, 'f'));
  writeFileSync(join(here.path, 'a file'), '');
  const copies = (folder: string, method: 'archive' | 'rsync') =>
    transferProbes(deps()).copies({ kind: 'copies', folder, method });
  expect(await copies(here.path, 'rsync')).toEqual({
    known: true,
    value: [join(here.path, 'b'), join(here.path, 'a')],
  });
  expect(await copies(here.path, 'archive')).toEqual({ known: true, value: [join(here.path, 'e')] });
  expect(await copies(join(here.path, 'nowhere'), 'rsync')).toEqual({ known: true, value: [] });
});
