import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type AnyAuthMethod } from 'ssh2';
import { type Trouble, trouble } from '../../core/result.ts';
import type { SshDeps, SshTarget } from './target.ts';

/** The ways to log in, in order, and what could not be used, with the reason. */
export interface LoginKeys {
  readonly methods: readonly AnyAuthMethod[];
  /** What is offered, for people. */
  readonly offered: readonly string[];
  readonly unusable: readonly {
    readonly file: string;
    readonly why: 'encrypted' | 'unreadable' | 'not a private key';
  }[];
}

const usualFiles = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * Gathers keys: the files that the inventory names, then the agent; without named files, the agent and then the usual files.
 * Servers close after six refused keys, so a named key goes before an agent that may hold many. Public keys only, never a password.
 */
export function loginKeys(target: SshTarget, deps: SshDeps): LoginKeys {
  const named = target.identityFiles;
  const files: AnyAuthMethod[] = [];
  const offered: string[] = [];
  const unusable: { file: string; why: 'encrypted' | 'unreadable' | 'not a private key' }[] = [];
  const paths =
    named?.map((file) => file.replace(/^~(?=\/)/, deps.home)) ?? usualFiles.map((f) => join(deps.home, '.ssh', f));
  for (const file of paths) {
    let text: Buffer;
    try {
      text = readFileSync(file);
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (named !== undefined || !missing) unusable.push({ file, why: 'unreadable' });
      continue;
    }
    const key = ssh2.utils.parseKey(text);
    if (key instanceof Error) {
      unusable.push({ file, why: /encrypted|passphrase/i.test(key.message) ? 'encrypted' : 'not a private key' });
    } else if (!key.isPrivateKey()) unusable.push({ file, why: 'not a private key' });
    else {
      files.push({ type: 'publickey', username: target.user, key });
      offered.push(file);
    }
  }
  const agent: AnyAuthMethod[] =
    deps.agent === undefined ? [] : [{ type: 'agent', username: target.user, agent: deps.agent }];
  if (deps.agent !== undefined) offered.splice(named === undefined ? 0 : offered.length, 0, 'the agent');
  return { methods: named === undefined ? [...agent, ...files] : [...files, ...agent], offered, unusable };
}

/** Says why a login did not come about, naming what was offered and what could not be. */
export function loginRefused(target: SshTarget, keys: LoginKeys): Trouble {
  const who = `${target.user}@${target.name} (${target.address}, port ${target.port})`;
  const notes = keys.unusable.map(({ file, why }) => `${file}: ${why}`);
  const detail = notes.length === 0 ? undefined : notes.join('\n');
  const encrypted = keys.unusable.find(({ why }) => why === 'encrypted');
  if (keys.methods.length === 0 && encrypted !== undefined) {
    return trouble(
      'key-encrypted',
      `the key ${encrypted.file} for ${who} has a passphrase, and no agent is running`,
      `Start an agent and hand it the key: eval "$(ssh-agent)" && ssh-add ${encrypted.file}`,
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
  return trouble(
    'auth-refused',
    `${who} refused the login; offered: ${keys.offered.join(', ')}`,
    `Check the user, and that the public key is in its ~/.ssh/authorized_keys: ssh-copy-id -p ${target.port} ${target.user}@${target.address}`,
    detail,
  );
}
