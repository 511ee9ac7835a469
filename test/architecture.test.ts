import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BrokenImport, brokenImports, importComplaints, importRules } from '../scripts/import-rules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A small tree in which each file breaks the rule that it is listed under, or none. */
const seeds: readonly (readonly [rule: string | null, file: string, text: string])[] = [
  [null, 'src/core/fine.ts', "import { createHash } from 'node:crypto';\nexport const fine = createHash;"],
  ['core-is-the-ground', 'src/core/up.ts', "export { drive } from '../engine/drive.ts';"],
  [
    'core-touches-nothing',
    'src/core/disk.ts',
    "import { readFileSync } from 'node:fs';\nexport const disk = readFileSync;",
  ],
  [null, 'src/core/types.ts', "import type { Readable } from 'node:stream';\nexport type Flow = Readable;"],
  ['actions-know-only-core', 'src/actions/a/engine.ts', "export { drive } from '../../engine/drive.ts';"],
  ['actions-touch-nothing', 'src/actions/a/disk.ts', "import { rmSync } from 'node:fs';\nexport const wipe = rmSync;"],
  ['no-action-imports-another', 'src/actions/a/other.ts', "export { two } from '../b/two.ts';"],
  [null, 'src/actions/b/two.ts', "export { shared as two } from '../parts/shared.ts';"],
  [null, 'src/actions/parts/shared.ts', 'export const shared = 1;'],
  ['load-knows-only-core', 'src/load/actions.ts', "export { two } from '../actions/b/two.ts';"],
  [
    'load-reads-no-files',
    'src/load/disk.ts',
    "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;",
  ],
  ['documents-know-only-core', 'src/documents/engine.ts', "export { drive } from '../engine/drive.ts';"],
  [
    'documents-touch-nothing',
    'src/documents/disk.ts',
    "import { writeFileSync } from 'node:fs';\nexport const w = writeFileSync;",
  ],
  [null, 'src/engine/drive.ts', "export { fine as drive } from '../core/fine.ts';"],
  ['engine-knows-only-core', 'src/engine/ssh.ts', "export { machine } from '../effects/ssh/machine.ts';"],
  [
    'engine-touches-nothing',
    'src/engine/time.ts',
    "import { setTimeout } from 'node:timers/promises';\nexport const s = setTimeout;",
  ],
  [null, 'src/effects/ssh/machine.ts', "export { start as machine } from '../process.ts';"],
  [null, 'src/effects/process.ts', "import { spawn } from 'node:child_process';\nexport const start = spawn;"],
  ['effects-know-only-core', 'src/effects/ssh/load.ts', "export { read } from '../../load/disk.ts';"],
  ['adapters-are-strangers', 'src/effects/bmc/ssh.ts', "export { machine } from '../ssh/machine.ts';"],
  ['adapters-are-strangers', 'src/effects/inventory.ts', "export { machine } from './ssh/machine.ts';"],
  [null, 'src/practice/machine.ts', 'export const practice = 1;'],
  ['practice-is-a-machine-of-its-own', 'src/practice/ssh.ts', "export { machine } from '../effects/ssh/machine.ts';"],
  ['only-the-demo-practises', 'src/cli/commands/plan.ts', "export { practice } from '../../practice/machine.ts';"],
  [null, 'src/cli/commands/demo.ts', "export { practice } from '../../practice/machine.ts';"],
  [null, 'src/cli/compose.ts', "export { machine } from '../effects/ssh/machine.ts';"],
  [
    'only-compose-chooses-adapters',
    'src/cli/commands/run.ts',
    "export { machine } from '../../effects/ssh/machine.ts';",
  ],
  ['only-cli-speaks-to-people', 'src/effects/colour.ts', "import chalk from 'chalk';\nexport const red = chalk.red;"],
  [
    'views-touch-nothing',
    'src/cli/view/disk.ts',
    "import { readFileSync } from 'node:fs';\nexport const v = readFileSync;",
  ],
  ['nobody-needs-the-tests', 'src/core/tested.ts', "export { t } from '../../test/t.ts';"],
  ['no-cycle', 'src/core/one.ts', "import { two } from './two.ts';\nexport const one = () => two;"],
  // A cycle is told once, at the file it was met first.
  [null, 'src/core/two.ts', "import { one } from './one.ts';\nexport const two = () => one;"],
  ['nothing-unresolved', 'src/core/lost.ts', "export { lost } from './nowhere.ts';"],
  [null, 'test/t.ts', 'export const t = 1;'],
];

let folder: string;
let found: { readonly modules: number; readonly broken: readonly BrokenImport[] };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-rooms-'));
  for (const [, file, text] of seeds) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${text}\n`);
  }
  symlinkSync(resolve(root, 'node_modules'), join(folder, 'node_modules'));
  found = await brokenImports(folder, ['src']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(seeds)('rule %s: the import in %s is judged by it alone', (rule, file) => {
  const rules = found.broken.filter((broken) => broken.from === file).map((broken) => broken.rule);
  expect([...new Set(rules)]).toEqual(rule === null ? [] : [rule]);
});

test('every rule has a seed that breaks it, and says why it is there', async () => {
  const broken = new Set(seeds.flatMap(([rule]) => (rule === null ? [] : [rule])));
  const rules = await importRules();
  expect(rules.map((rule) => rule.name).filter((name) => !broken.has(name))).toEqual([]);
  expect(found.broken.every((one) => one.reason.length > 30)).toBe(true);
});

test('the source keeps every rule, and more than nothing was looked at', async () => {
  const { modules, broken } = await brokenImports(root, ['src']);
  expect(modules).toBeGreaterThan(100);
  expect(broken).toEqual([]);
});

test('an empty tree is a failure, not a success', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'decom-rooms-'));
  try {
    mkdirSync(join(empty, 'src'));
    await expect(importComplaints(empty, ['src'])).resolves.toBe('no module was looked at, so nothing was checked');
  } finally {
    rmSync(empty, { recursive: true });
  }
});
