import type { Secrets } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { collect } from './collect.ts';
import { run, type Session } from './session.ts';
import type { SshTarget } from './target.ts';

/** The password that sudo asks a machine's login for. */
export interface SudoPassword {
  /** Gives it once it has been shown to be right; after sudo has refused it, that trouble, and sudo is not asked again. */
  proven(on: Session): Promise<Result<Secret>>;
  /** It turned out to be wrong later on. */
  refuse(why: Trouble): void;
}

/**
 * Tries the password with one harmless program before anything else, because programs are started side by side, and eight wrong attempts at
 * once lock an account.
 */
export function sudoPassword(target: SshTarget, secrets: Secrets | undefined): SudoPassword | undefined {
  const ref = target.sudoPassword;
  if (ref === undefined) return undefined;
  let trying: Promise<Result<Secret>> | undefined;
  const attempt = async (on: Session): Promise<Result<Secret>> => {
    const given =
      (await secrets?.(ref, `the password that sudo on ${target.name} asks ${target.user} for`)) ??
      fail(nobody(target));
    if (!given.ok) return given;
    if (/[\n\r\0]/.test(given.value.reveal())) return fail(notAPassword(target));
    const started = await run({ ...on, password: given.value }, { argv: ['true'], root: true }, 'password', {
      input: new Uint8Array(),
    });
    if (!started.ok) return started;
    const { ended } = await collect(started.value, 1024);
    return ended.how === 'lost' || ended.how === 'aborted' ? fail(ended.trouble) : ok(given.value);
  };
  return {
    proven: async (on) => {
      trying ??= attempt(on);
      const mine = trying;
      const result = await mine;
      if (!result.ok && result.error.code !== 'sudo-password-wrong' && trying === mine) trying = undefined;
      return result;
    },
    refuse: (why) => {
      trying = Promise.resolve(fail(why));
    },
  };
}

const nobody = (target: SshTarget): Trouble =>
  trouble(
    'no-secret',
    `the sudo password of ${target.name} cannot be had here`,
    'Set it by env, file or command in ssh.sudo_password.',
  );

const notAPassword = (target: SshTarget): Trouble =>
  trouble('no-secret', `the sudo password of ${target.name} is more than one line`, 'Check ssh.sudo_password.');
