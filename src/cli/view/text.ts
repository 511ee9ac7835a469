import { printable } from '../../core/printable.ts';

/** What a piece of text is, as far as looks go. It never carries information of its own: a reader without colour loses nothing. */
export type Tone = 'strong' | 'dim' | 'good' | 'bad' | 'warn' | 'ask';

/** A piece of a line: text, or text with a tone. */
export type Span = string | { readonly tone: Tone; readonly text: string };

/** One line of output, without its newline. */
export type Line = string | readonly Span[];

export type Paint = (tone: Tone, text: string) => string;

/** How text reaches its stream: painted or not, with typographic characters or ASCII only. */
export interface Look {
  readonly paint: Paint;
  readonly unicode: boolean;
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

/** The text of lines for a stream, each with its newline. Whatever a span holds comes out printable: nothing in it can move a cursor. */
export const render = (lines: readonly Line[], look: Look): string =>
  lines.map((line) => `${renderLine(line, look)}\n`).join('');

export function renderLine(line: Line, look: Look): string {
  const spans = typeof line === 'string' ? [line] : line;
  return spans
    .map((span) => {
      const text = legible(typeof span === 'string' ? span : span.text, look.unicode);
      return typeof span === 'string' || text === '' ? text : look.paint(span.tone, text);
    })
    .join('')
    .trimEnd();
}

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
