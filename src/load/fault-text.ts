import { didYouMean } from '../core/diagnostic.ts';
import { durationPattern } from '../core/duration.ts';
import type { Json } from '../core/json.ts';
import type { JsonSchema } from './json-schema.ts';
import { pathText } from './node.ts';
import type { Fault } from './validator.ts';

/** A fault in words. `field` is the path as people read it, empty for the whole value. */
export function faultText(fault: Fault, field = pathText(fault.path)): { readonly what: string; readonly fix: string } {
  const { keyword, params, schema, value } = fault;
  const name = field === '' ? 'it' : `"${field}"`;
  const inside = (key: unknown) => (field === '' ? `"${String(key)}"` : `"${field}.${String(key)}"`);
  switch (keyword) {
    case 'required': {
      const missing = String(params.missingProperty);
      const about = schema.properties?.[missing]?.description;
      return { what: `${inside(missing)} is missing.`, fix: about === undefined ? 'Add it.' : `Add it: ${about}` };
    }
    case 'additionalProperties':
      return unknownKey(String(params.additionalProperty), schema, field);
    case 'type':
      return wrongType(name, schema, value);
    case 'anyOf':
      return {
        what: `${name} must be ${oneOf([...new Set((schema.anyOf ?? []).map(kindText))])}, and is ${describe(value)}.`,
        fix: schema.description ?? 'Correct it.',
      };
    case 'enum': {
      const words = (schema.enum ?? []).map(String);
      const meant = typeof value === 'string' ? didYouMean(value, words) : '';
      return {
        what: `${name} must be ${oneOf(words)}, and is ${describe(value)}.`,
        fix: meant || 'Choose one of them.',
      };
    }
    case 'const':
      return { what: `${name} must be ${String(schema.const)}, and is ${describe(value)}.`, fix: 'Correct it.' };
    case 'pattern': {
      return { what: `${name} must be ${formText(schema)}, and is ${describe(value)}.`, fix: 'Correct it.' };
    }
    case 'minLength':
      return { what: `${name} must not be empty.`, fix: schema.description ?? 'Write a value, or remove the key.' };
    case 'minItems':
      if (Number(params.limit) > 1) return { what: `${name} needs at least ${params.limit} items.`, fix: 'Add some.' };
      return { what: `${name} is an empty list, and empty never means all.`, fix: 'Name at least one.' };
    case 'minProperties':
      return { what: `${name} is empty.`, fix: schema.description ?? 'Name at least one.' };
    case 'maxProperties':
      return {
        what: `${name} holds more than ${params.limit} of them.`,
        fix: schema.description ?? 'Remove the rest.',
      };
    case 'minimum':
      return { what: `${name} must be at least ${params.limit}, and is ${describe(value)}.`, fix: 'Correct it.' };
    case 'maximum':
      return { what: `${name} must be at most ${params.limit}, and is ${describe(value)}.`, fix: 'Correct it.' };
    case 'uniqueItems': {
      const twice = Array.isArray(value) ? (value as readonly Json[])[Number(params.i)] : undefined;
      return { what: `${name} holds ${describe(twice ?? '')} twice.`, fix: 'Remove one of them.' };
    }
    default:
      return { what: `${name} ${fault.message}.`, fix: 'Correct it.' };
  }
}

/** What a text with a pattern looks like, to follow "must be" or "write". */
export function formText({
  pattern,
  patternErrorMessage,
}: Pick<JsonSchema, 'pattern' | 'patternErrorMessage'>): string {
  if (patternErrorMessage !== undefined) return patternErrorMessage;
  return pattern === durationPattern ? 'a duration like 30s, 15m, 4h or 14d' : `of the form ${pattern}`;
}

function unknownKey(key: string, schema: JsonSchema, field: string): { what: string; fix: string } {
  const where = field === '' ? '' : ` in "${field}"`;
  const pattern = Object.keys(schema.patternProperties ?? {})[0];
  if (pattern !== undefined) {
    const form = schema.patternErrorMessage ?? `Names have the form ${pattern}.`;
    return { what: `the name "${short(key)}"${where} is not allowed.`, fix: form };
  }
  const known = Object.keys(schema.properties ?? {});
  const rest = known.length === 0 ? 'No keys are expected here.' : `Known here: ${known.join(', ')}.`;
  return { what: `unknown key "${short(key)}"${where}.`, fix: didYouMean(key, known) || rest };
}

function wrongType(name: string, schema: JsonSchema, value: Json): { what: string; fix: string } {
  const about = schema.description ?? 'Correct it.';
  switch (schema.type) {
    case 'array': {
      const example = typeof value === 'string' ? `Write it as a list: [${short(value)}].` : 'Write it as a list.';
      return { what: `${name} must be a list, and is ${kind(value)}.`, fix: example };
    }
    case 'object': {
      // Its text is not shown: a password written in place of a reference would be printed.
      const keys = Object.keys(schema.properties ?? {});
      const fix = keys.length === 0 ? 'Write "name: value" pairs below it.' : `It takes: ${keys.join(', ')}.`;
      return { what: `${name} must be a mapping, and is ${kind(value)}.`, fix };
    }
    case 'integer':
    case 'number':
      return { what: `${name} must be a whole number, and is ${describe(value)}.`, fix: 'Write digits only.' };
    case 'boolean':
      return { what: `${name} must be true or false, and is ${describe(value)}.`, fix: 'Write one of them.' };
    default:
      return { what: `${name} must be a text, and is ${kind(value)}.`, fix: about };
  }
}

function kindText(schema: JsonSchema): string {
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(String).join(', ');
  const names = { object: 'a mapping', array: 'a list', string: 'a text', boolean: 'true or false' } as const;
  return schema.type === undefined || schema.type === 'integer' || schema.type === 'number'
    ? 'a whole number'
    : names[schema.type];
}

function kind(value: Json): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  const names = { string: 'a text', number: 'a number', boolean: 'true or false', object: 'a mapping' } as const;
  return names[typeof value as keyof typeof names];
}

const describe = (value: Json): string =>
  typeof value === 'string' ? `"${short(value)}"` : typeof value === 'object' ? kind(value) : String(value);

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text);

const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
