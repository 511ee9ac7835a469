import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CopyDescription } from '../../../src/core/probe.ts';
import { transferHandlers, transferProbes } from '../../../src/effects/transfer/handlers.ts';
import { context, deps, nastySource, temporary } from './fixture.ts';

let here: ReturnType<typeof temporary>;
beforeEach(() => {
  here = temporary();
});
afterEach(() => here.remove());

const archive = (from: readonly string[], to: string, exclude: readonly string[] = []) =>
  ({ kind: 'copy.archive', on: 'control', from, exclude, to, root: false }) as const;

test('what is archived and restored equals the source in every attribute that a manifest has', async () => {
  const source = nastySource(here.path);
  const mine = deps();
  const to = join(here.path, 'vault', 'copy');
  const done = await transferHandlers(mine)['copy.archive'](archive([source], to), context());
  expect(done).toMatchObject({ outcome: 'done' });
  const description: CopyDescription = JSON.parse(readFileSync(join(to, 'copy.json'), 'utf8'));
  expect(description).toMatchObject({ format: 1, method: 'archive', host: 'web01', unread: [] });
  expect(existsSync(join(to, 'partial.json'))).toBe(false);

  const scratch = join(here.path, 'scratch');
  expect(
    await transferHandlers(mine)['copy.restore']({ kind: 'copy.restore', on: 'control', copy: to, scratch }, context()),
  ).toMatchObject({ outcome: 'done' });
  const compared = await transferProbes(mine)['tree.compare']({ kind: 'tree.compare', copy: to, tree: scratch });
  expect(compared).toMatchObject({ known: true, value: { equal: true, missing: [], extra: [], different: [] } });
});
