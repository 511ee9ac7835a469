import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { actions } from '../../src/actions/index.ts';
import type { AnyAction, ExamineContext, Past, Probe, Setting, Verdict } from '../../src/core/action.ts';
import type { Json } from '../../src/core/json.ts';
import type { Operation } from '../../src/core/operation.ts';
import { type Facts, probeOf } from './world.ts';

/** One case of a table: what goes in, what the probes see, and what must come out. */
interface Case {
  readonly it: string;
  readonly input: Json;
  /** The complaint of the schema or of `check`; nothing else happens then. */
  readonly refused?: string;
  readonly setting?: { readonly [part: string]: Json };
  readonly past?: Past;
  /** `foreseen` instead of facts: an input is still unknown. */
  readonly facts?: Facts | 'foreseen';
  /** What earlier steps will have done. */
  readonly earlier?: readonly Operation[];
  readonly operations?: readonly Json[];
  /** The exact text of the trouble that blocks. */
  readonly blocked?: string;
  readonly fix?: string;
  /** What a plan says beside the operations. */
  readonly remarks?: readonly string[];
  /** What the probes see after the operations, over `facts`. */
  readonly after?: Facts;
  readonly afterwards?: Past;
  readonly verdict?: { readonly [part: string]: Json };
  readonly tidy?: readonly Json[];
  /** Rolled back from the state of `after` to that of `facts`. */
  readonly rollback?: readonly Json[] | { readonly blocked: string };
  readonly back?: Facts;
  readonly rolled_back?: { readonly [part: string]: Json };
}

const here = import.meta.dirname;
const setting: Setting = {
  host: { name: 'web01', serial: '0012345', uuid: 'a1234567-89ab-cdef-a123-456789abcdef', sudo: true, hasBmc: true },
  expected: {
    serial: '0012345',
    uuid: 'a1234567-89ab-cdef-a123-456789abcdef',
    machine_id: '0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c',
    host_keys: ['ssh-ed25519 AAAAgood root@web01'],
    bmc_guid: 'a1234567-89ab-cdef-a123-456789abcdef',
  },
  step: 'this',
  plan: 'p1',
  helpers: {},
  scratch: '/state/scratch',
};

const tablesOf = (kind: string): readonly string[] => {
  try {
    return readdirSync(join(here, kind)).filter((name) => name.endsWith('.yaml'));
  } catch {
    return [];
  }
};

describe('the list of actions', () => {
  it('holds every file of src/actions, each under the name of its path', () => {
    const root = join(here, '../../src/actions');
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((path) => path !== 'index.ts' && !path.startsWith('parts/'));
    expect(files.length).toBeGreaterThan(0);
    const kinds = files.map((path) => path.replace(/\.ts$/, '').replaceAll('/', '.'));
    expect(actions.map((action) => action.kind).sort()).toEqual(kinds.sort());
  });

  it('has no table for a kind that does not exist', () => {
    const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) expect(actions.map((action) => action.kind)).toContain(name);
  });

  it('says of every action that asks or tells the BMC that it does', () => {
    const root = join(here, '../../src/actions');
    const asks = actions.filter(({ kind }) => {
      const text = readFileSync(join(root, `${kind.replaceAll('.', '/')}.ts`), 'utf8');
      return /kind: '(power|bmc\.[a-z]+)'[ ,}]/.test(text.replace(/^ {2}kind: .*$/m, ''));
    });
    expect(asks.map(({ kind }) => kind)).toContain('power.off');
    expect(actions.filter(({ bmc }) => bmc !== undefined)).toEqual(asks);
  });

  it('uses plain schema words only, which every validator and editor understands', () => {
    const schemas = JSON.stringify(actions.map(({ input, output }) => [input, output]));
    for (const word of ['anyOf', 'oneOf', 'allOf', '$ref', 'unevaluatedProperties', '~refine']) {
      expect(schemas).not.toContain(`"${word}"`);
    }
  });

  it.each(actions.map((action) => [action.kind, action] as const))(
    '%s describes every input field',
    (_kind, action) => {
      const { properties, additionalProperties } = action.input as unknown as {
        properties: { [name: string]: { description?: string } };
        additionalProperties: boolean;
      };
      expect(additionalProperties).toBe(false);
      for (const [name, field] of Object.entries(properties)) expect(field.description, name).toBeTruthy();
    },
  );
});

