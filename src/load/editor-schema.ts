import type { AnyAction } from '../core/action.ts';
import { HostsFile, WorkspaceFile } from '../core/host.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { AnswersFile } from './answers.ts';
import { formText } from './fault-text.ts';
import { PlanShape } from './plan-shape.ts';
import { PhaseShape, RunbookShape, StepShape, UseShape } from './runbook-shape.ts';

/**
 * JSON Schemas (draft-07) for editors, made from the same objects that validation uses. A step is a base `enum` of `uses` and one
 * nested if/then/else chain over the actions: with oneOf, anyOf or allOf editors name the wrong action and offer `with` once for each.
 */
export const runbookSchema = (actions: readonly AnyAction[]): JsonObject => ({
  ...document('runbook', RunbookShape),
  definitions: { ...definitions(actions), use: forEditors(UseShape) },
});

export const phaseSchema = (actions: readonly AnyAction[]): JsonObject => {
  const { step } = definitions(actions);
  return { ...document('phase', PhaseShape), definitions: { step } };
};

export const hostsSchema = (): JsonObject => document('hosts', HostsFile);
export const workspaceSchema = (): JsonObject => document('workspace', WorkspaceFile);
export const answersSchema = (): JsonObject => document('answers', AnswersFile);
export const planSchema = (): JsonObject => document('plan', PlanShape);

/** Every shipped schema by the name of its file under `schemas/`. */
export const editorSchemas = (actions: readonly AnyAction[]): { readonly [name: string]: JsonObject } => ({
  runbook: runbookSchema(actions),
  phase: phaseSchema(actions),
  hosts: hostsSchema(),
  workspace: workspaceSchema(),
  answers: answersSchema(),
  plan: planSchema(),
});

function document(name: string, shape: object): JsonObject {
  const schema = forEditors(shape);
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...schema, title: schema.title ?? `decom ${name}` };
}

function definitions(actions: readonly AnyAction[]) {
  return { step: stepSchema(actions), phase: forEditors(PhaseShape) };
}

function stepSchema(actions: readonly AnyAction[]): JsonObject {
  const step = forEditors(StepShape) as { readonly properties: { readonly [key: string]: JsonObject } };
  const uses = {
    ...step.properties.uses,
    enum: actions.map((action) => action.kind),
    enumDescriptions: actions.map((action) => action.about),
    markdownEnumDescriptions: actions.map(aboutAction),
  };
  return { ...step, properties: { ...step.properties, uses, with: true }, ...chain(actions) };
}

function chain([action, ...rest]: readonly AnyAction[]): JsonObject {
  if (action === undefined) return {};
  const input = withReferences(forEditors(action.input)) as JsonObject;
  const required = Array.isArray(input.required) && input.required.length > 0 ? { required: ['with'] } : {};
  return conditional(
    { properties: { uses: { const: action.kind } }, required: ['uses'] },
    { properties: { with: { ...input, markdownDescription: aboutAction(action) } }, ...required },
    rest.length === 0 ? undefined : chain(rest),
  );
}

/** An object literal with a key `then` would look like a promise to whoever reads it. */
const conditional = (condition: JsonObject, then: JsonObject, otherwise: JsonObject | undefined): JsonObject =>
  Object.fromEntries([
    ['if', condition],
    ['then', then],
    ...(otherwise === undefined ? [] : [['else', otherwise] as const]),
  ]);

const toDefinition = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` });

function aboutAction(action: AnyAction): string {
  const effects = {
    none: 'Changes nothing',
    adds: 'Adds, and changes nothing that is there',
    changes: 'Changes the host',
    destroys: 'Destroys',
  };
  const back = action.irreversible
    ? 'The serial is typed before it.'
    : action.rollback !== undefined
      ? 'It can be taken back.'
      : '';
  return `**${action.kind}** – ${action.about}\n\n${effects[action.effect]}. ${back}`.trim();
}

/** A plain copy: TypeBox's own marks are left behind, patterns get a full sentence, phases and steps point to their definitions. */
function forEditors(schema: object): JsonObject {
  const plain = JSON.parse(JSON.stringify(schema)) as { [key: string]: Json };
  const walk = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== 'object' || node === null) return node;
    const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value)]));
    if (typeof copy.pattern === 'string') {
      copy.patternErrorMessage = `Write ${formText({ ...copy, pattern: copy.pattern })}.`;
    }
    return copy;
  };
  const copy = walk(plain) as { [key: string]: Json };
  const { phases, steps } = (copy.properties ?? {}) as { [key: string]: { [key: string]: Json } };
  if (steps !== undefined) steps.items = toDefinition('step');
  if (phases !== undefined) {
    const phaseOrUse = conditional({ required: ['use'] }, toDefinition('use'), toDefinition('phase'));
    phases.items = { type: 'object', ...phaseOrUse };
  }
  return copy;
}

const reference = '\\$\\{\\{.*\\}\\}';
const orReference = 'or a reference: ${{ params.name }}';

/** Lets `${{ }}` stand wherever a value is wanted. Types become lists rather than alternatives, so that messages stay single. */
function withReferences(schema: Json, top = true): Json {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const node = { ...schema } as { [key: string]: Json };
  for (const key of ['properties', 'patternProperties']) {
    const children = node[key];
    if (typeof children !== 'object' || children === null) continue;
    node[key] = Object.fromEntries(
      Object.entries(children).map(([name, child]) => [name, withReferences(child, false)]),
    );
  }
  if (node.items !== undefined) node.items = withReferences(node.items, false);
  if (Array.isArray(node.anyOf)) node.anyOf = node.anyOf.map((child: Json) => withReferences(child, false));
  if (top) return node;
  if (Array.isArray(node.enum)) {
    const { enum: words, enumDescriptions, ...rest } = node;
    const fixed = enumDescriptions === undefined ? { enum: words } : { enum: words, enumDescriptions };
    return { ...rest, anyOf: [fixed, { type: 'string', pattern: reference }] } as Json;
  }
  switch (node.type) {
    case 'string': {
      if (typeof node.pattern !== 'string') return node;
      const said =
        typeof node.patternErrorMessage === 'string' ? node.patternErrorMessage.replace(/\.$/, '') : undefined;
      return {
        ...node,
        pattern: `(?:${node.pattern})|${reference}`,
        ...(said === undefined ? {} : { patternErrorMessage: `${said}, ${orReference}.` }),
      };
    }
    case 'integer':
    case 'number':
    case 'boolean':
    case 'array':
    case 'object': {
      const noun = {
        integer: 'a whole number',
        number: 'a number',
        boolean: 'true or false',
        array: 'a list',
        object: 'a mapping',
      };
      return {
        ...node,
        type: [node.type, 'string'],
        pattern: reference,
        patternErrorMessage: `Write ${noun[node.type]}, ${orReference}.`,
      };
    }
    default:
      return node;
  }
}
