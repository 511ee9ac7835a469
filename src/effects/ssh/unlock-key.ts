import { readFileSync } from 'node:fs';
import ssh2, { type ParsedKey } from 'ssh2';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import type { SecretRef } from '../../core/secret.ts';
import { unlockFix } from './login-keys.ts';
import type { SshAround, SshTarget } from './target.ts';

/** A person may mistype; what a file or a program gives stays the same. */
const tries = 3;

/** Opens an encrypted key, asking for its passphrase once per process, however many machines want it. Trouble: `key-encrypted`. */
export function unlockKey(file: string, target: SshTarget, deps: SshAround): Promise<Result<ParsedKey>> {
  const before = deps.shared.unlocked.get(file);
  if (before !== undefined) return before;
  const unlocking = unlock(file, target, deps);
  deps.shared.unlocked.set(file, unlocking);
  void unlocking.then((key) => {
    if (!key.ok) deps.shared.unlocked.delete(file);
  });
  return unlocking;
}

async function unlock(file: string, target: SshTarget, deps: SshAround): Promise<Result<ParsedKey>> {
  const text = readFileSync(file);
  for (let attempt = 1; ; attempt++) {
    const ref = askedFor(file, target.passphrase, attempt);
    const passphrase = await deps.secrets?.(ref, `the passphrase of ${file}`);
    if (passphrase === undefined || !passphrase.ok) {
      const why = passphrase === undefined ? 'nobody is there to be asked' : passphrase.error.what;
      // Where it is kept somewhere, that place says best what is wrong with it.
      const fix = passphrase === undefined || ref.prompt !== undefined ? unlockFix(file) : passphrase.error.fix;
      return fail(trouble('key-encrypted', `the key ${file} for ${target.name} has a passphrase: ${why}`, fix));
    }
    const key = ssh2.utils.parseKey(text, passphrase.value.reveal());
    if (!(key instanceof Error)) return ok(key);
    if (ref.prompt !== undefined && attempt < tries) continue;
    const where = ref.prompt === undefined ? 'that ssh.passphrase names' : 'that was given';
    return fail(
      trouble(
        'key-encrypted',
        `the passphrase ${where} does not open the key ${file} for ${target.name}`,
        unlockFix(file),
      ),
    );
  }
}

/** Another question for another attempt: an answer to the same one would not be asked for again. */
const askedFor = (file: string, kept: SecretRef | undefined, attempt: number): SecretRef => {
  if (kept !== undefined && kept.prompt === undefined) return kept;
  const question = kept?.prompt ?? `Passphrase of ${file}`;
  return { prompt: attempt === 1 ? question : `${question} (that was not it, attempt ${attempt} of ${tries})` };
};
