import type { ErrorObject } from 'ajv';
import type { Json } from '../core/json.ts';
import { compileSchema, type Validate } from './compile-schema.ts';
import { branchFor, type JsonSchema } from './json-schema.ts';
import type { Path } from './node.ts';

/** One way in which a value does not fit its schema. */
export interface Fault {
  readonly path: Path;
  readonly keyword: string;
  readonly params: { readonly [name: string]: unknown };
  readonly schema: JsonSchema;
  readonly value: Json;
  readonly message: string;
}

const compiled = new WeakMap<object, Validate>();

/** Everything wrong with a value. Compiled once for each schema, when it is first asked. */
export function validatorOf(schema: object): (value: Json) => readonly Fault[] {
  return (value) => {
    let validate = compiled.get(schema);
    if (validate === undefined) {
      validate = compileSchema(schema);
      compiled.set(schema, validate);
    }
    return validate(value) ? [] : faultsOf(validate.errors ?? [], schema as JsonSchema, value);
  };
}

/** Of alternatives only the one the value was meant for is told, never "must match one of". */
function faultsOf(errors: readonly ErrorObject[], schema: JsonSchema, value: Json): readonly Fault[] {
  // Of this value only: another one of the same list may be meant for another branch.
  const dropped: { readonly schemaPath: string; readonly instancePath: string }[] = [];
  const kept: ErrorObject[] = [];
  for (const error of errors) {
    if (error.keyword !== 'anyOf') continue;
    const branches = schemaAt(error, schema).anyOf ?? [];
    const meant = branchFor(valueAt(error, value), branches);
    branches.forEach((_, i) => {
      const { schemaPath, instancePath } = error;
      if (i !== meant) dropped.push({ schemaPath: `${schemaPath}/${i}/`, instancePath });
    });
    if (meant === -1) kept.push(error);
  }
  const fixed = new Set(errors.filter((e) => e.keyword === 'const' || e.keyword === 'enum').map((e) => e.instancePath));
  const told = errors.filter((e) => {
    if (e.keyword === 'anyOf') return kept.includes(e);
    // "must be 1" says all that "must be a number" would add.
    if (e.keyword === 'type' && fixed.has(e.instancePath)) return false;
    return !dropped.some(
      (of) => e.schemaPath.startsWith(of.schemaPath) && `${e.instancePath}/`.startsWith(`${of.instancePath}/`),
    );
  });
  return told.map((error) => ({
    path: pointer(error.instancePath),
    keyword: error.keyword,
    params: error.params,
    schema: withAllKinds(error, schema),
    value: valueAt(error, value),
    message: error.message ?? '',
  }));
}

/** A word that tells alternatives apart (`kind`) may be any of theirs, so that is what a complaint about it offers. */
function withAllKinds(error: ErrorObject, root: JsonSchema): JsonSchema {
  const schema = schemaAt(error, root);
  const [, above, property] = /^(.*\/anyOf)\/\d+\/properties\/([^/]+)\/enum$/.exec(error.schemaPath) ?? [];
  if (above === undefined || property === undefined) return schema;
  const branches = partAt(root, schemaPointer(above)) as readonly JsonSchema[];
  return { ...schema, enum: branches.flatMap((branch) => branch.properties?.[property]?.enum ?? []) };
}

/** The schema that complains and the value it complains of. ajv could give both, at the price of writing them into its code. */
const schemaAt = (error: ErrorObject, root: JsonSchema): JsonSchema =>
  partAt(root, schemaPointer(error.schemaPath).slice(0, -1)) as JsonSchema;
const valueAt = (error: ErrorObject, root: Json): Json => partAt(root, pointer(error.instancePath)) as Json;
const partAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((part, step) => (part as { readonly [key: string]: unknown })[step], root);

const pointer = (text: string): Path =>
  text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
/** ajv encodes the keys in the path of a schema, and not those in the path of a value. */
const schemaPointer = (text: string): Path => pointer(text).map((part) => decodeURIComponent(String(part)));
