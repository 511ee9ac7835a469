import { createHash } from 'node:crypto';
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockHost } from '../../../src/effects/state/host-lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-lock-'));
  path = join(folder, 'web01');
});
afterEach(() => rmSync(folder, { recursive: true }));

const take = () => lockHost(path, 'web01', 'ada');
const refusal = () => {
  const taken = take();
  if (taken.ok) throw new Error('the lock was given');
  return taken.error;
};

/** Takes the lock, and makes it one of a process that is gone. */
function stale(): string {
  const taken = take();
  if (!taken.ok) throw new Error(taken.error.what);
  const owner = JSON.parse(readFileSync(path, 'utf8')) as { readonly started: string };
  const text = `${JSON.stringify({ ...owner, started: `${owner.started}0` })}\n`;
  writeFileSync(path, text);
  return text;
}

test('a lock is given once, is given back, and leaves no file behind', () => {
  const first = take();
  expect(first.ok).toBe(true);
  expect(refusal().what).toMatch(/^web01 is being worked on by ada on .* \(process \d+\)$/);
  expect(readdirSync(folder)).toEqual(['web01']);
  if (first.ok) first.value.release();
  expect(readdirSync(folder)).toEqual([]);
});

test('the lock of a process that is gone is taken over', () => {
  stale();
  expect(take().ok).toBe(true);
  expect(refusal().code).toBe('locked');
  expect(readdirSync(folder)).toEqual(['web01']);
});

test('a lock of another machine is never stale by itself', () => {
  writeFileSync(path, stale().replace(/"machine":"[^"]*"/, '"machine":"elsewhere"'));
  expect(refusal().what).toContain('on elsewhere');
});

test.each(['', 'null', '[]', '{}', '{"pid":1}'])('a lock that holds %j is refused, and the file is named', (text) => {
  writeFileSync(path, text);
  expect(refusal().what).toBe(`${path} holds a lock of web01 that cannot be read`);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

/** The lock under which a lock that holds `text` is removed. */
const removalOf = (of: string, text: string): string =>
  `${of}.${createHash('sha256').update(text).digest('hex').slice(0, 12)}.stale`;

test('a stale lock is left to the process that is already removing it', () => {
  const text = stale();
  // The one that removes it is alive: it is this one.
  const alive = text.replace(/"started":"(\d+)0"/, '"started":"$1"');
  writeFileSync(removalOf(path, text), alive);
  expect(refusal()).toMatchObject({
    what: 'the stale lock of web01 is being removed by another process',
    fix: 'Try again.',
    detail: expect.stringMatching(/^web01 is being worked on by ada on .* \(process \d+\)$/),
  });
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('processes that died while they removed the lock of one that had died are no hindrance, and leave nothing behind', () => {
  const text = stale();
  const removal = removalOf(path, text);
  writeFileSync(removal, text);
  const again = removalOf(removal, text);
  writeFileSync(again, text.replace('"ada"', '"bob"'));
  expect(take().ok).toBe(true);
  expect(refusal().code).toBe('locked');
  expect(readdirSync(folder)).toEqual(['web01']);
});

test('a lock that links to a stale one, as earlier versions left it, is cleared too', () => {
  linkSync(path, removalOf(path, stale()));
  expect(take().ok).toBe(true);
  expect(readdirSync(folder)).toEqual(['web01']);
});
