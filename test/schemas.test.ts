import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { actions } from '../src/actions/index.ts';
import { HostsFile, WorkspaceFile } from '../src/core/host.ts';
import { SecretRef } from '../src/core/secret.ts';
import { AnswersFile } from '../src/load/answers.ts';
import { checkedSchemas } from '../src/load/checked-schemas.ts';
import { editorWords } from '../src/load/compile-schema.ts';
import { editorSchemas } from '../src/load/editor-schema.ts';
import { PhaseShape, RunbookShape, StepShape, UseShape } from '../src/load/runbook-shape.ts';

const folder = new URL('../schemas/', import.meta.url);
const schemas = editorSchemas(actions);

describe('the schemas for editors', () => {
  it('are up to date (npm run schemas)', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.schema.json'));
    expect(files.sort()).toEqual(
      Object.keys(schemas)
        .map((name) => `${name}.schema.json`)
        .sort(),
    );
    for (const [name, schema] of Object.entries(schemas)) {
      expect(JSON.parse(readFileSync(new URL(`${name}.schema.json`, folder), 'utf8'))).toEqual(schema);
    }
  });

  const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
  ajv.addVocabulary(editorWords);
  const check = (name: string, value: unknown): readonly string[] => {
    const validate = ajv.compile(schemas[name] ?? false);
    return validate(value) ? [] : (validate.errors ?? []).map((e) => `${e.instancePath} ${e.keyword}`);
  };
  const phase = (step: object) => ({ phase: 'p', steps: [{ id: 'a', ...step }] });
  const references = {
    uses: 'command.run',
    with: {
      argv: ['x', '${{ params.x }}'],
      root: '${{ params.root }}',
      environment: '${{ params.env }}',
      probe: { argv: '${{ params.argv }}', exit: '${{ params.exit }}' },
    },
  };

  it.each<[string, object, readonly string[]]>([
    ['a step of each kind of value', { uses: 'service.stop', with: { units: ['a.service'], disable: false } }, []],
    ['references in place of every type', references, []],
    ['a reference where a word is wanted', { uses: 'power.status', with: { expect: '${{ params.p }}' } }, []],
    ['a reference in a text with a form', { uses: 'restore.verify', with: { backup: '${{ steps.b.backup }}' } }, []],
    ['an action without input', { uses: 'identity.check' }, []],
    ['a misspelt action', { uses: 'service.stopp' }, ['/steps/0/properties/uses enum']],
    ['another action’s input', { uses: 'service.stop', with: { from: ['/'] } }, ['/steps/0/with additionalProperties']],
    ['no input where it is required', { uses: 'restore.verify' }, ['/steps/0 required']],
    ['a wrong word', { uses: 'power.status', with: { expect: 'offf' } }, ['/steps/0/with/expect enum']],
    ['a text for a list', { uses: 'service.stop', with: { units: 'a.service' } }, ['/steps/0/with/units pattern']],
    ['an unknown key', { uses: 'identity.check', wihh: {} }, ['/steps/0 additionalProperties']],
  ])('judge %s', (_, step, expected) => {
    const found = check('phase', phase(step)).map((text) => text.replace('/steps/0/uses', '/steps/0/properties/uses'));
    // What if/then/else adds about the branch it took says nothing more.
    expect(found.filter((text) => !/ (if|anyOf)$/.test(text) && !text.endsWith('/expect pattern'))).toEqual(expected);
    const inRunbook = { decom: 1, name: 'r', phases: [{ use: 'p.yaml' }, phase(step)] };
    expect(check('runbook', inRunbook).length === 0).toBe(expected.length === 0);
  });

  it('describe every action and every key to the person who types it', () => {
    for (const [name, schema] of Object.entries(schemas)) {
      for (const { path, node } of nodesOf(schema)) {
        const properties = Object.entries((node.properties ?? {}) as Record<string, { description?: string }>);
        if (/\/(if|then)$/.test(path)) continue;
        for (const [key, property] of properties) {
          if (key === 'with') continue;
          expect(property.description, `${name}${path}/${key}`).toBeTypeOf('string');
        }
        if (node.pattern !== undefined && !path.includes('anyOf')) {
          expect(node.patternErrorMessage, `${name}${path}`).toMatch(/^Write .*\.$/);
          expect(node.patternErrorMessage, `${name}${path}`).not.toMatch(/of the form/);
        }
      }
    }
  });

  it('offer no alternatives for a step, because editors would name the wrong one', () => {
    for (const { path, node } of nodesOf(schemas.runbook ?? {})) {
      expect(
        ['oneOf', 'allOf', 'errorMessage', 'defaultSnippets'].filter((word) => word in node),
        path,
      ).toEqual([]);
    }
  });
});

