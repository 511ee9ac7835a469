import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { fingerprintOf } from '../../core/sshsig.ts';
import { knownHostsName, knownKeys, type PublicKey, publicKey, publicKeyOf } from './known-hosts.ts';
import { placeOf, type SshTarget } from './target.ts';

/** A key and where it stands: `/home/ada/.ssh/known_hosts:12`. */
export interface ExpectedKey extends PublicKey {
  readonly where: string;
}

/** What is known of a host's keys before it is asked, and from where. */
export interface Expected {
  readonly keys: readonly ExpectedKey[];
  readonly revoked: readonly ExpectedKey[];
  readonly authorities: number;
  /** Where the keys stand, for people. */
  readonly source: string;
}

export const keyText = (key: PublicKey): string => `${key.type} ${key.blob}`;

const inInventory = 'ssh.host_keys in the inventory';

/**
 * Gathers what is known: the inventory's keys where it holds any, else known_hosts. Fails closed with `host-key-unreadable`
 * where either cannot be read; a known_hosts file that does not exist knows nothing. Revoked keys count wherever the others come from.
 */
export function expectedKeys(target: SshTarget, home: string): Result<Expected> {
  const banned: ExpectedKey[] = [];
  for (const file of target.revokedKeys ?? []) {
    const read = revokedIn(file, target);
    if (!read.ok) return read;
    banned.push(...read.value);
  }
  if (target.hostKeys !== undefined && target.hostKeys.length > 0) {
    const keys: ExpectedKey[] = [];
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
      keys.push({ ...key, where: inInventory });
    }
    return ok({ keys, revoked: banned, authorities: 0, source: inInventory });
  }
  const files = knownHostsFiles(target, home);
  const keys: ExpectedKey[] = [];
  const revoked: ExpectedKey[] = banned;
  let authorities = 0;
  for (const file of files) {
    const text = readFile(file);
    if (text === undefined) continue;
    if (typeof text !== 'string') return fail(unreadable(file, text.code, target));
    const found = knownKeys(text, ...knownAs(target));
    const placed = ({ type, blob, line }: (typeof found.keys)[number]): ExpectedKey => ({
      type,
      blob,
      where: `${file}:${line}`,
    });
    keys.push(...found.keys.map(placed));
    revoked.push(...found.revoked.map(placed));
    authorities += found.authorities;
  }
  return ok({ keys, revoked, authorities, source: files.join(', ') });
}

const knownHostsFiles = (target: SshTarget, home: string): readonly string[] =>
  target.knownHosts !== undefined
    ? [target.knownHosts]
    : (target.knownHostsFiles ?? [join(home, '.ssh/known_hosts'), '/etc/ssh/ssh_known_hosts']);

/** What known_hosts has a host under; an alias stands without a port, whatever the port is. */
const knownAs = ({ hostKeyAlias, address, port }: SshTarget): readonly [name: string, port: number] =>
  hostKeyAlias === undefined ? [address, port] : [hostKeyAlias, 22];

/** A file's text; undefined where there is none. */
function readFile(file: string): string | { readonly code: string | undefined } | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { code };
  }
}

const unreadable = (file: string, code: string | undefined, target: SshTarget): Trouble =>
  trouble(
    'host-key-unreadable',
    `${file} cannot be read (${code}), so the key of ${target.name} cannot be checked`,
    `Make it readable, or put the key into ssh.host_keys of ${target.name} in hosts.yaml.`,
  );

/** RevokedHostKeys: a key a line. A key revocation list (ssh-keygen -k) cannot be read here, and is not passed over. */
function revokedIn(file: string, target: SshTarget): Result<readonly ExpectedKey[]> {
  const text = readFile(file);
  if (typeof text !== 'string') return fail(unreadable(file, text?.code ?? 'it does not exist', target));
  if (text.startsWith('SSHKRL')) return fail(unreadable(file, 'a key revocation list', target));
  return ok(
    text.split('\n').flatMap((line, n) => {
      const key = publicKey(line);
      return key === undefined ? [] : [{ ...key, where: `${file}:${n + 1}` }];
    }),
  );
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
  const where = placeOf(target);
  const revoked = expected.revoked.find(same);
  if (revoked !== undefined) {
    return trouble(
      'host-key-revoked',
      `the host key of ${where} is marked as revoked in ${revoked.where}: ${fingerprintOf(keyText(key))}`,
      'Do not go on: somebody declared this key stolen. Give the host a new key, and remove the mark only if it was a mistake.',
    );
  }
  if (expected.keys.some(same)) return undefined;
  if (expected.keys.length > 0) {
    const known = expected.keys.map((k) => `${k.type} ${fingerprintOf(keyText(k))} (${k.where})`).join(', ');
    return trouble(
      'host-key-changed',
      `the host key of ${where} is not the known one: it shows ${key.type} ${fingerprintOf(keyText(key))}, known is ${known}`,
      'Do not go on before you know why: another machine may be answering. If the host was reinstalled, compare the fingerprint ' +
        `at its console (${consoleCommand(key)}), then ${replaceKey(target, expected, key)}`,
      keyText(key),
    );
  }
  if (expected.authorities > 0) {
    return trouble(
      'host-key-authority',
      `${where} is known only by a certificate authority (@cert-authority in ${expected.source}), which only the ssh program can use`,
      addKey(target, key),
      keyText(key),
    );
  }
  return trouble(
    'host-key-unknown',
    `the host key of ${where} is not known: ${key.type} ${fingerprintOf(keyText(key))}`,
    addKey(target, key),
    keyText(key),
  );
}

const consoleCommand = (key: PublicKey): string => `ssh-keygen -lf /etc/ssh/ssh_host_${shortType(key.type)}_key.pub`;

function addKey(target: SshTarget, key: PublicKey): string {
  const command = acceptCommand(target, key);
  return (
    `Compare it at the host's console (${consoleCommand(key)}), then put the key into ssh.host_keys of ${target.name} ` +
    `in hosts.yaml${command === undefined ? ` ("${keyText(key)}")` : `, or accept it with: ${command}`}`
  );
}

function replaceKey(target: SshTarget, expected: Expected, key: PublicKey): string {
  const old = expected.keys[0]?.where.replace(/:\d+$/, '');
  if (old === undefined || expected.source === inInventory) {
    return `put "${keyText(key)}" into ssh.host_keys of ${target.name} in hosts.yaml instead.`;
  }
  return `ssh-keygen -R '${knownHostsName(...knownAs(target))}' -f ${word(old)} && ${acceptCommand(target, key)}`;
}

/** The command that makes a key known; undefined where no file of known_hosts keeps anything. */
function acceptCommand(target: SshTarget, key: PublicKey): string | undefined {
  const file = target.knownHosts ?? target.knownHostsFiles?.[0] ?? '~/.ssh/known_hosts';
  if (file === '/dev/null') return undefined;
  const folder = target.knownHosts === undefined ? `mkdir -p -m 700 ${word(dirname(file))} && ` : '';
  return `${folder}echo '${knownHostsName(...knownAs(target))} ${keyText(key)}' >> ${word(file)}`;
}

/** A path as a shell takes it; `~/` must stay outside quotes. */
const word = (path: string): string =>
  /^[A-Za-z0-9_@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;

const shortType = (type: string): string =>
  type === 'ssh-rsa' ? 'rsa' : type.startsWith('ecdsa') ? 'ecdsa' : type.replace(/^ssh-/, '');
