import type { Secret } from '../core/secret.ts';

/** Takes secrets out of texts before they are shown or kept. */
export interface Redactor {
  add(secret: Secret): void;
  redact(text: string): string;
  /** The same for every text in a value as JSON knows them, but not for the names of its fields. */
  redactIn<T>(value: T): T;
}

/** Shorter secrets are not searched for: taking every "a" out of a log would hide the log, not the secret. */
const shortest = 4;

/**
 * Knows each secret in the forms it is likely to be printed in: as it is, in JSON, quoted for a URL, and in base64, also
 * within a longer base64 text (`user:secret` of HTTP's Basic), where its letters depend on what stands before it.
 */
export function makeRedactor(): Redactor {
  const forms = new Set<string>();
  let pattern: RegExp | undefined;
  const redact = (text: string): string => (pattern === undefined ? text : text.replace(pattern, '[redacted]'));
  const within = (value: unknown): unknown => {
    if (typeof value === 'string') return redact(value);
    if (Array.isArray(value)) return value.map(within);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, within(inner)]));
  };
  return {
    add: (secret) => {
      const value = secret.reveal();
      if (value.length < shortest) return;
      for (const form of formsOf(value)) forms.add(form);
      const longestFirst = [...forms].sort((a, b) => b.length - a.length);
      pattern = new RegExp(longestFirst.map((form) => form.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
    },
    redact,
    redactIn: <T>(value: T) => within(value) as T,
  };
}

function formsOf(value: string): readonly string[] {
  const plain = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
  const percent = encodeURIComponent(value).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const encoded = [0, 1, 2].map((before) => inBase64(Buffer.from(value), before)).filter((form) => form.length >= 6);
  const ofUrl = encoded.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'));
  return [...plain, percent, ...encoded, ...ofUrl];
}

/** The letters of a base64 text that depend on these bytes alone, where `before` more bytes (modulo 3) precede them. */
function inBase64(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const whole = (before + bytes.length) % 3 === 0;
  return text.slice(Math.ceil((before * 8) / 6), whole ? undefined : -1);
}
