import type { JsonObject } from '../../core/json.ts';

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object that is an object itself. */
export function objectIn(body: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = body?.[key];
  return isObject(value) ? value : undefined;
}

/** A member that is a text and not empty. */
export function textIn(body: JsonObject | undefined, key: string): string | undefined {
  const value = body?.[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The link in `{ "@odata.id": … }` under a key. */
export const linkIn = (body: JsonObject | undefined, key: string): string | undefined =>
  textIn(objectIn(body, key), '@odata.id');

/** The members of a list that are objects. */
export function objectsIn(body: JsonObject | undefined, key: string): readonly JsonObject[] {
  const value = body?.[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}
