import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import type { Expected } from './host-key.ts';

/** The only algorithms that may be used, by kind; an absent kind is not limited. */
export interface AlgorithmLimits {
  readonly kex?: readonly string[];
  readonly hostKey?: readonly string[];
  readonly cipher?: readonly string[];
  readonly mac?: readonly string[];
}

/** One list for each thing that both sides have to agree on. */
export interface Offer {
  readonly kex: readonly KexAlgorithm[];
  readonly hostKey: readonly ServerHostKeyAlgorithm[];
  readonly cipher: readonly CipherAlgorithm[];
  readonly mac: readonly MacAlgorithm[];
}

/** aes128-gcm first: it streams fastest by far. */
const modern: Offer = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group15-sha512',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group17-sha512',
    'diffie-hellman-group18-sha512',
  ],
  hostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  mac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
};

/** What servers of twenty years ago speak, and what is broken or near it today: offered last, and only where it is declared. */
const old: Offer = {
  kex: ['diffie-hellman-group-exchange-sha1', 'diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
  hostKey: ['ssh-rsa', 'ssh-dss'],
  cipher: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
  mac: ['hmac-sha1-etm@openssh.com', 'hmac-sha1', 'hmac-sha1-96', 'hmac-md5', 'hmac-md5-96'],
};

export const kinds = ['kex', 'hostKey', 'cipher', 'mac'] as const;
export const kindWords = { kex: 'key exchange', hostKey: 'host key', cipher: 'cipher', mac: 'MAC' } as const;

/** Ciphers that authenticate what they carry: with one of them no MAC is needed. */
export const needsNoMac = (cipher: string): boolean => /gcm|poly1305/.test(cipher);

/** What is offered to a host. Limits are kept in their order, and bring in nothing old; where that is declared, it comes after them. */
export function offer(legacy: boolean, limits: AlgorithmLimits = {}): Offer {
  const of = <A extends string>(
    kind: (typeof kinds)[number],
    now: readonly A[],
    before: readonly A[],
  ): readonly A[] => {
    const limit = limits[kind];
    const may = limit === undefined ? now : limit.flatMap((name) => now.filter((a) => a === name));
    return legacy ? [...may, ...before] : may;
  };
  return {
    kex: of('kex', modern.kex, old.kex),
    hostKey: of('hostKey', modern.hostKey, old.hostKey),
    cipher: of('cipher', modern.cipher, old.cipher),
    mac: of('mac', modern.mac, old.mac),
  };
}

/**
 * As ssh2 takes it. Host key algorithms of known keys come first: a server picks the first it has, so a host known by its ed25519 key is
 * never judged by its ecdsa key. The others stay, so that a host that lost its known key is told apart from one that speaks nothing we do.
 */
export function algorithmsFor(offered: Offer, expected: Expected): Algorithms {
  const types = new Set(expected.keys.map((key) => key.type));
  const known = (algorithm: string): boolean => types.has(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
  return {
    kex: [...offered.kex],
    cipher: [...offered.cipher],
    hmac: [...offered.mac],
    serverHostKey: [...offered.hostKey.filter(known), ...offered.hostKey.filter((a) => !known(a))],
  };
}

/** What ssh2 tells of a finished handshake. */
export interface Negotiated {
  readonly kex: string;
  readonly serverHostKey: string;
  readonly cs: { readonly cipher: string; readonly mac: string };
  readonly sc: { readonly cipher: string; readonly mac: string };
}

/** The old algorithms that were agreed on; none with a server of today. */
export function legacyOf({ kex, serverHostKey, cs, sc }: Negotiated): readonly string[] {
  const all: readonly string[] = [...old.kex, ...old.hostKey, ...old.cipher, ...old.mac];
  return [...new Set([kex, serverHostKey, cs.cipher, sc.cipher, cs.mac, sc.mac])].filter((name) => all.includes(name));
}
