import { type PublicKey, publicKeyOf } from '../known-hosts.ts';
import { packetReader, text } from './packet.ts';

const suffix = '-cert-v01@openssh.com';

/** The key that a certificate is for (OpenSSH's PROTOCOL.certkeys); a plain key is itself. */
export function plainKey(key: PublicKey): PublicKey {
  if (!key.type.endsWith(suffix)) return key;
  const type = key.type.slice(0, -suffix.length);
  const fields = packetReader(Buffer.from(key.blob, 'base64'));
  const parts: Buffer[] = [Buffer.from(type)];
  try {
    // Its type and a nonce stand first.
    fields.bytes();
    fields.bytes();
    for (let left = type === 'ssh-ed25519' ? 1 : 2; left > 0; left--) parts.push(fields.bytes());
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return key;
  }
  return publicKeyOf(Buffer.concat(parts.map((part) => text(part)))) ?? key;
}
