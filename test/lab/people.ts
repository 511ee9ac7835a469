import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A person with a key of their own. */
export interface Person {
  readonly name: string;
  /** The private key's file. */
  readonly file: string;
  /** Their line among the allowed signers. */
  readonly line: string;
  /** What makes a command theirs. */
  readonly as: { readonly env: { readonly DECOM_SIGNING_KEY: string } };
}

/** Makes an Ed25519 key in the folder. `roles` stand beside the name; `options` are ssh-keygen(1)'s, before the key. */
export function person(
  folder: string,
  name: string,
  how: { readonly roles?: readonly string[]; readonly options?: string } = {},
): Person {
  const file = join(folder, `key-${name}`);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-C', name, '-f', file, '-N', '']);
  const principals = [name, ...(how.roles ?? []).map((role) => `role:${role}`)].join(',');
  const line = `${principals} ${how.options === undefined ? '' : `${how.options} `}${readFileSync(`${file}.pub`, 'utf8')}`;
  return { name, file, line, as: { env: { DECOM_SIGNING_KEY: file } } };
}
