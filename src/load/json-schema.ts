import type { Json } from '../core/json.ts';

/** The part of draft-07 that the project's TypeBox objects use; held by `test/schemas.test.ts`. */
export interface JsonSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: { readonly [key: string]: JsonSchema };
  readonly patternProperties?: { readonly [pattern: string]: JsonSchema };
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly pattern?: string;
  readonly description?: string;
  /** For editors and for us: what a text that does not match `pattern` should look like. */
  readonly patternErrorMessage?: string;
}

/** The schema of one key of a mapping. */
export function propertySchema(schema: JsonSchema, key: string): JsonSchema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  for (const [pattern, value] of Object.entries(schema.patternProperties ?? {})) {
    if (new RegExp(pattern, 'u').test(key)) return value;
  }
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

const wholeNumber = /^-?(0|[1-9]\d*)$/;

/** A text that is an integer and no more: no leading zeros, no exponent, no loss. */
export const toInteger = (text: string): number | undefined =>
  wholeNumber.test(text) && Number.isSafeInteger(Number(text)) && text !== '-0' ? Number(text) : undefined;

export const toBoolean = (text: string): boolean | undefined =>
  text === 'true' ? true : text === 'false' ? false : undefined;

/** Of several alternatives the one that the value was meant for, so that faults are told of that one only. */
export function branchFor(value: Json, branches: readonly JsonSchema[]): number {
  const scores = branches.map((branch) => likeness(value, branch));
  const best = Math.max(...scores);
  return best < 0 ? -1 : scores.indexOf(best);
}

function likeness(value: Json, schema: JsonSchema): number {
  if (schema.const !== undefined) return String(schema.const) === String(value) ? 4 : -1;
  if (schema.enum !== undefined) return schema.enum.some((e) => String(e) === String(value)) ? 4 : -1;
  if (Array.isArray(value)) return schema.type === 'array' ? 1 : -1;
  if (typeof value === 'object' && value !== null) {
    if (schema.type !== 'object') return -1;
    let score = 1;
    for (const [key, item] of Object.entries(value)) {
      const known = propertySchema(schema, key);
      if (known === undefined) continue;
      score += 1;
      const fixed = known.const ?? (known.enum?.length === 1 ? known.enum[0] : undefined);
      if (fixed !== undefined) score += String(fixed) === String(item) ? 100 : -100;
    }
    return Math.max(0, score);
  }
  switch (schema.type) {
    case 'string':
      return typeof value === 'string' ? 3 : 1;
    case 'integer':
      return typeof value === 'number' || (typeof value === 'string' && toInteger(value) !== undefined) ? 2 : -1;
    case 'boolean':
      return typeof value === 'boolean' || (typeof value === 'string' && toBoolean(value) !== undefined) ? 2 : -1;
    default:
      return schema.type === undefined && schema.anyOf === undefined ? 0 : -1;
  }
}
