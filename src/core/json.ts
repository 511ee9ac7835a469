import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** What may stand in a plan or a journal line: strings, safe integers, booleans, null, arrays and objects. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The SHA-256 of a text (UTF-8) or of bytes, as 64 lower-case hex digits. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

/**
 * RFC 8785 canonical JSON. Throws on anything but `Json`: a fraction, NaN or an unsafe integer in a record is a bug,
 * because two readers could print it differently.
 */
export function jcs(value: unknown): string {
  assertJson(value, '$');
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('nothing to canonicalize');
  return text;
}

/** The SHA-256 of a value's canonical form: what the intent digest and every comparison by value use. */
export const digestOf = (value: unknown): string => sha256(jcs(value));

function assertJson(value: unknown, path: string): void {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new TypeError(`${path}: a lone surrogate cannot be recorded`);
      return;
    case 'boolean':
      return;
    case 'number':
      if (!Number.isSafeInteger(value)) throw new TypeError(`${path}: ${value} is not a safe integer`);
      return;
    case 'object': {
      if (value === null) return;
      if (Array.isArray(value)) {
        value.forEach((item, i) => {
          assertJson(item, `${path}[${i}]`);
        });
        return;
      }
      for (const [key, item] of Object.entries(value)) {
        if (item !== undefined) assertJson(item, `${path}.${key}`);
      }
      return;
    }
    default:
      throw new TypeError(`${path}: a ${typeof value} cannot be recorded`);
  }
}
