import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';

/**
 * SSHSIG, the signature format of `ssh-keygen -Y` (OpenSSH, PROTOCOL.sshsig), for Ed25519 keys that this program makes itself. Signatures
 * are kept as the base64 of the blob, without the armour.
 */
export interface SigningKey {
  /** The public half as `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
  sign(message: Uint8Array, namespace: string): string;
}

const magic = Buffer.from('SSHSIG');
const kind = 'ssh-ed25519';

/** A new key. Its private half lives in this process and nowhere else. */
export function newSigningKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const blob = Buffer.concat([field(kind), field(Buffer.from(x, 'base64url'))]);
  return {
    publicKey: `${kind} ${blob.toString('base64')}`,
    sign: (message, namespace) => {
      const signature = sign(null, signedBytes(message, namespace), privateKey);
      return signatureBlob(blob, namespace, signature).toString('base64');
    },
  };
}

/** Whether a signature is what a key made of `message` in `namespace`, in the one form that this program writes. */
export type Verifier = (message: Uint8Array, namespace: string, signature: string) => Promise<boolean>;

/** Verifies what a public key signed, beside whatever else this process does: each takes about 0.1 ms of another processor. */
export function verifierOf(publicKey: string): Verifier {
  const blob = keyBlob(publicKey);
  if (blob === undefined) return () => Promise.resolve(false);
  const x = blob.subarray(-32).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return (message, namespace, signature) => {
    const raw = Buffer.from(signature, 'base64').subarray(-64);
    if (signatureBlob(blob, namespace, raw).toString('base64') !== signature) return Promise.resolve(false);
    return new Promise((settle, fail) => {
      verify(null, signedBytes(message, namespace), key, raw, (error, holds) =>
        error === null ? settle(holds) : fail(error),
      );
    });
  };
}

/** The public key that a signature names, as `TYPE BASE64`; undefined where it is no SSHSIG. Nothing is verified. */
export function signerOf(signature: string): string | undefined {
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.length < 14 || !bytes.subarray(0, 6).equals(magic) || bytes.readUInt32BE(6) !== 1) return undefined;
  const key = readField(bytes, 10);
  const type = key === undefined ? undefined : readField(key, 0);
  if (key === undefined || type === undefined || !/^[a-z0-9@.-]+$/.test(type.toString('latin1'))) return undefined;
  return `${type.toString('latin1')} ${key.toString('base64')}`;
}

/** The fingerprint of a public key, `TYPE BASE64` with or without a comment, as `ssh-keygen -l` prints it: `SHA256:…`. */
export const fingerprintOf = (publicKey: string): string =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`;

/** The armour that `ssh-keygen -Y verify` reads. */
export const armoured = (signature: string): string =>
  `-----BEGIN SSH SIGNATURE-----\n${(signature.match(/.{1,70}/g) ?? []).join('\n')}\n-----END SSH SIGNATURE-----\n`;

/** The base64 within the armour of `ssh-keygen -Y sign`; undefined where there is none. */
export function unarmoured(text: string): string | undefined {
  const found = /-----BEGIN SSH SIGNATURE-----([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----/.exec(text);
  return found?.[1]?.replace(/\s/g, '');
}

function keyBlob(publicKey: string): Buffer | undefined {
  const [type, base64 = '', ...more] = publicKey.split(' ');
  const blob = Buffer.from(base64, 'base64');
  const right = Buffer.concat([field(kind), field(blob.subarray(-32))]);
  return type === kind && more.length === 0 && blob.equals(right) && blob.toString('base64') === base64
    ? blob
    : undefined;
}

const signatureBlob = (key: Uint8Array, namespace: string, raw: Uint8Array): Buffer =>
  Buffer.concat([
    magic,
    Buffer.from([0, 0, 0, 1]),
    field(key),
    field(namespace),
    field(''),
    field('sha512'),
    field(Buffer.concat([field(kind), field(raw)])),
  ]);

const signedBytes = (message: Uint8Array, namespace: string): Buffer =>
  Buffer.concat([
    magic,
    field(namespace),
    field(''),
    field('sha512'),
    field(createHash('sha512').update(message).digest()),
  ]);

function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function readField(bytes: Buffer, at: number): Buffer | undefined {
  if (at + 4 > bytes.length) return undefined;
  const end = at + 4 + bytes.readUInt32BE(at);
  return end > bytes.length ? undefined : bytes.subarray(at + 4, end);
}
