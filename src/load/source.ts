import { Composer, type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, Parser } from 'yaml';
import type { Diagnostic } from '../core/diagnostic.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Place } from '../core/runbook.ts';
import { decode } from './decode.ts';
import type { Entry, SourceNode } from './node.ts';
import { plainSource } from './plain-source.ts';
import { syntaxText } from './syntax-text.ts';

/** Greatest nesting of lists and mappings. */
export const maxDepth = 64;

/**
 * Reads YAML bytes into a tree of texts. Nothing is guessed: `0012345` and `7E12345` stay as written. Anchors, aliases, merge keys,
 * tags, several documents, empty values and repeated keys are refused, each with its place; all faults come back at once.
 * `quick` reads plainly written YAML without the parser: for checking what is being written, never for what is acted upon.
 */
export function parseSource(bytes: Uint8Array, file: string, quick = false): Result<SourceNode, readonly Diagnostic[]> {
  const decoded = decode(bytes, file);
  if (!decoded.ok) return fail([decoded.error]);
  const text = decoded.value;
  const plain = quick ? plainSource(text, file) : undefined;
  return plain === undefined ? parsed(text, file) : ok(plain);
}

/** All of YAML. Of every file that `plainSource` reads it makes the same tree. */
export function parsed(text: string, file: string): Result<SourceNode, readonly Diagnostic[]> {
  const lines = new LineCounter();
  const faults: Diagnostic[] = [];
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const complain = (code: string, offset: number, what: string, fix: string): void => {
    faults.push({ code, ...placeOf(offset), what, fix });
  };

  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    offset += lexeme.length;
    // Abandoned here, because the composer recurses: a bomb of brackets would cost seconds and then the stack.
    if (parser.stack.length > maxDepth + 4) {
      complain('too-deep', Math.min(offset, text.length) - 1, tooDeep, 'Write it flatter.');
      return fail(faults);
    }
  }
  tokens.push(...parser.end());
  const composer = new Composer({ schema: 'failsafe', version: '1.2', uniqueKeys: false, prettyErrors: false });
  const documents: Document.Parsed[] = [...composer.compose(tokens, true, text.length)] as Document.Parsed[];
  const document = documents[0];

  for (const { errors, warnings } of documents) {
    for (const error of [...errors, ...warnings.filter((w) => w.code !== 'TAG_RESOLVE_FAILED')]) {
      complain('yaml', error.pos[0], ...syntaxText(error.code, error.message));
    }
  }
  const second = documents[1];
  if (second !== undefined) {
    complain(
      'several-documents',
      second.range[0],
      'a second YAML document begins here.',
      'Put it in a file of its own.',
    );
  }
  if (document === undefined || document.contents === null || isBlank(document.contents)) {
    if (faults.length === 0) complain('empty-file', 0, 'the file is empty.', 'Write its content, or remove the file.');
    return fail(faults);
  }
  // After a fault of form the tree is a guess, and complaints about it would mislead.
  if (faults.some((f) => f.code === 'yaml')) return fail(faults.slice(0, 1));

  const read = (node: Node, depth: number): SourceNode | undefined => {
    const at = node.range?.[0] ?? 0;
    if (isAlias(node)) {
      complain('alias', at, `the alias *${node.source} is not allowed.`, 'Write the value out where it is used.');
      return undefined;
    }
    if (node.anchor !== undefined) {
      const anchorAt = text.lastIndexOf(`&${node.anchor}`, at);
      complain('anchor', anchorAt < 0 ? at : anchorAt, `the anchor &${node.anchor} is not allowed.`, 'Remove it.');
    }
    if (node.tag !== undefined && !plainTags.has(node.tag)) {
      const tag = node.tag.replace('tag:yaml.org,2002:', '!!');
      let tagAt = text.lastIndexOf('!', at);
      while (text[tagAt - 1] === '!') tagAt -= 1;
      complain(
        'tag',
        tagAt < 0 ? at : tagAt,
        `the tag ${tag} is not allowed.`,
        'Remove it: types come from the schema.',
      );
    }
    if (depth > maxDepth) {
      complain('too-deep', at, tooDeep, 'Write it flatter.');
      return undefined;
    }
    const place = placeOf(at);
    if (isMap(node)) {
      const entries: Entry[] = [];
      const first = new Map<string, Place>();
      for (const pair of node.items) {
        const key = pair.key as Node | null;
        const keyAt = key?.range?.[0] ?? at;
        if (!isScalar(key) || key.value === '') {
          complain('key', keyAt, 'a key is missing or is not a text.', 'Write "name: value".');
          continue;
        }
        const name = String(key.value);
        if (name === '<<' && key.type === 'PLAIN') {
          complain('merge-key', keyAt, 'the merge key << is not allowed.', 'Write the keys out.');
          continue;
        }
        if (key.anchor !== undefined)
          complain('anchor', keyAt, `the anchor &${key.anchor} is not allowed.`, 'Remove it.');
        const keyPlace = placeOf(keyAt);
        const earlier = first.get(name);
        if (earlier !== undefined) {
          const where = `line ${earlier.line}, column ${earlier.column}`;
          complain(
            'duplicate-key',
            keyAt,
            `"${name}" is given twice; the first is at ${where}.`,
            'Remove one of them.',
          );
          continue;
        }
        first.set(name, keyPlace);
        const value = pair.value as Node | null;
        if (value === null || isEmpty(value)) {
          complain('empty-value', keyAt, `"${name}" has no value.`, emptyFix);
          continue;
        }
        const child = read(value, depth + 1);
        if (child !== undefined) entries.push({ key: name, place: keyPlace, value: child });
      }
      return { kind: 'map', entries, place };
    }
    if (isSeq(node)) {
      const items: SourceNode[] = [];
      for (const item of node.items as (Node | null)[]) {
        if (item === null || isEmpty(item)) {
          complain('empty-value', item?.range?.[0] ?? at, 'a list item has no value.', emptyFix);
          continue;
        }
        const child = read(item, depth + 1);
        if (child !== undefined) items.push(child);
      }
      return { kind: 'list', items, place };
    }
    return { kind: 'text', text: isScalar(node) ? String(node.value) : '', place };
  };

  const root = read(document.contents, 1);
  return root === undefined || faults.length > 0 ? fail(faults) : ok(root);
}

const tooDeep = `nested more than ${maxDepth} deep.`;
const emptyFix = 'Write one, or "" for an empty text, or remove the line.';
const plainTags = new Set(['tag:yaml.org,2002:str', 'tag:yaml.org,2002:seq', 'tag:yaml.org,2002:map', '!']);

/** Nothing was written; `~` and `null` are how YAML spells the same. */
const isEmpty = (node: Node): boolean =>
  isScalar(node) && node.type === 'PLAIN' && /^(|~|null|Null|NULL)$/.test(String(node.source ?? node.value ?? ''));
const isBlank = (node: Node): boolean => isScalar(node) && node.type === 'PLAIN' && node.value === '';
