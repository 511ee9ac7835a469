import { type Execution, stepState } from '../core/execution.ts';
import type { Json } from '../core/json.ts';
import { jcs } from '../core/json.ts';
import { matchesPlanned, type Operation } from '../core/operation.ts';
import { operationWords } from '../core/operation-words.ts';
import { type Intent, intentDigest, type Plan } from '../core/plan.ts';
import { type Trouble, trouble } from '../core/result.ts';
import type { Journal } from './journal.ts';

/**
 * What differs between two intents, one line a field, with the old value and the new one: for refusing a stale plan and for showing
 * what a new plan changes. Ids, times and the journal format are the plan's own and are not compared.
 */
export function changesBetween(was: Intent, is: Intent): readonly string[] {
  const changes: string[] = [];
  compare('', byId(bindingOf(was)), byId(bindingOf(is)), changes, (one, other) => shown(one) === shown(other));
  return changes;
}

/** The same for people: what was only "(known after …)" and is known now is no change, and values are told as text. */
export function changesToTell(was: Intent, is: Intent): readonly string[] {
  const changes: string[] = [];
  compare('', byId(bindingOf(was)), byId(bindingOf(is)), changes, matchesPlanned, readable);
  return changes;
}

/** What is compared: all that is bound, and what the host's entry holds beyond that. */
function bindingOf(intent: Intent): Json {
  const { id: _id, created: _created, expires: _expires, host, ...rest } = intent;
  const entry = Object.fromEntries(Object.entries(host.entry).filter(([key]) => !Object.hasOwn(host, key)));
  return { ...rest, host: { ...host, entry } } as unknown as Json;
}

/** Steps and sources are compared by their name, not by their position, so that one added step is one change. */
function byId(value: Json): Json {
  if (Array.isArray(value)) {
    const key = ['id', 'file', 'phase'].find((k) => value.every((v) => isObject(v) && typeof v[k] === 'string'));
    if (key !== undefined && value.length > 0) {
      return Object.fromEntries(value.map((v) => [String((v as { [k: string]: Json })[key]), byId(v as Json)]));
    }
    return value.map(byId);
  }
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k === 'operations' ? v : byId(v)]));
  return value;
}

function compare(
  path: string,
  was: Json | undefined,
  is: Json | undefined,
  changes: string[],
  same: (was: Json | undefined, is: Json | undefined) => boolean,
  text: (value: Json | undefined, path: string) => string = shown,
): void {
  if (isObject(was) && isObject(is)) {
    for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
      compare(path === '' ? key : `${path}.${key}`, was[key], is[key], changes, same, text);
    }
    return;
  }
  if (!same(was, is)) changes.push(`${path}: was ${text(was, path)}, is ${text(is, path)}`);
}

const shown = (value: Json | undefined): string => (value === undefined ? 'nothing' : jcs(value));

/** A value as text: operations in the words of a plan, a whole step by its title, lists and fields without brackets. */
function readable(value: Json | undefined, path = ''): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) {
    if (value.length === 0) return 'nothing';
    if (/^steps\.[^.]+\.operations$/.test(path)) {
      return (value as unknown as readonly Operation[]).map((o) => operationWords(o).join(' ')).join('; ');
    }
    return value.map((item) => readable(item)).join(', ');
  }
  if (isObject(value)) {
    if (/^steps\.[^.]+$/.test(path)) return `the step ${shown(value.title)} (${String(value.uses)})`;
    const fields = Object.entries(value).map(([name, field]) => `${name} ${readable(field)}`);
    return fields.length === 0 ? 'nothing' : fields.join(', ');
  }
  return shown(value);
}

const isObject = (v: Json | undefined): v is { readonly [key: string]: Json } =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

/**
 * Puts a new plan in the place of a run's old one; `redo` names steps that are done and shall be done once more. The caller has shown
 * the changes and saved the file. Long lists and values are cut: the plans themselves tell all.
 */
export function amend(
  journal: Journal,
  fresh: Plan,
  changes: readonly string[],
  redo: readonly string[],
  by: string,
): void {
  const cut = changes.slice(0, 50).map((change) => (change.length > 500 ? `${change.slice(0, 500)}…` : change));
  journal.record({
    type: 'plan.amended',
    plan: fresh.intent.id,
    intent: intentDigest(fresh),
    by,
    changes: cut.map((c) => c.toWellFormed()),
    redo,
  });
}

/** Why a step cannot be done once more; undefined if it can. */
export function cannotRedo(plan: Plan, execution: Execution, id: string): Trouble | undefined {
  const step = plan.intent.steps.find((s) => s.id === id);
  if (step === undefined) {
    return trouble(
      'unknown-step',
      `the plan has no step "${id}"`,
      `Its steps: ${plan.intent.steps.map((s) => s.id).join(', ')}`,
    );
  }
  if (step.once && stepState(execution, id).forth.operations.some((o) => o.status !== 'not-done')) {
    return trouble(
      'once',
      `step "${id}" (${step.uses}) was begun and is done at most once`,
      'Add another step to the runbook for what is still to do.',
    );
  }
  return undefined;
}
