import type { CollectedOutput } from '../../core/ports.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { byHand } from './by-hand.ts';
import type { SshTarget } from './target.ts';

// sudo runs with LC_ALL=C, so its words are these.
const refusal =
  /^(sudo: (a password is required|a terminal is required|no tty present|sorry, you must have a tty|.*no new privileges)|sorry, user .* (is not allowed|may not run)|.* is not in the sudoers file|.* is not allowed to run sudo)/im;

/** Whether sudo's own words say that it did not run the program. */
export function sudoRefusal(target: SshTarget, said: string): Trouble | undefined {
  if (/^(sh|bash|ash|dash)?[^\n]*\bsudo: (command )?not found/m.test(said)) {
    return trouble(
      'sudo-refused',
      `there is no sudo on ${target.name}, and ${target.user} is not root`,
      'Install sudo there, log in as root, or set ssh.sudo to false and use steps that need no root.',
      said.trim(),
    );
  }
  return refusal.test(said) ? notAllowed(target, said) : undefined;
}

/** What `sudo -n -l -- COMMAND` said: of a command that no rule allows it says nothing at all, and exits 1. */
export function sudoListRefusal(target: SshTarget, code: number, said: string): Trouble | undefined {
  if (code === 0 || /: command not found$/m.test(said)) return undefined;
  return sudoRefusal(target, said) ?? notAllowed(target, said);
}

const notAllowed = (target: SshTarget, said: string): Trouble =>
  target.sudoPassword === undefined
    ? trouble(
        'sudo-refused',
        `sudo on ${target.name} does not let ${target.user} run this without a password`,
        `Allow it on the host, as root: echo '${target.user} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/decom && chmod 0440 /etc/sudoers.d/decom. ` +
          `Or say where the password is, with ssh.sudo_password of ${target.name} in hosts.yaml.`,
        said.trim(),
      )
    : trouble(
        'sudo-refused',
        `sudo on ${target.name} does not let ${target.user} run sh, which a password is used with`,
        `Allow it on the host, as root: echo '${target.user} ALL=(root) ALL' > /etc/sudoers.d/decom && chmod 0440 /etc/sudoers.d/decom`,
        said.trim(),
      );

/** What a program under `sudo` ended with: sudo says "command not found" with exit 1, where a shell would say 127. */
export function unsudo(target: SshTarget, output: CollectedOutput): CollectedOutput | Trouble {
  const { ended } = output;
  if (ended.how !== 'exit' || (ended.code !== 1 && ended.code !== 127) || output.stdout.length > 0) return output;
  const said = Buffer.from(output.stderr).toString();
  if (ended.code === 1 && /^sudo: [^\n]*: command not found$/m.test(said)) {
    return { ...output, ended: { how: 'exit', code: 127 } };
  }
  return sudoRefusal(target, said) ?? output;
}

export const passwordWrong = (target: SshTarget): Trouble =>
  trouble(
    'sudo-password-wrong',
    `sudo on ${target.name} does not take the password of ${target.user}: it was told once, and will not be told again`,
    `Check ssh.sudo_password of ${target.name} in hosts.yaml; by hand: ${byHand(target, { flags: ['-t'] })} sudo -k true`,
  );