describe.each(actions.map((action) => [action.kind, action] as const))('%s', (kind, action) => {
  const tables = tablesOf(kind);
  it('has a table of cases', () => expect(tables).not.toEqual([]));
  describe.each(tables)('%s', (table) => {
    const cases = parse(readFileSync(join(here, kind, table), 'utf8'), { merge: true }) as readonly Case[];
    it('is not empty', () => expect(cases.length).toBeGreaterThan(0));
    it.each(cases.map((one) => [one.it, one] as const))('%s', (_name, one) => check(action, one));
  });
});

async function check(action: AnyAction, one: Case): Promise<void> {
  const complaint = refusal(action, one.input);
  if (one.refused !== undefined) return expect(complaint).toBe(one.refused);
  expect(complaint).toBeUndefined();
  const mine = withParts(one.setting ?? {});
  const seen = one.facts ?? {};
  const facts =
    seen === 'foreseen'
      ? action.foresee?.(one.input, mine)
      : await action.inspect(one.input, probeOf(seen), one.past ?? { done: [] }, mine);
  // The journal keeps facts as JSON, so they must be the same after that.
  expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  const left = one.earlier === undefined ? facts : action.left?.(facts, one.earlier);
  if (one.remarks !== undefined) expect(action.remarks?.(left, mine)).toEqual(one.remarks);
  const planned = action.plan(one.input, left, mine);
  if (one.blocked !== undefined) {
    expect(planned).toMatchObject({
      blocked: { what: one.blocked, ...(one.fix === undefined ? {} : { fix: one.fix }) },
    });
  } else if (one.operations !== undefined) {
    expect(planned).toEqual(one.operations);
  } else {
    expect(one.verdict ?? one.rollback, 'a case expects operations, a block, a verdict or a rollback').toBeDefined();
  }
  const now: Facts = { ...(seen === 'foreseen' ? {} : seen), ...one.after };
  if (one.verdict !== undefined) expectVerdict(await verdictOf(action, one, probeOf(now), mine), one.verdict);
  if (one.tidy !== undefined) expect(action.tidy?.(one.input, mine)).toEqual(one.tidy);
  if (one.rollback !== undefined) {
    const state = await action.inspect(one.input, probeOf(now), { done: [] }, mine);
    const back = action.rollback?.plan(one.input, facts, state, mine);
    if ('blocked' in one.rollback) expect(back).toMatchObject({ blocked: { what: one.rollback.blocked } });
    else expect(back).toEqual(one.rollback);
  }
  if (one.rolled_back !== undefined) {
    const state = await action.inspect(one.input, probeOf({ ...now, ...one.back }), { done: [] }, mine);
    const verdict = action.rollback?.verify(one.input, facts, state);
    expectVerdict(verdict ?? { ok: true, output: {}, evidence: [], said: '' }, one.rolled_back);
  }
}

async function verdictOf(action: AnyAction, one: Case, probe: Probe, mine: Setting): Promise<Verdict> {
  const context: ExamineContext = {
    probe,
    signal: new AbortController().signal,
    sleep: async () => {},
    progress: () => {},
    past: one.afterwards ?? one.past ?? { done: [] },
  };
  const after =
    action.examine === undefined
      ? await action.inspect(one.input, probe, one.afterwards ?? one.past ?? { done: [] }, mine)
      : await action.examine(one.input, [], context, mine);
  return action.verify(one.input, after, mine);
}

/** A failing verdict is compared by its exact text, a good one by all that it names. */
function expectVerdict(verdict: Verdict, expected: { readonly [part: string]: Json }): void {
  if (verdict.ok)
    expect({ said: verdict.said, output: verdict.output, evidence: verdict.evidence }).toMatchObject(expected);
  else expect(verdict.trouble).toMatchObject(expected);
  expect(Object.keys(expected)).toContain(verdict.ok ? 'said' : 'what');
}

const ajv = new Ajv({ strict: true, allErrors: true }).addVocabulary(['patternErrorMessage']);

function refusal(action: AnyAction, input: Json): string | undefined {
  const valid = ajv.compile(action.input);
  if (!valid(input)) return ajv.errorsText(valid.errors, { dataVar: 'with' });
  return action.check?.(input);
}

/** Parts of the setting changed by a case; a null takes a field away. */
function withParts(parts: { readonly [part: string]: Json }): Setting {
  const merged: { [part: string]: unknown } = { ...setting };
  for (const [name, part] of Object.entries(parts)) {
    if (typeof part !== 'object' || Array.isArray(part)) {
      merged[name] = part;
      continue;
    }
    const fields = { ...(merged[name] as object), ...(part as object) };
    merged[name] = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
  }
  return merged as unknown as Setting;
}
