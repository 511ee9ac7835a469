import type { Span } from './span.ts';

/** Narrower than this, a terminal's own breaks do less harm than ours. */
const narrowest = 20;

/** A command to copy stays in one piece: a break in it would be copied too, and half of it would run. */
const command = /(?<=: )(?:decom|echo|sudo|chmod|systemctl|ssh(?:-[a-z-]+)?) .*?(?=[.,;]? \(|[.,;] |[.;]?$)/g;

/**
 * A line cut at spaces into lines of at most `columns`, the later ones indented to where the text of the first begins. A word that fits no
 * line stands on one of its own, and the terminal breaks it: so it can still be copied in one piece.
 */
export function wrapped(spans: readonly Span[], columns: number | undefined): readonly (readonly Span[])[] {
  const text = spans.map(textOf).join('');
  if (columns === undefined || columns < narrowest || widthOf(text) <= columns) return [spans];
  const hang = hangOf(text, columns);
  const pad = ' '.repeat(hang);
  return cuts(text, columns, hang).map(([from, to], i) => {
    const part = slice(spans, from, to);
    return i === 0 ? part : [pad, ...part];
  });
}

const textOf = (span: Span): string => (typeof span === 'string' ? span : span.text);

/** Where each line begins and ends in the text. */
function cuts(text: string, columns: number, hang: number): readonly (readonly [number, number])[] {
  const lines: [number, number][] = [];
  let line: [number, number] | undefined;
  for (const [from, to] of words(text)) {
    const room = lines.length === 0 ? columns : columns - hang;
    const begin: number = line?.[0] ?? 0;
    if (line !== undefined && widthOf(text.slice(begin, to)) > room) {
      lines.push(line);
      line = [from, to];
    } else line = [begin, to];
  }
  return line === undefined ? lines : [...lines, line];
}

function* words(text: string): Generator<readonly [number, number]> {
  const whole = [...text.matchAll(command)].map((found) => [found.index, found.index + found[0].length] as const);
  let begun: number | undefined;
  for (const { index, 0: word } of text.matchAll(/\S+/g)) {
    const end = index + word.length;
    begun ??= index;
    if (whole.some(([from, to]) => index >= from && end < to)) continue;
    yield [begun, end];
    begun = undefined;
  }
}

/** The column that later lines begin at: behind the indentation, a mark or the name of a pair. */
function hangOf(text: string, columns: number): number {
  const pair = /^ *\S.*? {2,}(?=\S)/.exec(text)?.[0] ?? '';
  const mark = /^ *(?:[|·✓✗?~-] |\[\d+\/\d+\] )?/.exec(text)?.[0] ?? '';
  const hang = widthOf(pair) > 0 && widthOf(pair) <= columns / 3 ? widthOf(pair) : widthOf(mark);
  return Math.min(hang === 0 ? 2 : hang, Math.floor(columns / 3));
}

function slice(spans: readonly Span[], from: number, to: number): readonly Span[] {
  const parts: Span[] = [];
  let at = 0;
  for (const span of spans) {
    const text = textOf(span);
    const part = text.slice(Math.max(0, from - at), Math.max(0, to - at));
    at += text.length;
    if (part !== '') parts.push(typeof span === 'string' ? part : { tone: span.tone, text: part });
  }
  return parts;
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that a terminal takes for a text. */
const widthOf = (text: string): number => {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : /\p{M}/u.test(character) ? 0 : 1;
  return width;
};
