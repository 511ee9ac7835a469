import { printable } from '../../core/printable.ts';
import type { Line, Span, Tone } from './span.ts';
import { wrapped } from './wrap.ts';

export type { Line, Span, Tone };

export type Paint = (tone: Tone, text: string) => string;

/** How text reaches its stream: painted or not, with typographic characters or ASCII only. */
export interface Look {
  readonly paint: Paint;
  readonly unicode: boolean;
  /** Width of the terminal now; absent where the stream is none, whose lines stay whole. */
  readonly columns?: () => number | undefined;
}

export const plainLook: Look = { paint: (_, text) => text, unicode: true };

const tone =
  (name: Tone) =>
  (text: string): Span => ({ tone: name, text });

export const strong = tone('strong');
export const dim = tone('dim');
export const good = tone('good');
export const bad = tone('bad');
export const warn = tone('warn');
export const ask = tone('ask');

/** The program's own typographic characters, for terminals whose locale has only ASCII. Distinct characters stay distinct. */
const ascii: { readonly [character: string]: string } = {
  '✗': 'x',
  '✓': 'v',
  '·': '.',
  '…': '...',
  '—': '-',
  '–': '-',
  '→': '->',
  '≤': '<=',
  '≥': '>=',
  '×': 'x',
  '“': '"',
  '”': '"',
  '’': "'",
};

/**
 * The text of lines for a stream, each with its newline; on a terminal they are broken at spaces. Whatever a span holds comes out printable:
 * nothing in it can move a cursor.
 */
export const render = (lines: readonly Line[], look: Look): string =>
  lines.map((line) => `${renderBroken(line, look)}\n`).join('');

/** The text of a line without its last newline, broken at spaces to the width of the terminal. */
export const renderBroken = (line: Line, look: Look): string =>
  wrapped(shown(line, look), look.columns?.())
    .map((part) => painted(part, look))
    .join('\n');

/** The text of a line in one piece. */
export const renderLine = (line: Line, look: Look): string => painted(shown(line, look), look);

const shown = (line: Line, { unicode }: Look): readonly Span[] =>
  (typeof line === 'string' ? [line] : line).map((span) =>
    typeof span === 'string' ? legible(span, unicode) : { tone: span.tone, text: legible(span.text, unicode) },
  );

const painted = (spans: readonly Span[], { paint }: Look): string =>
  spans
    .map((span) => (typeof span === 'string' ? span : span.text === '' ? '' : paint(span.tone, span.text)))
    .join('')
    .trimEnd();

function legible(text: string, unicode: boolean): string {
  const safe = printable(text);
  return unicode ? safe : safe.replace(/[✗✓·…—–→≤≥×“”’]/g, (character) => ascii[character] ?? character);
}

/** Text moved to the right by `by` spaces. */
export const indent = (lines: readonly Line[], by = 2): readonly Line[] =>
  lines.map((line) => [' '.repeat(by), ...(typeof line === 'string' ? [line] : line)]);

/** Rows with the first column padded to its widest, and the second behind it. */
export function pairs(rows: readonly (readonly [string, Span | readonly Span[]])[]): readonly Line[] {
  const width = Math.max(0, ...rows.map(([name]) => [...name].length));
  return rows.map(([name, value]) => {
    const gap = ' '.repeat(width - [...name].length + 2);
    return [dim(name), gap, ...(isSpans(value) ? value : [value])];
  });
}

const isSpans = (value: Span | readonly Span[]): value is readonly Span[] => Array.isArray(value);

/** `1 step`, `2 steps`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes as people read them: `812 B`, `1.4 GiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < sizes.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} B` : `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${sizes[unit]}`;
}
