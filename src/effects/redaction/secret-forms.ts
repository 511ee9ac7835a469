/** A letter of a secret, or a run of quotes in it, with everything that may stand for it in a text. */
export interface Unit {
  /** Looks at `lastIndex` alone. */
  readonly sticky: RegExp;
  /** The same where a line may have been broken before it. */
  readonly later: RegExp;
  /** How many letters of the secret it is. Of several, `some` finds one or more of them, at `lastIndex` alone. */
  readonly letters: number;
  readonly some?: RegExp;
  /** Characters that it may begin with. */
  readonly starts: string;
  /** What takes several characters, in lower case: a cut may go through it. */
  readonly spelled: readonly string[];
}

/** One way of writing a secret. */
export type Form = readonly Unit[];

/** What finds the whole of a form at `lastIndex`; undefined for one that is too long for a regular expression. */
export const wholeOf = (form: Form): RegExp | undefined =>
  form.length > 400 ? undefined : new RegExp(form.map(({ sticky }) => `(?:${sticky.source})`).join(lineBreak), 'y');

/** Any text may be broken into lines on its way: by `base64`, by a mailer, by whoever indents. As it is, or written out. */
const lineBreak = '(?:(?:\\r?\\n|\\\\r\\\\n|\\\\n)[ \\t]*?)??';

const known = new Map<string, Unit>();

function unit(source: string, starts: string, spelled: readonly string[] = [], letters = 1): Unit {
  const before = known.get(source);
  if (before !== undefined) return before;
  const made = {
    sticky: new RegExp(source, 'y'),
    later: new RegExp(`${lineBreak}(?:${source})`, 'y'),
    letters,
    starts,
    spelled: spelled.map((text) => text.toLowerCase()),
  };
  known.set(source, made);
  return made;
}

/** Every form that is looked for, but for the secret as it is. */
export function formsOf(secret: string): readonly Form[] {
  const bytes = Buffer.from(secret);
  const exact = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())];
  return [
    ...[...new Set(exact)].map(exactly),
    inAnyLetters(secret),
    inHex(bytes),
    ...[0, 1, 2].map((before) => inBase64(bytes, before)),
  ];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

const exactly = (text: string): Form => [...text].map((letter) => unit(escaped(letter), letter));

/**
 * Written letter by letter: as it is, after backslashes, `%2F` and `+` of URLs, `\u002f`, `\x2f` and `\057`, `&#47;` and `&amp;`. Which
 * letters an encoder leaves as they are differs from one to the next, so any mixture counts.
 */
function inAnyLetters(text: string): Form {
  const pieces = [...text.matchAll(/['"\\]+|[\s\S]/gu)].map(([piece]) => piece);
  const isRun = (piece: string | undefined): boolean => /^['"\\]/.test(piece ?? '');
  return pieces.map((piece, n) =>
    isRun(piece) ? quotesUnit(piece, n === pieces.length - 1) : letterUnit(piece, isRun(pieces[n - 1])),
  );
}

/** A quoted quote may take five characters (`'"'"'`), in JSON more. At the end no more is taken than one encoder makes of it. */
function quotesUnit(run: string, last: boolean): Unit {
  const quotes = [...run];
  const each = [...new Set(quotes.flatMap(spellings))].filter((text) => /\w/.test(text));
  const coded = each.map(spelledSource).join('|');
  const any = (most: number) => `(?:${coded}|['"\\\\]){${run.length},${most}}`;
  const alike = [
    (q: string) => `\\\\{3}${escaped(q)}`,
    (q: string) => `\\\\${escaped(q)}`,
    (q: string) => (q === "'" ? `'\\\\''` : escaped(q)),
    (q: string) => (q === "'" ? `'"'"'` : escaped(q)),
    escaped,
  ].map((encode) => quotes.map(encode).join(''));
  const source = last ? [...alike, any(run.length)].join('|') : any(run.length * 10);
  const made = unit(source, `'"\\%&`, each, run.length);
  return run.length === 1 ? made : { ...made, some: new RegExp(`(?:${coded}|['"\\\\])+`, 'y') };
}

const named: { readonly [letter: string]: string } = { '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f' };
const html: { readonly [letter: string]: string } = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

/** `afterQuotes`: what stands before it has taken its backslashes already. */
function letterUnit(letter: string, afterQuotes: boolean): Unit {
  const spelled = spellings(letter);
  const name = named[letter];
  const alone = letter === '\n' ? '\\r?\\n' : escaped(letter);
  const least = afterQuotes ? '{0,' : '{1,';
  return unit(
    [
      ...spelled.map((text) => spelledSource(text).replace('{1,', least)),
      ...(name === undefined ? [] : [`\\\\${least}4}${name}`]),
      ...(letter === ' ' ? ['\\+'] : []),
      // As tabs are shown.
      ...(letter === '\t' ? [' {2}'] : []),
      afterQuotes ? alone : `\\\\{0,4}${alone}`,
      // The end of a line is often written anew.
      ...(letter === '\r' ? [''] : []),
    ].join('|'),
    `\\%&${letter.at(0)}${letter === ' ' ? '+' : letter === '\t' ? ' ' : letter === '\n' ? '\r' : ''}`,
    name === undefined ? spelled : [...spelled, `\\${name}`],
  );
}

/** The numbers of a letter, and its names in HTML. */
function spellings(letter: string): readonly string[] {
  const code = letter.codePointAt(0) ?? 0;
  const bytes = [...Buffer.from(letter)];
  const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
  const halves = Array.from({ length: letter.length }, (_, n) => letter.charCodeAt(n));
  return [
    bytes.map((byte) => `%${hex(byte, 2)}`).join(''),
    halves.map((half) => `\\u${hex(half, 4)}`).join(''),
    `\\u{${hex(code, 1)}}`,
    bytes.map((byte) => `\\x${hex(byte, 2)}`).join(''),
    bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
    ...(code > 0x7f && code <= 0xff ? [`\\x${hex(code, 2)}`] : []),
    `&#${code};`,
    `&#x${hex(code, 1)};`,
    ...(html[letter] === undefined ? [] : [`&${html[letter]};`]),
  ];
}

/** In either case, with zeros before a number of HTML, and with backslashes that were themselves escaped. */
const spelledSource = (text: string): string =>
  escaped(text)
    .replace(/\\\\/g, '\\\\{1,4}')
    .replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
    .replace(/^&#(\[xX\])?/, (start) => `${start}0*`);

/** Two digits a byte, in either case. */
const inHex = (bytes: Buffer): Form =>
  [...bytes].map((byte) => {
    const digits = byte.toString(16).padStart(2, '0');
    const source = digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
    return unit(source, `${digits[0]}${digits[0]?.toUpperCase()}`, [digits]);
  });

/**
 * The letters of a base64 text that depend on these bytes alone, where `before` more bytes (modulo 3) precede them; those of URLs and of
 * files' names (`-` and `_`) count as well, and either may be written as in a URL or in JSON.
 */
function inBase64(bytes: Buffer, before: number): Form {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const whole = (before + bytes.length) % 3 === 0;
  const letters = text.slice(Math.ceil((before * 8) / 6), whole ? undefined : -1);
  return [...letters].map((letter) => {
    if (letter === '+') return unit('[+-]|%2[bB]', '+-%', ['%2b']);
    if (letter === '/') return unit('\\\\?/|_|%2[fF]', '/\\_%', ['%2f', '\\/']);
    return unit(letter, letter);
  });
}
