import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheOf, compileScript, runScript, sealed } from '../../src/cli/cached-script.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-cache-'));
  file = join(folder, 'script.cjs');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const source = (answer: number): string =>
  `(function (exports, require, module, __filename, __dirname) {exports.answer = () => [${answer}, require('node:path').basename(__filename)];\n});`;
const ask = (): unknown => {
  const script = compileScript(file);
  const { answer } = runScript(script, file, createRequire(file)) as { answer: () => unknown };
  return { answer: answer(), rejected: script.cachedDataRejected };
};
function keepCache(): void {
  const script = compileScript(file);
  runScript(script, file, createRequire(file));
  writeFileSync(cacheOf(file), sealed(script.createCachedData(), readFileSync(file)));
}

test('a script runs without a cache, and the same with one', () => {
  writeFileSync(file, source(4));
  expect(ask()).toEqual({ answer: [4, 'script.cjs'], rejected: undefined });
  keepCache();
  expect(ask()).toEqual({ answer: [4, 'script.cjs'], rejected: false });
});

test('a cache is for one system and processor', () => {
  expect(cacheOf('a.cjs')).toBe(`a.cjs.${process.version}-${process.platform}-${process.arch}.cache`);
});

test('a cache of another source of the same length is not shown to V8', () => {
  writeFileSync(file, source(4));
  keepCache();
  writeFileSync(file, source(5));
  expect(ask()).toEqual({ answer: [5, 'script.cjs'], rejected: undefined });
});

test('a cache in which any bit is another is not shown to V8, which would run it', () => {
  writeFileSync(file, source(4));
  keepCache();
  const whole = readFileSync(cacheOf(file));
  let seed = 20_250_101;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return (seed >> 8) % below;
  };
  const places = Array.from({ length: 50 }, () => random(whole.length));
  for (const at of [0, ...places, whole.length - 1]) {
    const bad = Buffer.from(whole);
    bad[at] = (whole[at] ?? 0) ^ (1 << random(8));
    writeFileSync(cacheOf(file), bad);
    expect(ask(), `byte ${at}`).toEqual({ answer: [4, 'script.cjs'], rejected: undefined });
  }
});

test.each([
  ['cut off', (cache: Buffer) => cache.subarray(0, cache.length / 2)],
  ['cut to less than its checksum', (cache: Buffer) => cache.subarray(0, 3)],
  ['empty', () => Buffer.alloc(0)],
  ['something else', () => Buffer.from('nothing that V8 has written')],
])('a cache that is %s is not shown to V8', (_, spoil) => {
  writeFileSync(file, source(4));
  keepCache();
  writeFileSync(cacheOf(file), spoil(readFileSync(cacheOf(file))));
  expect(ask()).toEqual({ answer: [4, 'script.cjs'], rejected: undefined });
});

test('a whole cache of another V8 costs time and nothing else', () => {
  writeFileSync(file, source(4));
  const script = compileScript(file);
  // Another source of that length, as V8 knows within a process what it has compiled.
  writeFileSync(file, source(6));
  const foreign = Buffer.concat([Buffer.alloc(16, 7), script.createCachedData().subarray(16)]);
  writeFileSync(cacheOf(file), sealed(foreign, readFileSync(file)));
  expect(ask()).toEqual({ answer: [6, 'script.cjs'], rejected: true });
});

test('where Node has no checksum, there is no cache', () => {
  writeFileSync(file, source(4));
  keepCache();
  const { getBuiltinModule } = process;
  try {
    Object.assign(process, { getBuiltinModule: undefined });
    expect(ask()).toEqual({ answer: [4, 'script.cjs'], rejected: undefined });
  } finally {
    Object.assign(process, { getBuiltinModule });
  }
});
