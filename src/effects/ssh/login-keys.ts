import { readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type AnyAuthMethod, type ParsedKey } from 'ssh2';
import { type Trouble, trouble } from '../../core/result.ts';
import { copyIdByHand } from './by-hand.ts';
import { publicHalf } from './key-file.ts';
import { publicKey } from './known-hosts.ts';
import { agentKeys, LoginAgent, onlySha1 } from './login-agent.ts';
import type { SshAround, SshTarget } from './target.ts';

/** The ways to log in, in order, and what could not be used, with the reason. */
export interface LoginKeys {
  readonly methods: readonly AnyAuthMethod[];
  /** What is offered, for people. */
  readonly offered: readonly string[];
  readonly unusable: readonly { readonly file: string; readonly why: string }[];
  /** Keys of ours that others can read, which the agent does not hold: they are not used, as `ssh` does not use them. */
  readonly exposed: readonly string[];
  /** Encrypted keys whose passphrase was not given yet, and which the agent does not hold. */
  readonly locked: readonly string[];
}

const usualFiles = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * Gathers keys: the files that the inventory names, then the agent; without named files, the agent and then the usual files.
 * Servers close after six refused keys, so a named key goes before an agent that may hold many. Public keys only, never a password.
 */
export async function loginKeys(target: SshTarget, deps: SshAround): Promise<LoginKeys> {
  const named = target.identityFiles;
  const socket = target.agent === null ? undefined : (target.agent ?? deps.agent);
  const paths =
    named?.map((file) => file.replace(/^~(?=\/)/, deps.home)) ?? usualFiles.map((f) => join(deps.home, '.ssh', f));
  const read = await Promise.all(paths.map((file) => readKey(file, deps)));
  const held = socket === undefined ? undefined : await heldBy(socket, target, read);
  const own = new Set(read.flatMap(({ blob }) => (blob === undefined ? [] : [blob])));
  const inAgent = ({ blob }: KeyFile): boolean => blob !== undefined && held?.has(blob) === true;
  const usable = read.filter((file) => file.key !== undefined);
  const files: AnyAuthMethod[] = usable.map(({ key }) => ({
    type: 'publickey',
    username: target.user,
    key: signing(key as ParsedKey, target.legacy === true),
  }));
  const agent: AnyAuthMethod[] =
    socket === undefined
      ? []
      : [
          {
            type: 'agent',
            username: target.user,
            agent: new LoginAgent(socket, target.identitiesOnly ? own : undefined, target.legacy === true),
          },
        ];
  const names = usable.map(({ file }) => file);
  const agentName = socket === undefined ? [] : ['the agent'];
  return {
    methods: named === undefined ? [...agent, ...files] : [...files, ...agent],
    offered: named === undefined ? [...agentName, ...names] : [...names, ...agentName],
    unusable: read.flatMap((file) => {
      const { why, mode } = file;
      if (why === undefined || inAgent(file) || (named === undefined && why === 'missing')) return [];
      if (mode !== undefined) return [{ file: file.file, why: `${why} (mode ${mode})` }];
      return [{ file: file.file, why: why === 'missing' ? 'is not there' : why }];
    }),
    exposed: read.filter((file) => file.why === exposed && !inAgent(file)).map(({ file }) => file),
    locked: read.filter((file) => file.why === 'encrypted' && !inAgent(file)).map(({ file }) => file),
  };
}

interface KeyFile {
  readonly file: string;
  readonly key?: ParsedKey;
  /** The public half in base64, where it can be told. */
  readonly blob?: string;
  readonly why?: 'missing' | 'unreadable' | 'encrypted' | 'not a private key' | typeof exposed;
  /** Of an exposed file, in octal. */
  readonly mode?: string;
}

const exposed = 'can be read by others';

