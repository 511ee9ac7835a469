import type { Json } from '../core/json.ts';
import type { Place } from '../core/runbook.ts';

/** A source file as a tree: every scalar is text, and every node knows where it stands. */
export type SourceNode = TextNode | ListNode | MapNode;

export interface TextNode {
  readonly kind: 'text';
  readonly text: string;
  readonly place: Place;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly SourceNode[];
  readonly place: Place;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
  readonly place: Place;
}

export interface Entry {
  readonly key: string;
  /** Where the key stands; the value has a place of its own. */
  readonly place: Place;
  readonly value: SourceNode;
}

/** Keys and indexes from the root of a value down to a part of it. */
export type Path = readonly (string | number)[];

/** The value without its places. Keys like `__proto__` become own properties. */
export function plainValue(node: SourceNode): Json {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'list':
      return node.items.map(plainValue);
    case 'map':
      return Object.fromEntries(node.entries.map((entry) => [entry.key, plainValue(entry.value)]));
  }
}

export const entryOf = (node: SourceNode | undefined, key: string): Entry | undefined =>
  node?.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined;

export const childOf = (node: SourceNode | undefined, step: string | number): SourceNode | undefined =>
  node?.kind === 'list' ? node.items[Number(step)] : entryOf(node, String(step))?.value;

/** Where a path leads; the place of the nearest part that exists. */
export function placeAt(root: SourceNode, path: Path): Place {
  let node = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (next === undefined) break;
    node = next;
  }
  return node.place;
}

/** `units[0]`, `ssh.port`: a path as people read it. */
export const pathText = (path: Path): string =>
  path.reduce<string>(
    (text, step) => (/^\d+$/.test(String(step)) ? `${text}[${step}]` : text === '' ? `${step}` : `${text}.${step}`),
    '',
  );
