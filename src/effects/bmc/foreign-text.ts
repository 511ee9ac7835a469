import { printable } from '../../core/printable.ts';
import type { Secret } from '../../core/secret.ts';

/**
 * Text from a BMC made fit to be shown and kept: control characters (a terminal obeys them) written out, on one line, without the secrets
 * that some firmware and tools repeat in their messages, and of at most `limit` characters of theirs.
 */
export function foreignText(text: string, secrets: readonly Secret[], limit = 600): string {
  const plain = redacted(text, secrets)
    .replace(/[ \t\r\n]+/g, ' ')
    .replace(/^[ \0]+|[ \0]+$/g, '');
  return plain.length > limit ? `${printable(plain.slice(0, limit))}…` : printable(plain);
}

/** The first line of such a text that is not blank; the secrets are taken out before it is cut, as one may hold a newline. */
export function firstForeignLine(text: string, secrets: readonly Secret[], limit: number): string {
  const lines = redacted(text, secrets).split(/[\r\n]+/);
  return lines.map((line) => foreignText(line, [], limit)).find((line) => line !== '') ?? '';
}

function redacted(text: string, secrets: readonly Secret[]): string {
  let clean = text;
  for (const secret of secrets) {
    const value = secret.reveal();
    if (value !== '') clean = clean.replaceAll(value, '[redacted]');
  }
  return clean;
}