/** As OpenSSH judges it (`sshkey_perm_ok`): a file of somebody else's is theirs to close. */
const isExposed = ({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean =>
  uid === process.getuid?.() && (mode & 0o077) !== 0;

async function readKey(file: string, deps: SshAround): Promise<KeyFile> {
  let text: Buffer;
  let stat: Stats;
  try {
    stat = statSync(file);
    text = readFileSync(file);
  } catch (error) {
    return { file, why: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unreadable' };
  }
  const key = ssh2.utils.parseKey(text);
  if (isExposed(stat)) {
    const blob = key instanceof Error ? half(text, file) : { blob: key.getPublicSSH().toString('base64') };
    return { file, why: exposed, mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'), ...blob };
  }
  if (!(key instanceof Error)) {
    const blob = key.getPublicSSH().toString('base64');
    return key.isPrivateKey() ? { file, key, blob } : { file, blob, why: 'not a private key' };
  }
  if (!/encrypted|passphrase/i.test(key.message)) return { file, why: 'not a private key', ...half(text, file) };
  const unlocked = await deps.shared.unlocked.get(file);
  return unlocked?.ok
    ? { file, key: unlocked.value, ...half(text, file) }
    : { file, why: 'encrypted', ...half(text, file) };
}

const half = (text: Buffer, file: string): { readonly blob?: string } => {
  const blob = publicHalf(text)?.blob ?? publicKey(readIfThere(`${file}.pub`))?.blob;
  return blob === undefined ? {} : { blob };
};

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Asked only where it matters which keys the agent has. */
const heldBy = async (
  socket: string,
  target: SshTarget,
  read: readonly KeyFile[],
): Promise<ReadonlySet<string> | undefined> =>
  target.identitiesOnly || read.some(({ why }) => why === 'encrypted' || why === 'not a private key' || why === exposed)
    ? agentKeys(socket)
    : undefined;

/** An RSA key that refuses SHA-1, where that is not declared: ssh2 falls back to it with servers that name no other. */
function signing(key: ParsedKey, sha1: boolean): ParsedKey {
  if (sha1 || key.type !== 'ssh-rsa') return key;
  const limited = Object.create(key) as ParsedKey;
  // ssh2 takes an error for an answer here, which its type does not say.
  limited.sign = (data, hash) => (hash === 'sha1' ? (new Error(onlySha1) as unknown as Buffer) : key.sign(data, hash));
  return limited;
}

/** Says why a login did not come about, naming what was offered and what could not be. */
export function loginRefused(target: SshTarget, keys: LoginKeys, said = ''): Trouble {
  const who = `${target.user}@${target.name} (${target.address}, port ${target.port})`;
  const notes = keys.unusable.map(({ file, why }) => `${file}: ${why}`);
  const detail = notes.length === 0 ? undefined : notes.join('\n');
  const [encrypted] = keys.locked;
  if (keys.methods.length === 0 && encrypted !== undefined) {
    return trouble(
      'key-encrypted',
      `the key ${encrypted} for ${who} has a passphrase, and no agent is running`,
      unlockFix(encrypted),
      detail,
    );
  }
  const [open] = keys.exposed;
  if (open !== undefined) {
    const left =
      keys.methods.length === 0
        ? 'there is no other'
        : `${who} refused what else was offered: ${keys.offered.join(', ')}`;
    return trouble(
      'key-exposed',
      `the key ${open} for ${who} can be read by others, so it is not used, and ${left}`,
      `Close it: chmod 600 ${keys.exposed.join(' ')}`,
      detail,
    );
  }
  if (keys.methods.length === 0) {
    return trouble(
      'no-key',
      `there is no key to log in as ${who}: no agent, and none of the key files could be used`,
      'Name a key in ssh.identity_files of the host in hosts.yaml, or start an agent and add one with ssh-add.',
      detail,
    );
  }
  if (said.includes(onlySha1)) {
    return trouble(
      'legacy-needed',
      `${who} takes RSA signatures with SHA-1 only; offered: ${keys.offered.join(', ')}`,
      `Use an Ed25519 key, or, if the host is too old for that, set ssh.legacy: true for ${target.name} in hosts.yaml.`,
      detail,
    );
  }
  return trouble(
    'auth-refused',
    `${who} refused the login; offered: ${keys.offered.join(', ')}`,
    `Check the user, and that the public key is in its ~/.ssh/authorized_keys: ${copyIdByHand(target)}`,
    detail,
  );
}

export const unlockFix = (file: string): string =>
  `Start an agent and hand it the key: eval "$(ssh-agent)" && ssh-add ${file}; or say where its passphrase is kept: ssh.passphrase in hosts.yaml.`;
