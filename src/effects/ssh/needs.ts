import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kinds, kindWords, offer } from './algorithms.ts';
import { expectedKeys } from './host-key.ts';
import { publicHalf } from './key-file.ts';
import type { SshConfig } from './ssh-config.ts';
import type { SshTarget } from './target.ts';

/** Something that only the ssh program can do. */
export interface SshNeed {
  readonly need:
    | 'proxy-command'
    | 'certificate'
    | 'security-key'
    | 'gssapi'
    | 'pkcs11'
    | 'known-hosts-command'
    | 'host-certificate'
    | 'algorithms';
  /** In words, with the machine. */
  readonly what: string;
}

/** Finds what ssh2 cannot do of what a machine's settings ask for. */
export function beyondSsh2(
  target: SshTarget,
  config: SshConfig,
  { home, jumpGiven }: { readonly home: string; readonly jumpGiven: boolean },
): readonly SshNeed[] {
  const needs: SshNeed[] = [];
  const add = (need: SshNeed['need'], what: string): void => {
    needs.push({ need, what: `${target.name}: ${what}` });
  };
  const set = (keyword: string): string | undefined => {
    const value = config.one(keyword);
    return value === undefined || value === 'none' ? undefined : value;
  };
  const proxy = set('proxycommand');
  if (proxy !== undefined && !jumpGiven) add('proxy-command', `it is reached by a program (ProxyCommand ${proxy})`);
  const pkcs11 = set('pkcs11provider');
  if (pkcs11 !== undefined) add('pkcs11', `its key is on a token (PKCS11Provider ${pkcs11})`);
  if (set('knownhostscommand') !== undefined && (target.hostKeys ?? []).length === 0) {
    add('known-hosts-command', 'its host key comes from a program (KnownHostsCommand)');
  }
  const files = target.identityFiles ?? usualKeys.map((file) => join(home, '.ssh', file));
  const certificate =
    set('certificatefile') ?? files.map((file) => `${file}-cert.pub`).find((file) => existsSync(file));
  if (certificate !== undefined) add('certificate', `the login is by certificate (${certificate})`);
  const there = files.filter((file) => existsSync(file));
  const touched = there.filter(isSecurityKey);
  if (touched.length > 0 && touched.length === there.length) {
    add('security-key', `its key is on a security key (${touched.join(', ')})`);
  }
  if (set('preferredauthentications')?.startsWith('gssapi')) add('gssapi', 'the login is by Kerberos (GSSAPI)');
  const known = expectedKeys(target, home);
  if (known.ok && known.value.keys.length === 0 && known.value.authorities > 0) {
    add('host-certificate', `its host key is known by a certificate authority only (${known.value.source})`);
  }
  const offered = offer(target.legacy === true, target.algorithms);
  const empty = kinds.filter((kind) => offered[kind].length === 0);
  if (empty.length > 0) {
    add(
      'algorithms',
      `none of the algorithms that are allowed can be spoken (${empty.map((k) => kindWords[k]).join(', ')})`,
    );
  }
  return needs;
}

/** What ssh looks for in `~/.ssh` where no key is named. */
const usualKeys = ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk'];

function isSecurityKey(file: string): boolean {
  try {
    return publicHalf(readFileSync(file))?.type.startsWith('sk-') ?? false;
  } catch {
    return false;
  }
}
