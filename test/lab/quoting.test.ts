import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type As, commandLine } from '../../src/effects/ssh/command-line.ts';

/*
 * What a login shell is handed, run by real shells: every argument and every variable arrives as it was, whatever it holds.
 */

/** Each code point of one byte but NUL, what shells read, and what only looks like an end. */
const pieces = fc.oneof(
  fc.integer({ min: 1, max: 127 }).map((code) => String.fromCharCode(code)),
  fc.constantFrom(
    ...[
      "'",
      '"',
      '\\',
      '$(id)',
      '`id`',
      '$x',
      '${x}',
      '!',
      '!!',
      '\n',
      '\r\n',
      '-',
      '--',
      '~',
      '*',
      ';',
      '&',
      '|',
      '=',
      '#',
      'ö',
      '€',
      '𝄞',
    ],
  ),
);
const word = fc.string({ unit: pieces, maxLength: 12 });
const all = String.fromCharCode(...Array.from({ length: 127 }, (_, n) => n + 1));

const shells: readonly (readonly string[])[] = [['sh'], ['dash'], ['bash'], ['busybox', 'sh']];
/** Says what it was given, each with a NUL behind it. */
const dump = 'printf "%s\\0" "$#" "$@" "$ONE" "$TWO" "$PWD"';

/** What a program saw of its arguments, its variables and its folder, behind that shell. */
function arrived(
  [shell = '', ...options]: readonly string[],
  words: readonly string[],
  environment: { readonly [name: string]: string },
  known: 'plain' | 'unknown',
): unknown {
  const command = { argv: ['sh', '-c', dump, 'sh', ...words], root: false, environment, directory: '/usr' };
  const line = commandLine(command, 'login' satisfies As, 'mark', known);
  if (!line.ok) throw new Error(line.error.what);
  const ran = spawnSync(shell, [...options, '-c', line.value.text], { input: line.value.preface, encoding: 'utf8' });
  expect(ran.stdout, ran.stderr).toMatch(/^mark\n/);
  return ran.stdout.slice('mark\n'.length).split('\0').slice(0, -1);
}

test.each(shells.flatMap((shell) => [['plain', shell] as const, ['unknown', shell] as const]))(
  'as %s, %j hands every word and every variable on as it is',
  (known, shell) => {
    const given = [all, `-${all}`, '', '--'];
    expect(arrived(shell, given, { ONE: all, TWO: '' }, known)).toEqual(['4', ...given, all, '', '/usr']);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), word, (words, value) => {
        const wanted = [String(words.length), ...words, value, 'x', '/usr'];
        expect(arrived(shell, words, { ONE: value, TWO: 'x' }, known)).toEqual(wanted);
      }),
      { numRuns: 30 },
    );
  },
);
