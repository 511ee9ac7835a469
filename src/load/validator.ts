import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Json } from '../core/json.ts';
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

/** Words that only editors read; ajv's strict mode must know them. */
export const editorWords = [
  'patternErrorMessage',
  'markdownDescription',
  'enumDescriptions',
  'markdownEnumDescriptions',
];

let ajv: Ajv | undefined;
const compiled = new WeakMap<object, ValidateFunction>();

/** Everything wrong with a value. Compiled once for each schema, when it is first asked. */
export function validatorOf(schema: object): (value: Json) => readonly Fault[] {
  return (value) => {
    let validate = compiled.get(schema);
    if (validate === undefined) {
      ajv ??= new Ajv({ allErrors: true, verbose: true, strict: true, strictTypes: false }).addVocabulary(editorWords);
      validate = ajv.compile(schema);
      compiled.set(schema, validate);
    }
    return validate(value) ? [] : faultsOf(validate.errors ?? []);
  };
}

/** Of alternatives only the one the value was meant for is told, never "must match one of". */
function faultsOf(errors: readonly ErrorObject[]): readonly Fault[] {
  const dropped: string[] = [];
  const kept: ErrorObject[] = [];
  for (const error of errors) {
    if (error.keyword !== 'anyOf') continue;
    const branches = error.schema as readonly JsonSchema[];
    const meant = branchFor(error.data as Json, branches);
    branches.forEach((_, i) => {
      if (i !== meant) dropped.push(`${error.schemaPath}/${i}/`);
    });
    if (meant === -1) kept.push(error);
  }
  const fixed = new Set(errors.filter((e) => e.keyword === 'const' || e.keyword === 'enum').map((e) => e.instancePath));
  const told = errors.filter((e) => {
    if (e.keyword === 'anyOf') return kept.includes(e);
    // "must be 1" says all that "must be a number" would add.
    if (e.keyword === 'type' && fixed.has(e.instancePath)) return false;
    return !dropped.some((prefix) => e.schemaPath.startsWith(prefix));
  });
  return told.map((error) => ({
    path: pointer(error.instancePath),
    keyword: error.keyword,
    params: error.params,
    schema: (error.parentSchema ?? {}) as JsonSchema,
    value: error.data as Json,
    message: error.message ?? '',
  }));
}

const pointer = (text: string): Path =>
  text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
