import { digestOf, type Json } from './json.ts';
import { hostScope, type Intent, type PlannedStep } from './plan.ts';

/** What of a plan decides what a step of it says. */
export type StepsOf = Pick<Intent, 'steps' | 'params' | 'host'>;

const reference = /\$\{\{\s*(params|host)\.([\w.-]+)\s*\}\}/g;

/**
 * What a plan says of a step: its kind and its input, with the parameters and the host's values that it names. The same in two plans means that what was
 * done under one is what the other says.
 */
export function stepDigest(
  { params, host }: StepsOf,
  { uses, with: input }: Pick<PlannedStep, 'uses' | 'with'>,
): string {
  const scopes: { readonly [root: string]: Json } = { params, host: hostScope(host) };
  const named = [...JSON.stringify(input).matchAll(reference)].map(([, root = '', path = '']) => [root, path] as const);
  const values = named.map(([root, path]) => [`${root}.${path}`, path.split('.').reduce(own, scopes[root]) ?? null]);
  return digestOf({ uses, with: input, values: Object.fromEntries(values) });
}

function own(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as { readonly [key: string]: Json })[key];
}
