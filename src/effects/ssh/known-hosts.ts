import { createHmac } from 'node:crypto';

/** A public key: its type as it names itself, and its blob in base64. */
export interface PublicKey {
  readonly type: string;
  readonly blob: string;
}

/** A key and the line that it stands on, counted from 1. */
export interface KnownKey extends PublicKey {
  readonly line: number;
}

/** What a known_hosts text says of one host. `authorities` counts keys of certificate authorities, which cannot be used here. */
export interface KnownKeys {
  readonly keys: readonly KnownKey[];
  readonly revoked: readonly KnownKey[];
  readonly authorities: number;
}

/** The name that known_hosts uses: lower case, `[name]:port` where the port is not 22. */
export const knownHostsName = (address: string, port: number): string => {
  const name = address.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
};

/** Looks a host up in the text of a known_hosts file (sshd(8): plain, hashed, wildcards, negation, markers). */
export function knownKeys(lines: string, address: string, port: number): KnownKeys {
  const name = knownHostsName(address, port);
  const keys: KnownKey[] = [];
  const revoked: KnownKey[] = [];
  let authorities = 0;
  for (const [n, text] of lines.split('\n').entries()) {
    const words = text.trim().split(/[ \t]+/);
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
    const [patterns, type, blob] = words;
    if (patterns === undefined || patterns === '' || patterns.startsWith('#')) continue;
    if (type === undefined || blob === undefined || !matches(patterns, name)) continue;
    const found = publicKey(`${type} ${blob}`);
    if (found === undefined) continue;
    const key = { ...found, line: n + 1 };
    if (marker === undefined) keys.push(key);
    else if (marker === '@revoked') revoked.push(key);
    else if (marker === '@cert-authority') authorities++;
  }
  return { keys, revoked, authorities };
}

/** Reads `ssh-ed25519 AAAA… [comment]`; undefined if it is no public key, or names another type than it holds. */
export function publicKey(text: string): PublicKey | undefined {
  const [type, blob] = text.trim().split(/[ \t]+/);
  if (type === undefined || blob === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(blob)) return undefined;
  const key = publicKeyOf(Buffer.from(blob, 'base64'));
  return key?.type === type ? key : undefined;
}

/** The public key in a blob as it goes over the wire. */
export function publicKeyOf(bytes: Buffer): PublicKey | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE(0);
  if (length === 0 || length > 64 || bytes.length <= 4 + length) return undefined;
  return { type: bytes.toString('latin1', 4, 4 + length), blob: bytes.toString('base64') };
}

function matches(patterns: string, name: string): boolean {
  if (patterns.startsWith('|')) return matchesHash(patterns, name);
  let found = false;
  for (const pattern of patterns.split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern((negated ? pattern.slice(1) : pattern).toLowerCase(), name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function matchesHash(pattern: string, name: string): boolean {
  const [, kind, salt, hash] = pattern.split('|');
  if (kind !== '1' || salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** `*` and `?` only, in linear space and without a regular expression, whose backtracking a hostile file could exploit. */
function matchesPattern(pattern: string, name: string): boolean {
  let p = 0;
  let star = -1;
  let from = 0;
  for (let n = 0; n < name.length; ) {
    if (pattern[p] === '*') {
      star = p++;
      from = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star !== -1) {
      p = star + 1;
      n = ++from;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
