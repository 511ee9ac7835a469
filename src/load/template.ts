import { didYouMean } from '../core/diagnostic.ts';
import type { Json } from '../core/json.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Path } from './node.ts';

/** The four things that a reference may begin with. */
export const roots = ['params', 'host', 'facts', 'steps'] as const;
export type Root = (typeof roots)[number];

/** `${{ steps.files.backup }}`: root `steps`, path `files`, `backup`. */
export interface Reference {
  readonly root: Root;
  readonly path: readonly string[];
  /** `steps.files.backup` */
  readonly text: string;
}

/** A text cut into its literal parts and its references. */
export type Template = readonly (string | Reference)[];

interface Complaint {
  readonly what: string;
  readonly fix: string;
}

const name = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_-]+)*$/;

/** Finds the references of a text. Only names are allowed in them: conditions belong into `when`. */
export function parseTemplate(text: string): Result<Template, Complaint> {
  const parts: (string | Reference)[] = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf('${{', at);
    if (open === -1) break;
    const close = text.indexOf('}}', open);
    if (close === -1) return fail({ what: 'a "${{" is not closed.', fix: 'End it with "}}".' });
    const inner = text.slice(open + 3, close).trim();
    if (inner === '') return fail({ what: '"${{ }}" is empty.', fix: 'Name a value: ${{ params.name }}.' });
    if (!name.test(inner)) {
      return fail({
        what: `"\${{ ${inner} }}" is not a name.`,
        fix: 'Write a name like params.vault or steps.files.backup.',
      });
    }
    const [root = '', ...path] = inner.split('.');
    if (!isRoot(root)) {
      const meant = didYouMean(root, roots);
      return fail({ what: `unknown reference "${inner}".`, fix: meant || `It begins with ${roots.join(', ')}.` });
    }
    if (path.length === 0 || (root === 'steps' && path.length < 2)) {
      const example = root === 'steps' ? `steps.${path[0] ?? 'id'}.output` : `${root}.name`;
      return fail({ what: `the reference "${inner}" is not complete.`, fix: `Write it as ${example}.` });
    }
    if (open > at) parts.push(text.slice(at, open));
    parts.push({ root, path, text: inner });
    at = close + 2;
  }
  if (at < text.length || parts.length === 0) parts.push(text.slice(at));
  return ok(parts);
}

const isRoot = (word: string): word is Root => (roots as readonly string[]).includes(word);

/** Every text of a value, with the path to it. */
export function* textsOf(value: Json, path: Path = []): Generator<{ readonly text: string; readonly path: Path }> {
  if (typeof value === 'string') yield { text: value, path };
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* textsOf(item, [...path, i]);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* textsOf(item, [...path, key]);
  }
}
