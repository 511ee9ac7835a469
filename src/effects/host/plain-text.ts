import { printableLines } from '../../core/printable.ts';

/** Bytes of a program as they are, for reading by this program: UTF-8, with U+FFFD for what is not. */
export const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** For people and records: escape sequences taken out, tabs as spaces, every other control character written out. */
export const plainText = (bytes: Uint8Array): string =>
  printableLines(
    decode(bytes)
      .replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g, '')
      .replaceAll('\t', '  '),
  ).join('\n');

/** The end of it as plain text of at most `limit` bytes, begun at a whole character. */
export function tailText(bytes: Uint8Array, limit: number): string {
  let from = Math.max(0, bytes.length - limit);
  if (from > 0) while (from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  let text = plainText(bytes.subarray(from));
  // What was written out is longer than it was.
  for (let over = Buffer.byteLength(text) - limit; over > 0; over = Buffer.byteLength(text) - limit) {
    text = text.slice(Math.ceil(over / 4)).replace(/^[\udc00-\udfff]/, '');
  }
  return text;
}

/** The last lines of a text that say something. */
export const lastLines = (text: string, count: number): string =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n');
