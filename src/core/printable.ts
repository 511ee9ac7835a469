/**
 * Makes text safe to show: every control character, escape, line separator, zero-width, blank and bidirectional control, variation selector, byte-order mark and
 * lone surrogate is written out as `\x1b` or `\u202e`. Text from a host or a file could otherwise repaint a terminal or show a name
 * that is not the one acted upon. The result is one line without any of them.
 */
export const printable = (text: string): string => text.replace(unsafe, (character) => written(character));

const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb]|\u034f|[\u17b4-\u17b5]|[\u180b-\u180f]|[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;

function written(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/** The lines of a text from outside, each printable; a final newline makes no line of its own. */
export const printableLines = (text: string): readonly string[] =>
  text === ''
    ? []
    : text
        .replace(/\r?\n$/, '')
        .split(/\r?\n/)
        .map(printable);
