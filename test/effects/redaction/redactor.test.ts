import { describe, expect, it } from 'vitest';
import { secret } from '../../../src/core/secret.ts';
import { makeRedactor } from '../../../src/effects/redaction/redactor.ts';

const value = 'p"a$s+w/ö rd!*';
const redactor = makeRedactor();
redactor.add(secret(value));
redactor.add(secret('p"a$s'));

describe('a redactor', () => {
  it.each([
    ['as it is', `login ${value} ok`, 'login [redacted] ok'],
    ['twice in a line', `${value} ${value}`, '[redacted] [redacted]'],
    ['in JSON', `{"p":${JSON.stringify(value)}}`, '{"p":"[redacted]"}'],
    ['quoted for a URL', `?p=${encodeURIComponent(value)}`, '?p=[redacted]'],
  ])('takes a secret out %s', (_, text, clean) => {
    expect(redactor.redact(text)).toBe(clean);
  });

  it('takes it out of base64 wherever it stands in the encoded text', () => {
    for (const before of ['', 'a', 'ab', 'user:', 'admin:x']) {
      for (const after of ['', 'z', 'zz', 'zzz']) {
        const encoded = Buffer.from(`${before}${value}${after}`).toString('base64');
        const left = redactor.redact(encoded);
        expect(left).toContain('[redacted]');
        // What is left of the encoded text gives back no three letters of the secret.
        for (const piece of left.split('[redacted]')) {
          expect(Buffer.from(piece, 'base64').toString('latin1')).not.toContain(value.slice(0, 3));
        }
      }
    }
  });

  it('leaves other texts alone, also where a secret is too short to look for', () => {
    const short = makeRedactor();
    short.add(secret('a'));
    expect(short.redact('a banana')).toBe('a banana');
    expect(redactor.redact('nothing here')).toBe('nothing here');
  });
});
