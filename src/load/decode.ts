import type { Diagnostic } from '../core/diagnostic.ts';
import { fail, ok, type Result } from '../core/result.ts';

/** Greatest size of an input file in bytes. */
export const maxBytes = 1_048_576;

/** Bytes to text: UTF-8 with or without its mark; anything else is refused with the line and the byte where it stops being so. */
export function decode(bytes: Uint8Array, file: string): Result<string, Diagnostic> {
  const at = (offset: number, code: string, what: string, fix: string): Result<string, Diagnostic> => {
    const before = bytes.subarray(0, offset);
    let line = 1;
    let start = 0;
    for (let i = before.indexOf(0x0a); i !== -1; i = before.indexOf(0x0a, i + 1)) {
      line += 1;
      start = i + 1;
    }
    const column = new TextDecoder('utf-8').decode(before.subarray(start)).length + 1;
    return fail({ code, file, line, column, what, fix });
  };
  if (bytes.length > maxBytes) {
    const size = (bytes.length / maxBytes).toFixed(1);
    return at(0, 'too-large', `the file is ${size} MiB large; at most 1 MiB is read.`, 'Is it the right file?');
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return at(0, 'encoding', 'the file is in UTF-16.', 'Save it as UTF-8.');
  }
  // A search of the regular expressions engine: a function called for each byte takes as long as parsing the file.
  const control = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .search(controlCharacter);
  if (control !== -1) {
    const name = bytes[control] === 0 ? 'a NUL byte' : `the control character 0x${hex(bytes[control])}`;
    return at(
      control,
      'encoding',
      `${name} is in the text (byte ${control}).`,
      'Remove it, or save the file as UTF-8.',
    );
  }
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    const bad = firstInvalid(bytes);
    return at(bad, 'encoding', `byte 0x${hex(bytes[bad])} (byte ${bad}) is not UTF-8.`, 'Save the file as UTF-8.');
  }
}

const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
const hex = (byte: number | undefined): string => (byte ?? 0).toString(16).padStart(2, '0');

/** Where the first character that is not UTF-8 begins. Halving works, because a decoder in stream mode accepts a cut character. */
function firstInvalid(bytes: Uint8Array): number {
  const decoded = (length: number): string | undefined => {
    try {
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      return decoder.decode(bytes.subarray(0, length), { stream: true });
    } catch {
      return undefined;
    }
  };
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (decoded(middle) !== undefined) low = middle;
    else high = middle - 1;
  }
  return new TextEncoder().encode(decoded(low)).length;
}
