import type { Secret } from '../../core/secret.ts';

/**
 * Text from a BMC made fit to be shown and kept: without control characters (a terminal obeys them), without the secrets
 * that some firmware and tools repeat in their messages, and of at most `limit` characters.
 */
export function foreignText(text: string, secrets: readonly Secret[], limit = 600): string {
  const clean = redacted(text, secrets)
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
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
