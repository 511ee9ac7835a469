import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RemoteProcess } from '../../../src/core/ports.ts';
import { secret } from '../../../src/core/secret.ts';
import { exitOutcome, tailLimit } from '../../../src/effects/host/exit-outcome.ts';
import { makeRedactor, shortestSecret } from '../../../src/effects/redaction/redactor.ts';
import { collect } from '../../../src/effects/ssh/collect.ts';

const redactorOf = (...values: readonly string[]) => {
  const redactor = makeRedactor();
  for (const value of values) redactor.add(secret(value));
  return redactor;
};

/** Everything that an encoder treats in a way of its own, and letters of one to four bytes. */
const letters = fc.constantFrom(...`aB3 /+=%&<>"'\\$\`!*?#;~.-_()[]{}|^,:@\t\x1böé€語𝄞n0u`);
const secrets = fc.string({ unit: letters, minLength: shortestSecret, maxLength: 24 });

const base64 = (text: string) => Buffer.from(text).toString('base64');
const eachByte = (text: string, write: (byte: number) => string) => [...Buffer.from(text)].map(write).join('');
const digits = (byte: number) => byte.toString(16).padStart(2, '0');
const encoders: { readonly [name: string]: (text: string) => string } = {
  'as it is': (text) => text,
  JSON: (text) => JSON.stringify(text).slice(1, -1),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  'JSON with escaped slashes': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'JSON of ASCII alone': (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'part of a URL': encodeURIComponent,
  'a whole URL': encodeURI,
  'a form': (text) => new URLSearchParams([['', text]]).toString().slice(1),
  'a URL with every byte written out': (text) => eachByte(text, (byte) => `%${digits(byte)}`),
  'single quotes': (text) => text.replaceAll("'", `'\\''`),
  'single quotes, as dash exports them': (text) => text.replaceAll("'", `'"'"'`),
  'double quotes': (text) => text.replace(/["\\$`!]/g, '\\$&'),
  backslashes: (text) => text.replace(/[^\w./-]/gu, '\\$&'),
  HTML: (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`),
  'HTML with names': (text) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  octal: (text) => eachByte(text, (byte) => `\\${byte.toString(8).padStart(3, '0')}`),
  hex: (text) => eachByte(text, digits),
  'capital hex': (text) => eachByte(text, digits).toUpperCase(),
};

test.each(Object.entries(encoders))('no secret that was written as %s is left', (_, encode) => {
  fc.assert(
    fc.property(secrets, fc.string({ unit: letters }), fc.string({ unit: letters }), (value, before, after) => {
      const left = redactorOf(value).redact(`${before}${encode(value)}${after}`);
      expect(left).toContain('[redacted]');
      expect(left).not.toContain(value);
      expect(left).not.toContain(encode(value));
    }),
    { numRuns: 300 },
  );
});

test('what stands around a secret stays', () => {
  const plain = fc.string({ unit: fc.constantFrom(...'.: ,'), maxLength: 20 });
  const word = fc.string({ unit: fc.constantFrom(...'abXY01'), minLength: shortestSecret, maxLength: 20 });
  fc.assert(
    fc.property(word, plain, plain, fc.constantFrom(...Object.values(encoders)), (value, before, after, encode) => {
      expect(redactorOf(value).redact(`${before}${encode(value)}${after}`)).toBe(`${before}[redacted]${after}`);
    }),
    { numRuns: 500 },
  );
});

test('base64 gives back no three letters of a secret, wherever it stands in it, for URLs or not, in lines of any length', () => {
  const around = fc.string({ unit: fc.constantFrom(...'.,;-'), maxLength: 70 });
  const word = fc.string({ unit: fc.constantFrom(...'aB3/+>?ö語'), minLength: shortestSecret, maxLength: 80 });
  fc.assert(
    fc.property(
      word,
      around,
      around,
      fc.boolean(),
      fc.integer({ min: 4, max: 80 }),
      (value, before, after, url, width) => {
        const encoded = base64(`${before}${value}${after}`);
        const alphabet = url ? encoded.replaceAll('+', '-').replaceAll('/', '_') : encoded;
        const left = redactorOf(value).redact(alphabet.replace(new RegExp(`.{${width}}`, 'g'), '$&\n'));
        for (const piece of left.split('[redacted]')) {
          // Whatever the piece's own beginning was aligned to.
          for (const pad of ['', 'A', 'AA', 'AAA']) {
            const bytes = Buffer.from(pad + piece.replaceAll('\n', ''), 'base64');
            for (let at = 0; at + 4 <= Buffer.byteLength(value); at++) {
              expect(bytes.includes(Buffer.from(value).subarray(at, at + 4))).toBe(false);
            }
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('of secrets that overlap nothing is left', () => {
  const word = fc.string({ unit: fc.constantFrom(...'abc'), minLength: 9, maxLength: 9 });
  fc.assert(
    fc.property(word, fc.nat(4), fc.nat(4), (text, one, other) => {
      const values = [text.slice(one, one + 5), text.slice(other, other + 5)];
      const [from, to] = [Math.min(one, other), Math.max(one, other) + 5];
      const left = redactorOf(...values).redact(`.${text.slice(from, to)}.`);
      for (const value of values) expect(left).not.toContain(value);
      // Those that share a letter are taken out together.
      if (Math.abs(one - other) < 5) expect(left).toBe('.[redacted].');
    }),
    { numRuns: 500 },
  );
});

test.each(['as it is', 'JSON', 'part of a URL', 'single quotes', 'HTML', 'hex'])(
  'a text that was cut in the middle of a secret, written as %s, shows no four letters of it',
  (name) => {
    const encode = encoders[name] as (text: string) => string;
    // Each letter once, so that a piece of it is a piece of it.
    const value = fc.shuffledSubarray([...`aB3/+%&"'$öé€語`], { minLength: 5 }).map((some) => some.join(''));
    fc.assert(
      fc.property(value, (some) => {
        const redactor = redactorOf(some);
        const encoded = encode(some);
        const units = [...some].map(encode);
        for (let cut = 0; cut <= encoded.length; cut++) {
          for (const text of [`... ${encoded.slice(0, cut)}`, `${encoded.slice(cut)} ...`]) {
            const left = redactor.redactCut(text);
            for (let at = 0; at + 4 <= units.length; at++) {
              expect(left).not.toContain(units.slice(at, at + 4).join(''));
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  },
);

test('a program that prints a secret leaves nothing of it in the receipt, wherever its output is cut or comes in pieces', async () => {
  const value = 'Gh5!pQz"s/wXö-k%R7';
  const redactor = redactorOf(value);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(40),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
      async (shift, sizes) => {
        // The end that is kept begins in the middle of one of them.
        const printed = Buffer.from(`${'.'.repeat(shift)}${`${value}\n`.repeat(300)}`);
        const process: RemoteProcess = {
          stdin: new Writable(),
          stdout: Readable.from(inPieces(printed, sizes)),
          stderr: Readable.from(inPieces(printed, [...sizes].reverse())),
          ended: Promise.resolve({ how: 'exit', code: 1 }),
        };
        const outcome = exitOutcome('web01', ['true'], 1, await collect(process, tailLimit, 'last'));
        const left = JSON.stringify(redactor.redactIn(outcome));
        expect(left).toContain('[redacted]');
        for (let at = 0; at + 4 <= value.length; at++)
          expect(left).not.toContain(JSON.stringify(value.slice(at, at + 4)).slice(1, -1));
      },
    ),
    { numRuns: 60 },
  );
});

function* inPieces(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test('a secret of several lines is taken out line by line as well', () => {
  const key = '-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEA\nAAAABG5vbmUAAAAEbm9u\n-----END KEY-----\n';
  const left = redactorOf(key).redact(`one\n  b3BlbnNzaC1rZXktdjEA\nand AAAABG5vbmUAAAAEbm9u\n${key}two`);
  expect(left).toBe('one\n  [redacted]\nand [redacted]\n[redacted]two');
});

test('looking for many secrets in much text takes no time to speak of, whatever the secrets are made of', () => {
  const redactor = redactorOf(
    ...['\\'.repeat(60), `'"`.repeat(30), '%25'.repeat(20), ' \t'.repeat(30), 'ab'.repeat(40), '&amp;'.repeat(12)],
    ...Array.from({ length: 20 }, (_, n) => `secret-${n}-${'x'.repeat(n)}`),
  );
  const near = [
    '\\'.repeat(59),
    `'"`.repeat(29),
    '%25'.repeat(19),
    ' \t'.repeat(29),
    'ab'.repeat(39),
    '&amp;'.repeat(11),
  ];
  const text = near.map((piece) => `${piece}.`.repeat(100)).join('');
  const started = performance.now();
  redactor.redactCut(text);
  expect(performance.now() - started).toBeLessThan(20_000);
});
