import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../../src/core/json.ts';
import { fileBlobs } from '../../../src/effects/state/blob-store.ts';
import { runStore } from '../../../src/effects/state/run-store.ts';

/*
 * What a log refers to may come from somebody else: in a bundle, or in a folder that others could write to.
 */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-blobs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const blobs = () => fileBlobs(join(folder, 'out'), (text) => text);

test('what was put is whole, and something else in its place is not', () => {
  const ref = blobs().put('content');
  expect(blobs().check(ref)).toBe('whole');
  expect(Buffer.from(blobs().get(ref)).toString()).toBe('content');
  writeFileSync(join(folder, 'out', ref.sha256), 'Content');
  expect(blobs().check(ref)).toBe('different');
  expect(blobs().check({ ...ref, sha256: '0'.repeat(64) })).toBe('missing');
});

test.each<[string, (path: string) => void]>([
  [
    'a link to the very same',
    (path) => {
      renameSync(path, `${path}.moved`);
      symlinkSync(`${path}.moved`, path);
    },
  ],
  [
    'a pipe that nobody writes to',
    (path) => {
      rmSync(path);
      expect(spawnSync('mkfifo', [path]).status).toBe(0);
    },
  ],
  ['something larger than the memory', (path) => truncateSync(path, 2 ** 40)],
])('%s is told as different, and is neither waited for nor read', (_what, replace) => {
  const ref = blobs().put('content');
  replace(join(folder, 'out', ref.sha256));
  expect(blobs().check(ref)).toBe('different');
  expect(() => blobs().get(ref)).toThrow('not what the log refers to');
});

test('a name that climbs out of the folder names nothing', () => {
  blobs().put('content');
  writeFileSync(join(folder, 'secret'), 'secret');
  const ref = { sha256: '../secret', bytes: 6 };
  expect(blobs().check(ref)).toBe('different');
  expect(() => blobs().get(ref)).toThrow('not what the log refers to');
  expect(blobs().check({ sha256: sha256(Buffer.from('secret')), bytes: 6 })).toBe('missing');
});

test('no run is kept in a folder that everybody may write to', () => {
  const state = join(folder, 'state');
  const store = () => runStore({ path: state, operator: 'ada', redact: (text) => text });
  mkdirSync(state);
  expect(store().prepare().ok).toBe(true);
  for (const open of [state, join(state, 'runs')]) {
    chmodSync(open, 0o707);
    expect(store().prepare()).toMatchObject({
      ok: false,
      error: { what: expect.stringContaining(`everybody may write to ${open}`) },
    });
    chmodSync(open, 0o770);
    expect(store().prepare().ok).toBe(true);
  }
});
