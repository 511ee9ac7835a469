import { didYouMean } from '../core/diagnostic.ts';
import { milliseconds } from '../core/duration.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import type { ParamType, Runbook } from '../core/runbook.ts';
import type { SecretRef } from '../core/secret.ts';
import { toBoolean, toInteger } from './json-schema.ts';

/** Parameter texts as given (`-p name=value`, a params file): a text, or several for one that was repeated or listed. */
export interface Given {
  readonly [name: string]: string | readonly string[];
}

/**
 * The values of a runbook's parameters: what was given, typed, else the defaults. Everything missing, unknown or wrong is told at
 * once. An optional parameter without a value is absent, and a `with` key that is nothing but its reference is left out.
 */
export function resolveParams(
  runbook: Pick<Runbook, 'name' | 'params'>,
  given: Given,
): Result<JsonObject, readonly Trouble[]> {
  const troubles: Trouble[] = [];
  const values: [string, Json][] = [];
  const names = Object.keys(runbook.params);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const known = names.length === 0 ? 'It takes no parameters.' : `It takes: ${names.join(', ')}.`;
    const fix = didYouMean(name, names) || known;
    troubles.push(trouble('unknown-param', `runbook ${runbook.name} has no parameter "${name}"`, fix));
  }
  for (const [name, param] of Object.entries(runbook.params)) {
    const text = Object.hasOwn(given, name) ? given[name] : undefined;
    if (text !== undefined) {
      const value = paramValue(param.type, text);
      if (value.ok) values.push([name, value.value]);
      else
        troubles.push(
          trouble('wrong-param', `parameter "${name}" ${value.error.what.replace(/\.$/, '')}`, value.error.fix),
        );
    } else if (param.default !== undefined) {
      values.push([name, param.default]);
    } else if (param.required) {
      const about = param.description === undefined ? '' : ` (${param.description})`;
      const fix = `Give it with: -p ${name}=${placeholders[param.type]}`;
      troubles.push(trouble('missing-param', `parameter "${name}"${about} is required`, fix));
    }
  }
  return troubles.length > 0 ? fail(troubles) : ok(Object.fromEntries(values));
}

const placeholders: { readonly [T in ParamType]: string } = {
  string: 'TEXT',
  integer: 'NUMBER',
  boolean: 'true',
  list: 'A,B',
  duration: '4h',
  secret: 'env:NAME',
};

export const paramTypes = Object.keys(placeholders) as readonly ParamType[];

/** A parameter's value from texts. The text of a secret is never repeated in a complaint. */
export function paramValue(
  type: ParamType,
  given: string | readonly string[],
): Result<Json, { readonly what: string; readonly fix: string }> {
  if (type === 'list') {
    const items =
      (typeof given === 'string' ? given.split(',') : given.length === 1 ? given[0]?.split(',') : given) ?? [];
    const trimmed = items.map((item) => item.trim());
    if (trimmed.length === 0 || trimmed.includes('')) {
      return fail({ what: 'is a list with an empty item.', fix: 'Write it as A,B; empty never means all.' });
    }
    return ok(trimmed);
  }
  if (typeof given !== 'string') {
    if (given.length === 1 && given[0] !== undefined) return paramValue(type, given[0]);
    return fail({ what: `is given ${given.length} times, and takes one value.`, fix: 'Give it once.' });
  }
  if (given === '') return fail({ what: 'is empty.', fix: `Give a value like ${placeholders[type]}.` });
  switch (type) {
    case 'string':
      return ok(given);
    case 'integer':
      return typed(toInteger(given), 'must be a whole number', given);
    case 'boolean':
      return typed(toBoolean(given), 'must be true or false', given);
    case 'duration':
      return typed(
        milliseconds(given) === undefined ? undefined : given,
        'must be a duration like 30s, 15m or 4h',
        given,
      );
    case 'secret':
      return secretRef(given);
  }
}

const typed = (value: Json | undefined, what: string, given: string): Result<Json, { what: string; fix: string }> =>
  value === undefined ? fail({ what: `${what}, and is "${given}".`, fix: 'Correct it.' }) : ok(value);

/** `env:NAME`, `file:PATH`, `prompt:QUESTION` as a reference. */
function secretRef(text: string): Result<SecretRef, { what: string; fix: string }> {
  const match = /^(env|file|prompt):(.+)$/s.exec(text);
  const [, where, value] = match ?? [];
  if (where === 'env' && value) return ok({ env: value });
  if (where === 'file' && value) return ok({ file: value });
  if (where === 'prompt' && value) return ok({ prompt: value });
  return fail({
    what: 'is a secret, and is given by where it is kept.',
    fix: 'Write env:NAME, file:PATH or prompt:QUESTION.',
  });
}
