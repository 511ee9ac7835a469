import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheOf, compileScript, runScript } from '../../src/cli/cached-script.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-cache-'));
  file = join(folder, 'script.cjs');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const [one, other] = ['1'.repeat(64), '2'.repeat(64)];
const source = (answer: number, mark: string): string =>
  `(function (exports, require, module, __filename, __dirname) {exports.answer = () => [${answer}, require('node:path').basename(__filename)];\n});//${mark}`;
const ask = (): unknown => {
  const script = compileScript(file);
  const { answer } = runScript(script, file, createRequire(file)) as { answer: () => unknown };
  return { answer: answer(), rejected: script.cachedDataRejected };
};
function keepCache(mark: string): void {
  const script = compileScript(file);
  runScript(script, file, createRequire(file));
  writeFileSync(cacheOf(file), Buffer.concat([script.createCachedData(), Buffer.from(mark)]));
}

test('a script runs without a cache, and the same with one', () => {
  writeFileSync(file, source(4, one));
  expect(ask()).toEqual({ answer: [4, 'script.cjs'], rejected: undefined });
  keepCache(one);
  expect(ask()).toEqual({ answer: [4, 'script.cjs'], rejected: false });
});

test('a cache of another source of the same length is not looked at', () => {
  writeFileSync(file, source(4, one));
  keepCache(one);
  writeFileSync(file, source(5, other));
  expect(ask()).toEqual({ answer: [5, 'script.cjs'], rejected: undefined });
});

test.each([
  ['cut off', (cache: Buffer) => cache.subarray(0, cache.length / 2)],
  ['empty', () => Buffer.alloc(0)],
  ['of another V8', (cache: Buffer) => Buffer.concat([Buffer.alloc(16, 7), cache.subarray(16)])],
])('a cache that is %s costs time and nothing else', (_, spoil) => {
  writeFileSync(file, source(4, one));
  keepCache(one);
  const whole = readFileSync(cacheOf(file));
  // Another source of that length, as V8 knows within a process what it has compiled.
  writeFileSync(file, source(6, one));
  writeFileSync(cacheOf(file), Buffer.concat([spoil(whole.subarray(0, -64)), Buffer.from(one)]));
  expect(ask()).toEqual({ answer: [6, 'script.cjs'], rejected: true });
});
