import { type PublicKey, publicKeyOf } from './known-hosts.ts';

/** The public key in an OpenSSH private key file: it stands there in clear, also where the private half is encrypted. */
export function publicHalf(text: Buffer): PublicKey | undefined {
  const inner = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text.toString('latin1'))?.[1];
  if (inner === undefined) return undefined;
  const bytes = Buffer.from(inner, 'base64');
  let at = 'openssh-key-v1\0'.length;
  const next = (): Buffer => {
    const length = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    const value = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  // Cipher, key derivation and its options; then the number of keys, always one.
  next();
  next();
  next();
  at += 4;
  return publicKeyOf(next());
}
