import { expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import { loadRunbook } from '../../src/load/load-runbook.ts';

const book = (step: string) => `decom: 1
name: book
title: A book
params:
  at: { type: string, required: true }
phases:
  - phase: one
    title: One
    steps:
      - id: tidy
        uses: command.run
        with:
          ${step}
          probe: { argv: [test, -e, /gone] }
`;

const load = (step: string) => loadRunbook('book.yaml', () => ({ ok: true, value: Buffer.from(book(step)) }), actions);

test('a reference within the text of a script is refused: its value would become part of the program', () => {
  const loaded = load('shell: rm "${{ params.at }}"');
  if (loaded.ok) throw new Error('it was taken');
  expect(loaded.error.map(diagnosticText)).toEqual([
    'book.yaml:13:18  step "tidy": "with.shell": params.at stands within a program text, and its value would become part of the program. Hand the value over as one of "arguments", and write "$1" in the text.',
  ]);
});

test('a reference among the arguments of a script is taken', () => {
  expect(load('shell: rm -- "$1"\n          arguments: ["${{ params.at }}"]').ok).toBe(true);
});

test('what people may answer for is wanted as it is written', () => {
  const text = `decom: 1
name: book
params:
  kind: { type: string, default: roles }
phases:
  - phase: one
    steps:
      - { id: unused, uses: use.check, with: { protect: ["\${{ params.kind }}"] } }
`;
  const loaded = loadRunbook('book.yaml', () => ({ ok: true, value: Buffer.from(text) }), actions);
  if (loaded.ok) throw new Error('it was taken');
  expect(loaded.error.map(diagnosticText)).toEqual([
    'book.yaml:8:58  step "unused": "with.protect[0]": params.kind cannot stand here: it is wanted as it is written, before anything runs. Write the values themselves.',
  ]);
});
