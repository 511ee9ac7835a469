import type { Diagnostic } from '../core/diagnostic.ts';
import type { Json } from '../core/json.ts';
import { unknownSources } from '../core/operation.ts';
import { coerce } from './coerce.ts';
import { faultText } from './fault-text.ts';
import type { JsonSchema } from './json-schema.ts';
import { entryOf, type Path, pathText, placeAt, plainValue, type SourceNode } from './node.ts';
import { validatorOf } from './validator.ts';

/** A complaint about a value, before it has a place. */
export interface Complaint {
  readonly code: string;
  readonly path: Path;
  /** Set where the complaint is about a key below `path`, not about the value there. */
  readonly key?: string;
  readonly what: string;
  readonly fix: string;
}

export interface Checked {
  /** Typed by the schema; meaningful only where there are no complaints. */
  readonly value: Json;
  readonly complaints: readonly Complaint[];
}

/** Whether a text's value is not known yet. Before references are filled those that hold one, afterwards `(known after …)`. */
export type IsOpen = (value: Json) => boolean;
export const holdsReference: IsOpen = (value) => typeof value === 'string' && value.includes('${{');
export const awaitsStep: IsOpen = (value) => typeof value === 'string' && unknownSources(value).length > 0;
const closed: IsOpen = () => false;

/** Types a value by its schema and checks it. Parts that are not known yet are left out of the judgement; all others are judged. */
export function check(value: Json, schema: object, at: Path = [], isOpen: IsOpen = closed): Checked {
  const typed = coerce(value, schema as JsonSchema);
  const complaints: Complaint[] = [];
  for (const fault of validatorOf(schema)(typed)) {
    if (isOpen(fault.value)) continue;
    if (fault.keyword === 'uniqueItems' && Array.isArray(fault.value) && fault.value.some(isOpen)) continue;
    const path = [...at, ...fault.path];
    const key = fault.keyword === 'additionalProperties' ? String(fault.params.additionalProperty) : undefined;
    const text = faultText(fault, pathText(path));
    complaints.push({ code: codeOf(fault.keyword), path, ...(key === undefined ? {} : { key }), ...text });
  }
  return { value: typed, complaints };
}

/** Gives complaints about a node's value their places. `about` names the subject: `step "a": `. */
export function placed(complaints: readonly Complaint[], root: SourceNode, about = ''): readonly Diagnostic[] {
  return complaints.map(({ code, path, key, what, fix }) => {
    const place = (key === undefined ? undefined : keyPlace(root, path, key)) ?? placeAt(root, path);
    return { code, ...place, what: `${about}${what}`, fix };
  });
}

/** A node's value, typed and checked, with every complaint in its place. */
export function checkNode(
  node: SourceNode,
  schema: object,
  about = '',
): { readonly value: Json; readonly faults: readonly Diagnostic[] } {
  const { value, complaints } = check(plainValue(node), schema);
  const faults = [...placed(complaints, node, about)].sort((a, b) => a.line - b.line || a.column - b.column);
  return { value, faults };
}

function keyPlace(root: SourceNode, path: Path, key: string) {
  let node: SourceNode | undefined = root;
  for (const step of path) node = node?.kind === 'list' ? node.items[Number(step)] : entryOf(node, String(step))?.value;
  return entryOf(node, key)?.place;
}

const codes: { readonly [keyword: string]: string } = {
  required: 'missing',
  additionalProperties: 'unknown-key',
  type: 'wrong-type',
  anyOf: 'wrong-type',
  minItems: 'empty',
  minProperties: 'empty',
  minLength: 'empty',
};
const codeOf = (keyword: string): string => codes[keyword] ?? 'wrong-value';
