import ssh2 from 'ssh2';

/** An SSH key pair in OpenSSH's formats. */
export interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/** A fresh Ed25519 key pair. ssh2 writes about three in a thousand (1.17) so that they cannot be read again: those are thrown away. */
export function newKeyPair(comment: string): KeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    if (readable(pair)) return pair;
  }
}

function readable(pair: KeyPair): boolean {
  const secret = ssh2.utils.parseKey(pair.private);
  const open = ssh2.utils.parseKey(pair.public);
  if (secret instanceof Error || open instanceof Error) return false;
  const message = Buffer.from('practice');
  return open.verify(message, secret.sign(message)) === true;
}
