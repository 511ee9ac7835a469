import type { Json } from '../core/json.ts';
import { branchFor, type JsonSchema, propertySchema, toBoolean, toInteger } from './json-schema.ts';

/**
 * Gives texts the type that the schema wants: whole numbers and `true`/`false`, exactly as written, and nothing else. What does not
 * fit stays as it is, for the validation to complain of. A number or truth that a parameter brought into a text field becomes text.
 */
export function coerce(value: Json, schema: JsonSchema): Json {
  if (schema.anyOf !== undefined) {
    const branch = schema.anyOf[branchFor(value, schema.anyOf)];
    return branch === undefined ? value : coerce(value, branch);
  }
  if (typeof value === 'string') return coerceText(value, schema);
  if (typeof value === 'number' || typeof value === 'boolean') return schema.type === 'string' ? String(value) : value;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => coerce(item, items));
  }
  if (value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const known = propertySchema(schema, key);
      return [key, known === undefined ? item : coerce(item, known)];
    }),
  );
}

function coerceText(text: string, schema: JsonSchema): Json {
  const fixed = schema.const === undefined ? (schema.enum ?? []) : [schema.const];
  const meant = fixed.find((f) => f === text) ?? fixed.find((f) => String(f) === text);
  if (meant !== undefined) return meant;
  switch (schema.type) {
    case 'integer':
    case 'number':
      return toInteger(text) ?? text;
    case 'boolean':
      return toBoolean(text) ?? text;
    default:
      return text;
  }
}
