import type { AnyAction } from '../core/action.ts';
import type { Bind, Scope } from '../core/binding.ts';
import type { Json } from '../core/json.ts';
import { knownAfter, unknownSources } from '../core/operation.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import { awaitsStep, check } from './check.ts';
import { type Path, pathText } from './node.ts';
import { parseTemplate, type Reference } from './template.ts';

/** Fills, types and checks steps' inputs for a given list of actions. */
export function makeBind(actions: readonly AnyAction[]): Bind {
  const kinds = new Map(actions.map((action) => [action.kind, action]));
  return (step, scope) => {
    const action = kinds.get(step.uses);
    if (action === undefined) {
      return fail(
        trouble('unknown-action', `step "${step.id}": unknown action "${step.uses}"`, 'Correct the runbook.'),
      );
    }
    const troubles: Trouble[] = [];
    const complain = (path: Path, code: string, what: string, fix: string) =>
      troubles.push(trouble(code, `${path.length === 0 ? '' : `"${pathText(path)}": `}${what}`, fix));
    const refused = () => fail(joined(step.id, troubles));
    const filled = fill(step.with, scope, ['with'], complain);
    if (troubles.length > 0) return refused();
    const input = filled ?? {};
    const { value, complaints } = check(input, action.input, ['with'], awaitsStep);
    for (const { code, what, fix } of complaints) complain([], code, what.replace(/\.$/, ''), fix);
    if (troubles.length > 0) return refused();
    const waitsFor = unknownSources(value);
    const complaint = waitsFor.length === 0 ? action.check?.(value) : undefined;
    if (complaint !== undefined) complain([], 'wrong-value', complaint, 'Correct "with", or the parameters it uses.');
    return troubles.length > 0 ? refused() : ok({ input: value, waitsFor });
  };
}

/** One trouble as it is; of several, each on a line of its own with its own fix. */
function joined(step: string, troubles: readonly Trouble[]): Trouble {
  const [first, ...rest] = troubles as [Trouble, ...Trouble[]];
  if (rest.length === 0) return { ...first, what: `step "${step}": ${first.what}` };
  const each = troubles.map(({ what, fix }) => `${what}. ${fix}`).join('\n');
  return trouble(first.code, `step "${step}": "with" has ${troubles.length} problems`, 'Correct each of them.', each);
}

type Complain = (path: Path, code: string, what: string, fix: string) => void;

/** `undefined` stands for an optional parameter that has no value: its key is left out. */
function fill(value: Json, scope: Scope, path: Path, complain: Complain): Json | undefined {
  if (typeof value === 'string') return fillText(value, scope, path, complain);
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, i) => {
      const filled = fill(item, scope, [...path, i], complain);
      return filled === undefined ? [] : [filled];
    });
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const filled = fill(item, scope, [...path, key], complain);
      return filled === undefined ? [] : [[key, filled]];
    }),
  );
}

function fillText(text: string, scope: Scope, path: Path, complain: Complain): Json | undefined {
  if (!text.includes('${{')) return text;
  const template = parseTemplate(text);
  if (!template.ok) {
    complain(path, 'reference', template.error.what.replace(/\.$/, ''), template.error.fix);
    return undefined;
  }
  const [only, ...others] = template.value;
  if (others.length === 0 && typeof only === 'object') {
    const found = lookUp(only, scope);
    if (found.ok) return found.value;
    complain(path, found.error.code, found.error.what, found.error.fix);
    return undefined;
  }
  let result = '';
  for (const part of template.value) {
    if (typeof part === 'string') {
      result += part;
      continue;
    }
    const found = lookUp(part, scope);
    if (!found.ok) complain(path, found.error.code, found.error.what, found.error.fix);
    else if (found.value === undefined) {
      complain(path, 'no-value', `${part.text} has no value`, `Give it with: -p ${part.path[0]}=…`);
    } else if (typeof found.value === 'object') {
      const what = Array.isArray(found.value) ? 'a list' : 'a mapping';
      complain(
        path,
        'reference',
        `${part.text} is ${what} and cannot stand within a text`,
        'Let it be the whole value.',
      );
    } else result += String(found.value);
  }
  return result;
}

function lookUp(reference: Reference, scope: Scope): Result<Json | undefined> {
  const [first = '', ...rest] = reference.path;
  switch (reference.root) {
    case 'params':
      return ok(own(scope.params, first));
    case 'host': {
      const value = reference.path.reduce<Json | undefined>(own, scope.host);
      if (value !== undefined) return ok(value);
      const name = typeof scope.host.name === 'string' ? scope.host.name : 'the host';
      const missing = reference.path.join('.');
      return fail(trouble('no-value', `the inventory has no "${missing}" for ${name}`, 'Add it to the hosts file.'));
    }
    case 'facts': {
      const value = reference.path.reduce<Json | undefined>(own, scope.facts);
      if (value !== undefined) return ok(value);
      return fail(
        trouble('no-value', `${reference.text} is not known`, 'Remove the reference, or see "decom doctor".'),
      );
    }
    case 'steps': {
      const outputs = own(scope.steps, first);
      if (outputs === undefined) return ok(knownAfter(first));
      const value = rest.reduce<Json | undefined>(own, outputs);
      if (value !== undefined) return ok(value);
      const what = `step "${first}" has given no "${rest.join('.')}"`;
      return fail(trouble('no-value', what, 'See what it gave: decom status.'));
    }
  }
}

function own(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as { readonly [key: string]: Json })[key];
}
