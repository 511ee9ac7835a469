import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

/** An account of this machine for one test file. Needs root, and sudo where `sudo` is given. */
export interface Account {
  readonly name: string;
  remove(): void;
}

/** `sudo`: rules after the account's name, e.g. `ALL=(root) NOPASSWD: ALL`. */
export function makeAccount(name: string, sudo?: string, shell = '/bin/bash'): Account {
  const rules = `/etc/sudoers.d/${name}`;
  const remove = (): void => {
    rmSync(rules, { force: true });
    try {
      execFileSync('userdel', ['--force', '--remove', name], { stdio: 'ignore' });
    } catch {
      // It was not there.
    }
  };
  remove();
  // sshd without PAM refuses accounts whose password is locked by "!"; "*" only matches none.
  execFileSync('useradd', ['--create-home', '--shell', shell, '--password', '*', name], { stdio: 'ignore' });
  if (sudo !== undefined) writeFileSync(rules, `${name} ${sudo}\n`, { mode: 0o440 });
  return { name, remove };
}
