import { expect, it } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import { ok } from '../../src/core/result.ts';
import { loadRunbook } from '../../src/load/load-runbook.ts';

/** The complaints about a runbook of these steps, each a line of YAML. */
function complaints(...steps: readonly string[]): readonly string[] {
  const text = [
    'decom: 1',
    'name: r',
    'title: R',
    'phases:',
    '  - phase: p',
    '    title: P',
    '    steps:',
    ...steps.map((step) => `      - { ${step} }`),
    '',
  ];
  const loaded = loadRunbook('r.yaml', () => ok(Buffer.from(text.join('\n'))), actions);
  return loaded.ok ? [] : loaded.error.map((fault) => diagnosticText(fault));
}

const reset = 'id: reset, uses: bmc.reset';

it('lets the BMC be started anew as the last use of it', () => {
  expect(
    complaints(
      'id: light, uses: bmc.locate, with: { light: "on" }',
      'id: off, uses: power.off',
      reset,
      'id: told, uses: confirm, with: { question: "Is it gone?" }',
    ),
  ).toEqual([]);
});

it('refuses every step after it that uses the BMC, each with its place', () => {
  expect(
    complaints(
      reset,
      'id: who, uses: identity.check',
      'id: is, uses: power.status',
      'id: light, uses: bmc.locate, with: { light: "off" }',
      'id: off, uses: power.off',
      'id: again, uses: bmc.reset',
    ),
  ).toEqual([
    'r.yaml:9:9  step "who": identity.check uses the BMC, and "reset" (bmc.reset) before it is to be the last use of it. Move "reset" behind it.',
    'r.yaml:10:9  step "is": power.status uses the BMC, and "reset" (bmc.reset) before it is to be the last use of it. Move "reset" behind it.',
    'r.yaml:11:9  step "light": bmc.locate uses the BMC, and "reset" (bmc.reset) before it is to be the last use of it. Move "reset" behind it.',
    'r.yaml:12:9  step "off": power.off uses the BMC, and "reset" (bmc.reset) before it is to be the last use of it. Move "reset" behind it.',
    'r.yaml:13:9  step "again": bmc.reset uses the BMC, and "reset" (bmc.reset) before it is to be the last use of it. Move "reset" behind it.',
  ]);
});

it('refuses a condition after it that asks for the power', () => {
  expect(
    complaints(reset, `id: told, uses: confirm, with: { question: "Is it gone?" }, when: "facts.power == 'off'"`),
  ).toEqual([
    'r.yaml:9:9  step "told": its "when" asks the BMC for the power, and "reset" (bmc.reset) before it is to be the last use of it. Move "reset" behind it.',
  ]);
});
