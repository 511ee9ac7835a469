import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './image.ts';

const run = promisify(execFile);
const inPackage = 'usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so';

/**
 * The FIDO authenticator in software that OpenSSH's own tests use (a SecurityKeyProvider). It lies in Debian's openssh-tests, whose
 * other content and dependencies nobody needs here: it is taken out and kept. It is always touched, and wants no PIN.
 */
export async function authenticatorLibrary(say: (line: string) => void = () => undefined): Promise<string> {
  const version = execFileSync('dpkg-query', ['-W', '-f', '${Version}-${Architecture}', 'openssh-client'], {
    encoding: 'utf8',
  });
  const folder = join(cacheFolder(), `openssh-tests-${version}`);
  const library = join(folder, inPackage);
  if (existsSync(library)) return library;
  mkdirSync(cacheFolder(), { recursive: true });
  const part = mkdtempSync(join(cacheFolder(), 'openssh-tests.part-'));
  try {
    say('fetching the security key in software: openssh-tests');
    const fetched = (): Promise<unknown> => run('apt-get', ['download', '-q', 'openssh-tests'], { cwd: part });
    await fetched().catch(async () => {
      // What is known of the mirror may be too old, or nothing yet.
      await run('apt-get', ['update', '-q']);
      await fetched();
    });
    const deb = readdirSync(part).find((name) => name.endsWith('.deb'));
    if (deb === undefined) throw new Error('apt-get download openssh-tests left no package');
    await run('dpkg', ['-x', join(part, deb), join(part, 'content')]);
    if (!existsSync(join(part, 'content', inPackage))) throw new Error(`openssh-tests holds no ${inPackage}`);
    if (!existsSync(folder)) renameSync(join(part, 'content'), folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return library;
}

/** Makes a key that only the authenticator can sign with; gives its public half. */
export function securityKey(
  library: string,
  type: 'ed25519-sk' | 'ecdsa-sk',
  file: string,
  options: readonly string[] = [],
): string {
  const wanted = options.flatMap((option) => ['-O', option]);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-w', library, '-N', '', '-C', 'test', ...wanted, '-f', file]);
  return execFileSync('ssh-keygen', ['-y', '-f', file, '-w', library], { encoding: 'utf8' }).trim();
}

/**
 * What ssh starts to talk to an authenticator, for its SSH_SK_HELPER: `before` is done first, in shell, then it does its work; or an
 * `error` of ssh is what it answers (OpenSSH's ssherr.h).
 */
export function skHelper(
  file: string,
  { before = '', error }: { readonly before?: string; readonly error?: number },
): string {
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;
  // A length, the version of the protocol, "error", and which (PROTOCOL of ssh-sk-helper in sshkey's ssh-sk-client.c).
  const answer = [0, 0, 0, 9, 5, 0, 0, 0, 0, 0, 0, 0, error ?? 0].map(octal).join('');
  const then =
    error === undefined
      ? 'exec /usr/lib/openssh/ssh-sk-helper "$@"'
      : `dd bs=65536 count=1 of=/dev/null 2>/dev/null; printf '${answer}'`;
  writeFileSync(file, `#!/bin/sh\n${before}\n${then}\n`, { mode: 0o755 });
  return file;
}
