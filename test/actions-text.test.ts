import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { actions } from '../src/actions/index.ts';
import { ok } from '../src/core/result.ts';
import { loadRunbook } from '../src/load/load-runbook.ts';

const text = readFileSync(join(import.meta.dirname, '../docs/actions.md'), 'utf8');
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

test('docs/actions.md has a section for every action, with every field of its "with"', () => {
  expect([...sections.keys()]).toEqual(actions.map((action) => action.kind));
  for (const { kind, input } of actions) {
    const { properties = {} } = input as { readonly properties?: object };
    for (const name of Object.keys(properties)) expect(sections.get(kind)).toContain(`| \`${name}\` |`);
  }
});

test('every section says what is demanded before the step and what it proves, its effect, and whether it is taken back', () => {
  for (const { kind, yields = [], demands } of actions) {
    const section = sections.get(kind) ?? '';
    expect(section).toContain('| effect | once | irreversible | rollback |');
    const [, proves] = /^(?:Demands no evidence; y|Y)ields ([^.]*(?:\.[a-z-]+`[^.]*)*)\./m.exec(section) ?? [];
    for (const evidence of yields) expect(proves, kind).toContain(`\`${evidence}\``);
    const demanded = demands?.({ disks: [] }) ?? [];
    for (const demand of demanded) expect(section).toContain(`| \`${demand.kind}\` | `);
    expect(section.includes('Demands no evidence')).toBe(demanded.length === 0);
  }
});

test.each(actions.map((action) => action.kind))('the example of %s is valid', (kind) => {
  const exampleOf = (section: string): string => {
    const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(sections.get(section) ?? '') ?? [];
    return yaml.replace(/^(?=.)/gm, '      ');
  };
  // What examples refer to stands before them.
  const before = {
    'restore.verify': ['backup.archive'],
    'network.check': ['network.isolate'],
    'power.off': ['backup.archive', 'restore.verify'],
    'power.cut': ['identity.attest'],
  };
  const steps = [...((before as { readonly [kind: string]: readonly string[] })[kind] ?? []), kind].map(exampleOf);
  expect(steps.at(-1)).toContain(`uses: ${kind}\n`);
  const runbook = `decom: 1\nname: example\nphases:\n  - phase: only\n    steps:\n${steps.join('')}`;
  const loaded = loadRunbook('r.yaml', () => ok(Buffer.from(runbook)), actions);
  expect(loaded.ok ? [] : loaded.error).toEqual([]);
});
