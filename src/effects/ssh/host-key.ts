import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { knownHostsName, knownKeys, type PublicKey, publicKey, publicKeyOf } from './known-hosts.ts';
import type { SshTarget } from './target.ts';

/** What is known of a host's keys before it is asked, and from where. */
export interface Expected {
  readonly keys: readonly PublicKey[];
  readonly revoked: readonly PublicKey[];
  readonly authorities: number;
  /** Where the keys stand, for people. */
  readonly source: string;
}

/** `SHA256:…`, as ssh-keygen -l prints it. */
export const fingerprint = (key: PublicKey): string =>
  `SHA256:${createHash('sha256').update(Buffer.from(key.blob, 'base64')).digest('base64').replace(/=+$/, '')}`;

export const keyText = (key: PublicKey): string => `${key.type} ${key.blob}`;

/**
 * Gathers what is known: the inventory's keys where it holds any, else known_hosts. Fails closed with `host-key-unreadable`
 * where either cannot be read; a known_hosts file that does not exist knows nothing.
 */
export function expectedKeys(target: SshTarget, home: string): Result<Expected> {
  if (target.hostKeys !== undefined && target.hostKeys.length > 0) {
    const keys: PublicKey[] = [];
    for (const text of target.hostKeys) {
      const key = publicKey(text);
      if (key === undefined) {
        return fail(
          trouble(
            'host-key-unreadable',
            `${target.name}: an entry of ssh.host_keys in the inventory is not a public key: "${text.slice(0, 60)}"`,
            'Write it as in /etc/ssh/ssh_host_ed25519_key.pub: type, then base64.',
          ),
        );
      }
      keys.push(key);
    }
    return ok({ keys, revoked: [], authorities: 0, source: 'ssh.host_keys in the inventory' });
  }
  const files =
    target.knownHosts === undefined
      ? [join(home, '.ssh/known_hosts'), '/etc/ssh/ssh_known_hosts']
      : [target.knownHosts];
  const texts: string[] = [];
  for (const file of files) {
    try {
      texts.push(readFileSync(file, 'latin1'));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') continue;
      return fail(
        trouble(
          'host-key-unreadable',
          `${file} cannot be read (${code}), so the key of ${target.name} cannot be checked`,
          `Make it readable, or put the key into ssh.host_keys of ${target.name} in hosts.yaml.`,
        ),
      );
    }
  }
  return ok({ ...knownKeys(texts.join('\n'), target.address, target.port), source: files.join(', ') });
}

/** Decides on the key that a server shows: undefined if it is the right one. */
export function judgeHostKey(target: SshTarget, expected: Expected, shown: Buffer): Trouble | undefined {
  const key = publicKeyOf(shown);
  if (key === undefined) {
    return trouble(
      'host-key-unknown',
      `${target.name} showed a host key of an unknown form`,
      'Check what answers there.',
    );
  }
  const same = (other: PublicKey): boolean => other.blob === key.blob;
  const where = `${target.name} (${target.address}, port ${target.port})`;
  if (expected.revoked.some(same)) {
    return trouble(
      'host-key-revoked',
      `the host key of ${where} is marked @revoked in ${expected.source}: ${fingerprint(key)}`,
      'Do not go on: somebody declared this key stolen. Give the host a new key, and remove the mark only if it was a mistake.',
    );
  }
  if (expected.keys.some(same)) return undefined;
  if (expected.keys.length > 0) {
    const known = expected.keys.map((k) => `${k.type} ${fingerprint(k)}`).join(', ');
    return trouble(
      'host-key-changed',
      `the host key of ${where} is not the one in ${expected.source}: it shows ${key.type} ${fingerprint(key)}, known is ${known}`,
      'Do not go on before you know why: another machine may be answering. If the host was reinstalled, compare the fingerprint ' +
        `at its console (ssh-keygen -lf /etc/ssh/ssh_host_${shortType(key.type)}_key.pub) and replace the key in ${expected.source}.`,
      keyText(key),
    );
  }
  if (expected.authorities > 0) {
    return trouble(
      'host-key-authority',
      `${where} is known only by a certificate authority (@cert-authority in ${expected.source}), which decom cannot use`,
      addKey(target, key),
      keyText(key),
    );
  }
  return trouble(
    'host-key-unknown',
    `the host key of ${where} is not known: ${key.type} ${fingerprint(key)}`,
    addKey(target, key),
    keyText(key),
  );
}

function addKey(target: SshTarget, key: PublicKey): string {
  const file = target.knownHosts ?? '~/.ssh/known_hosts';
  return (
    `Compare it at the host's console (ssh-keygen -lf /etc/ssh/ssh_host_${shortType(key.type)}_key.pub), then add "${keyText(key)}" ` +
    `to ssh.host_keys of ${target.name} in hosts.yaml, or: echo '${knownHostsName(target.address, target.port)} ${keyText(key)}' >> ${file}`
  );
}

const shortType = (type: string): string =>
  type === 'ssh-rsa' ? 'rsa' : type.startsWith('ecdsa') ? 'ecdsa' : type.replace(/^ssh-/, '');
