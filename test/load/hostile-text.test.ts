import fc from 'fast-check';
import { expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { makeBind } from '../../src/load/bind.ts';
import type { SourceNode } from '../../src/load/node.ts';
import { parsed, parseSource } from '../../src/load/source.ts';
import { parseTemplate } from '../../src/load/template.ts';
import { parseHosts, parseWorkspace } from '../../src/load/workspace.ts';

/** Pieces that mean something to YAML, so that what is made of them often nearly is some. */
const yamlPieces = fc.constantFrom(
  ...[
    'a',
    'decom: 1',
    'hosts:',
    '\n',
    '\n  ',
    '\n    ',
    ': ',
    '- ',
    '? ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '&a ',
    '*a',
    '!!js ',
    '!',
  ],
  ...[
    '|\n',
    '>-\n',
    '"',
    "'",
    '\\',
    '\\u0000',
    '#',
    '---\n',
    '...\n',
    '<<: ',
    '~',
    'null',
    '0x1F',
    '1e400',
    '\t',
    '\0',
    '\u2028',
    '\ufeff',
    'ö',
    '\r',
  ],
);
const yamlish = fc.string({ unit: yamlPieces, maxLength: 40 });
const anyBytes = fc.oneof(
  yamlish.map((text) => new TextEncoder().encode(text)),
  fc.uint8Array({ maxLength: 200 }),
);

test('whatever bytes a file holds, they are read or refused with a place in the file, and never end the program', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const lines = new TextDecoder().decode(bytes).split('\n').length;
      for (const read of [parseSource, parseWorkspace, parseHosts]) {
        const result = read(bytes, 'x.yaml');
        if (result.ok) continue;
        expect(result.error.length).toBeGreaterThan(0);
        for (const { line, column, what, fix } of result.error) {
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(lines + 1);
          expect(column).toBeGreaterThan(0);
          expect(what).not.toBe('');
          expect(fix).not.toBe('');
        }
      }
    }),
    { numRuns: 600 },
  );
});

const textsIn = (node: SourceNode): unknown => {
  if (node.kind === 'text') return node.text;
  if (node.kind === 'list') return node.items.map(textsIn);
  return node.entries.map(({ key, value }) => [key, textsIn(value)]);
};

test('every text comes back as it was written, whatever YAML would make of it', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('0012345', '7E12345', 'no', '~', '<<', '*a', '${{ x }}', '__proto__'),
  );
  const { value } = fc.letrec<{ readonly value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      texts.filter((text) => text !== '' && text.isWellFormed()),
      fc.array(tie('value'), { minLength: 1, maxLength: 3 }),
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        tie('value'),
        { minKeys: 1, maxKeys: 3 },
      ),
    ),
  }));
  const entriesOf = (of: unknown): unknown => {
    if (typeof of === 'string') return of;
    if (Array.isArray(of)) return of.map(entriesOf);
    return Object.entries(of as object).map(([key, inner]) => [key, entriesOf(inner)]);
  };
  fc.assert(
    fc.property(value, (written) => {
      const read = parsed(JSON.stringify(written), 'x.yaml');
      expect(read.ok && textsIn(read.value)).toEqual(entriesOf(written));
    }),
    { numRuns: 500 },
  );
});

const templatePieces = fc.constantFrom(
  ...[
    '${{',
    '}}',
    '$',
    '{',
    '}',
    ' ',
    'params.vault',
    'steps.files.backup',
    'host.serial',
    'x',
    '.',
    '..',
    '__proto__',
    '\n',
  ],
);

test('a text with references is cut into pieces that make up the whole text again, or is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: templatePieces, maxLength: 20 }), (text) => {
      const cut = parseTemplate(text);
      if (!cut.ok) return;
      // Blanks within the brackets are not kept.
      const again = cut.value.map((part) => (typeof part === 'string' ? part : `\${{${part.text}}}`)).join('');
      expect(again).toBe(text.replace(/\$\{\{\s*([^}]*?)\s*\}\}/g, '${{$1}}'));
    }),
    { numRuns: 2000 },
  );
});

test('what a value holds is never read as a reference, and reaches the argument as it is', () => {
  const bind = makeBind(actions);
  const hostile = fc.oneof(
    fc.string({ unit: templatePieces, minLength: 1, maxLength: 20 }),
    fc.string({ unit: 'binary', minLength: 1 }),
  );
  fc.assert(
    fc.property(hostile, hostile, (value, said) => {
      const bound = bind(
        {
          id: 'x',
          uses: 'command.run',
          with: {
            argv: ['echo', '${{ params.given }}', 'a ${{ steps.before.stdout }} b'],
            probe: { argv: ['true'] },
          },
        },
        {
          params: { given: value },
          host: { serial: 'the-serial' },
          facts: {},
          steps: { before: { stdout: said } },
        },
      );
      expect(bound.ok ? (bound.value.input as { argv: unknown }).argv : bound.error).toEqual([
        'echo',
        value,
        `a ${said} b`,
      ]);
    }),
    { numRuns: 500 },
  );
});