describe('the types that schemas are made of', () => {
  const sources: readonly (readonly [string, object])[] = [
    ...Object.entries({
      HostsFile,
      WorkspaceFile,
      SecretRef,
      AnswersFile,
      StepShape,
      PhaseShape,
      RunbookShape,
      UseShape,
    }),
    ...actions.flatMap(({ kind, input, output }) => [
      [`${kind} input`, input] as const,
      ...(output === undefined ? [] : [[`${kind} output`, output] as const]),
    ]),
  ];
  const known = [
    ...'type const enum anyOf properties patternProperties additionalProperties required items pattern'.split(' '),
    ...'minLength maxLength minimum maximum minItems maxItems uniqueItems minProperties maxProperties'.split(' '),
    ...'title description'.split(' '),
    ...editorWords,
    ...'~kind ~optional ~readonly ~unsafe'.split(' '),
  ];

  it.each(sources)('%s uses only what validates as it reads', (_, schema) => {
    let nodes = 0;
    for (const { path, node } of nodesOf(schema)) {
      nodes += 1;
      // Refine and Codec leave a mark that JSON does not show and ajv ignores.
      expect(
        Object.getOwnPropertyNames(node).filter((word) => !known.includes(word)),
        path,
      ).toEqual([]);
      expect(Array.isArray(node.items), `${path}: a tuple`).toBe(false);
      if (typeof node.pattern === 'string') expect(() => new RegExp(node.pattern as string, 'u')).not.toThrow();
    }
    expect(nodes).toBeGreaterThan(0);
  });

  it.each(sources.filter(([name]) => !name.endsWith('output')))('%s takes no unknown keys', (_, schema) => {
    for (const { path, node } of nodesOf(schema)) {
      if (node.type === 'object') expect(node.additionalProperties, path || '/').toBe(false);
    }
  });

  it('are all compiled when the program is built', () => {
    const checked = new Set(checkedSchemas(actions));
    const partOfOthers = ['SecretRef'];
    for (const [name, schema] of sources) {
      if (!name.endsWith('output') && !partOfOthers.includes(name)) expect(checked.has(schema), name).toBe(true);
    }
  });

  it('give every action a mapping to put its input in', () => {
    for (const { kind, input } of actions) expect((input as { type?: string }).type, kind).toBe('object');
    expect(actions.length).toBeGreaterThan(10);
  });
});

type Node = Readonly<Record<string, unknown>>;

/** Every schema within a schema. */
function* nodesOf(schema: object, path = ''): Generator<{ readonly path: string; readonly node: Node }> {
  const node = schema as Node;
  yield { path, node };
  for (const key of ['properties', 'patternProperties', 'definitions']) {
    for (const [name, child] of Object.entries((node[key] ?? {}) as Record<string, unknown>)) {
      if (typeof child === 'object' && child !== null) yield* nodesOf(child, `${path}/${key}/${name}`);
    }
  }
  for (const key of ['items', 'if', 'then', 'else', 'additionalProperties']) {
    const child = node[key];
    if (typeof child === 'object' && child !== null) yield* nodesOf(child, `${path}/${key}`);
  }
  if (Array.isArray(node.anyOf))
    for (const [i, child] of node.anyOf.entries()) yield* nodesOf(child, `${path}/anyOf/${i}`);
}
