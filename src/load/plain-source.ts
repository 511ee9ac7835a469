import type { Place } from '../core/runbook.ts';
import type { Entry, SourceNode } from './node.ts';

/**
 * Reads the YAML that runbooks are mostly written in: block lists and mappings with simple keys, values on one line, plain or quoted without
 * escapes, flow collections on one line, comments. Anything else, right or wrong, gives undefined: the YAML parser judges it. Of a file
 * that both can read they make the same tree; this one takes a tenth of the time, which is most of what checking a runbook takes.
 */
export function plainSource(text: string, file: string): SourceNode | undefined {
  if (/[\t\r\ufeff]/.test(text)) return undefined;
  const lines: Line[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.length > longestLine) return undefined;
    const [, indent = '', dash = '', key, space = '', rest = ''] = lineForm.exec(line) ?? [];
    if (key !== undefined && key.length > longestKey) return undefined;
    if (dash === '' && key === undefined && (rest === '' || rest.startsWith('#'))) continue;
    const from = indent.length + dash.length;
    const at = from + (key === undefined ? 0 : key.length + 1 + space.length);
    lines.push({ number: i + 1, indent: indent.length, from, item: dash !== '', key, rest, at });
  }
  try {
    const reader: Reader = { file, lines, next: 0 };
    const root = lines[0]?.indent === 0 ? block(reader, 0, 1) : undefined;
    return reader.next === lines.length ? root : undefined;
  } catch (error) {
    if (error === notPlain) return undefined;
    throw error;
  }
}

/** A line that holds something. */
interface Line {
  readonly number: number;
  /** Spaces before anything. */
  readonly indent: number;
  /** Spaces before the key or the value, a dash counted as one. */
  readonly from: number;
  readonly item: boolean;
  readonly key: string | undefined;
  /** What follows the key or the dash, and where. */
  readonly rest: string;
  readonly at: number;
}

interface Reader {
  readonly file: string;
  readonly lines: readonly Line[];
  next: number;
}

const notPlain = new Error('not plain YAML');
const giveUp = (): never => {
  throw notPlain;
};

const lineForm = /^( *)((?:- +)?)(?:([A-Za-z_][\w.-]*):( +|$))?(.*)$/s;
const deepest = 20;
const longestLine = 4096;
/** What YAML allows for a key of a block; within braces there is no limit. */
const longestKey = 1024;

/** A list or a mapping whose lines begin at that column; `opened`: a dash before it has been read. */
function block(reader: Reader, column: number, depth: number, opened = false): SourceNode {
  const { lines, file } = reader;
  const first = lines[reader.next] ?? giveUp();
  if (depth > deepest) giveUp();
  const place = { file, line: first.number, column: column + 1 };
  if (first.item && !opened) {
    const items: SourceNode[] = [];
    for (let line: Line | undefined = first; line?.item && line.indent === column; line = lines[reader.next]) {
      items.push(line.key === undefined ? only(reader, line, depth + 1) : block(reader, line.from, depth + 1, true));
    }
    return ended(reader, column, { kind: 'list', items, place });
  }
  const entries: Entry[] = [];
  const keys = new Set<string>();
  for (let line: Line | undefined = first; line !== undefined; line = lines[reader.next]) {
    if (line !== first && (line.indent < column || line.item)) break;
    const { key, from } = line;
    if (key === undefined || from !== column || keys.has(key)) return giveUp();
    keys.add(key);
    const keyPlace = { file, line: line.number, column: from + 1 };
    entries.push({ key, place: keyPlace, value: valueOfKey(reader, line, column, depth + 1) });
  }
  return ended(reader, column, { kind: 'map', entries, place });
}

/** What goes on deeper than it may belongs to a form that is not read here. */
function ended(reader: Reader, column: number, node: SourceNode): SourceNode {
  const next = reader.lines[reader.next];
  return next !== undefined && next.indent >= column ? giveUp() : node;
}

function valueOfKey(reader: Reader, line: Line, column: number, depth: number): SourceNode {
  if (line.rest !== '' && !line.rest.startsWith('#')) return only(reader, line, depth);
  reader.next += 1;
  const below = reader.lines[reader.next];
  return below === undefined || below.indent <= column ? giveUp() : block(reader, below.indent, depth);
}

/** A value that is the whole rest of its line. */
function only(reader: Reader, { number, rest, at }: Line, depth: number): SourceNode {
  reader.next += 1;
  const place = { file: reader.file, line: number, column: at + 1 };
  const begin = rest[0];
  if (begin === '{' || begin === '[' || begin === '"' || begin === "'") {
    const { node, end } = flow(rest, 0, place, depth);
    return /^(?: +(?:#.*)?)?$/.test(rest.slice(end)) ? node : giveUp();
  }
  const comment = rest.indexOf(' #');
  const text = withoutSpacesAtEnd(comment === -1 ? rest : rest.slice(0, comment));
  if (!plainBegin.test(text) || /:(?: |$)/.test(text) || nothing.test(text)) return giveUp();
  return { kind: 'text', text, place };
}

const plainBegin = /^(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|-[^\s,[\]{}])/;
const nothing = /^(?:~|null|Null|NULL)$/;
const quotedForm = /"([^"\\]*)"|'([^']*)'(?!')/y;
const keyForm = /([A-Za-z_][\w.-]*): +/y;
const plainForm = /(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|-(?=[^\s,[\]{}]))(?:[^,[\]{}:#]|:(?=[^\s,[\]{}]))*/y;

function flow(
  text: string,
  from: number,
  start: Place,
  depth: number,
): { readonly node: SourceNode; readonly end: number } {
  if (depth > deepest) giveUp();
  const place = { ...start, column: start.column + from };
  const begin = text[from];
  if (begin === '"' || begin === "'") {
    const [all, double, single] = match(quotedForm, text, from);
    return { node: { kind: 'text', text: double ?? single ?? '', place }, end: from + all.length };
  }
  if (begin !== '{' && begin !== '[') {
    const [all] = match(plainForm, text, from);
    const plain = withoutSpacesAtEnd(all);
    return nothing.test(plain) ? giveUp() : { node: { kind: 'text', text: plain, place }, end: from + all.length };
  }
  const entries: Entry[] = [];
  const items: SourceNode[] = [];
  const keys = new Set<string>();
  const close = begin === '{' ? '}' : ']';
  let at = spaces(text, from + 1);
  while (text[at] !== close) {
    if (entries.length + items.length > 0) {
      if (text[at] !== ',') giveUp();
      at = spaces(text, at + 1);
    }
    if (begin === '[') {
      const { node, end } = flow(text, at, start, depth + 1);
      items.push(node);
      at = spaces(text, end);
      continue;
    }
    const [all, key = ''] = match(keyForm, text, at);
    if (keys.has(key)) giveUp();
    keys.add(key);
    const { node, end } = flow(text, at + all.length, start, depth + 1);
    entries.push({ key, place: { ...start, column: start.column + at }, value: node });
    at = spaces(text, end);
  }
  return { node: begin === '{' ? { kind: 'map', entries, place } : { kind: 'list', items, place }, end: at + 1 };
}

function match(form: RegExp, text: string, at: number): RegExpExecArray {
  form.lastIndex = at;
  return form.exec(text) ?? giveUp();
}

/** Not `trimEnd`, for which a no-break space is one; not `/ +$/`, whose time grows with the square of the spaces. */
function withoutSpacesAtEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

function spaces(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ') at += 1;
  return at;
}
