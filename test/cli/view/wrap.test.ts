import { describe, expect, test } from 'vitest';
import { bad, type Line, type Look, plainLook, render, renderLine, strong } from '../../../src/cli/view/text.ts';
import { troubleLines } from '../../../src/cli/view/trouble.ts';
import { trouble } from '../../../src/core/result.ts';

const wide = (columns: number): Look => ({ ...plainLook, columns: () => columns });
const rows = (lines: readonly Line[], columns: number): readonly string[] =>
  render(lines, wide(columns)).split('\n').slice(0, -1);

const told: readonly Line[] = [
  ...troubleLines(
    trouble(
      'evidence-old',
      'the evidence "restore.proven" is 26 h old; the limit is 24 h, and the host was written to since the copy was taken',
      'Have it made anew: decom replan 3f9c1a7be204 --redo last-copy --redo proof. Nothing was done to the host so far.',
      'a copy that is older than what is on the host is no copy of it — «старая копия» says nothing of what came after it',
    ),
  ),
  [strong('[3/17] power-off'), ' — Switch off the machine for good, once its copy is proven ', bad('(irreversible)')],
  'manifest        /srv/vault/web01/2026-11-22/manifest.mtree and the archive that stands beside it',
];

describe.each([40, 80, 200])('at %i columns', (columns) => {
  test('lines are broken at spaces alone, and no word is lost or cut', () => {
    const words = told.flatMap((line) => renderLine(line, plainLook).trim().split(/\s+/));
    const broken = rows(told, columns);
    expect(broken.flatMap((row) => row.trim().split(/\s+/))).toEqual(words);
    for (const row of broken) expect(row).toBe(row.trimEnd());
  });

  test('what fits a line is never wider than it, and as much stands on each as fits', () => {
    for (const line of told) {
      const broken = rows([line], columns);
      for (const [i, row] of broken.entries()) {
        const alone = /^ *(decom |\/)/.test(row);
        if (!alone) expect(row.length).toBeLessThanOrEqual(columns);
        const next = /^ *(\S+)/.exec(broken[i + 1] ?? '')?.[1];
        if (next !== undefined && next !== 'decom') expect(row.length + 1 + next.length).toBeGreaterThan(columns);
      }
    }
  });

  test('a command to copy stays in one piece', () => {
    expect(
      rows(told, columns).some((row) => row.includes('decom replan 3f9c1a7be204 --redo last-copy --redo proof')),
    ).toBe(true);
  });
});

test('later lines stand below the text of the first', () => {
  expect(rows(told, 40).slice(-6)).toEqual([
    '[3/17] power-off — Switch off the',
    '       machine for good, once its copy',
    '       is proven (irreversible)',
    'manifest',
    '  /srv/vault/web01/2026-11-22/manifest.mtree',
    '  and the archive that stands beside it',
  ]);
  expect(rows(told, 80).slice(-2)).toEqual([
    'manifest        /srv/vault/web01/2026-11-22/manifest.mtree and the archive that',
    '                stands beside it',
  ]);
  expect(rows(['  | Filesystem is full, says the program that was run'], 30)).toEqual([
    '  | Filesystem is full, says',
    '    the program that was run',
  ]);
});

test('the tone of a text goes on over the break', () => {
  const painted: Look = { unicode: true, columns: () => 20, paint: (tone, text) => `<${tone}>${text}</>` };
  expect(render([['So ', strong('a very long thing it is'), ' indeed']], painted)).toBe(
    'So <strong>a very long thing</>\n  <strong>it is</> indeed\n',
  );
});

test('characters that take two columns count for two, and accents for none', () => {
  expect(rows(['служба остановлена и отключена'], 20)).toEqual(['служба остановлена и', '  отключена']);
  expect(rows(['電源 電源 電源 電源 電源'], 20)).toEqual(['電源 電源 電源 電源', '  電源']);
  expect(rows(['e\u0301e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301e\u0301 abcdefgh'], 20)).toHaveLength(
    1,
  );
});

test('a stream that is no terminal, or one too narrow for words, keeps its lines whole', () => {
  expect(render(told, plainLook).split('\n')).toHaveLength(told.length + 1);
  expect(rows(told, 10)).toHaveLength(told.length);
});
