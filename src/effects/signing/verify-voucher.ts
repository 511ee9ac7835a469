import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { armoured } from '../../core/sshsig.ts';
import { personsAlone, textOfSigners } from './allowed-signers.ts';
import { openssh } from './ssh-keygen.ts';

export interface VouchedFor {
  readonly principal: string;
  readonly message: Uint8Array;
  readonly signature: string;
  /** SSHSIG namespace: what the signature is good for. */
  readonly namespace: string;
  /** RFC 3339: a key has to have been allowed then. */
  readonly at: string;
}

/**
 * Asks `ssh-keygen -Y verify` whether a signature is a listed person's, over this message, in this namespace, by a key that was
 * allowed at that time. Its own words are the detail of a refusal. Only the first name of a line is a person.
 */
export async function verifyVoucher(allowedSigners: string, vouched: VouchedFor): Promise<Result<void>> {
  const list = textOfSigners(allowedSigners);
  if (!list.ok) return list;
  const folder = mkdtempSync(join(tmpdir(), 'decom-verify-'));
  try {
    const file = join(folder, 'signature');
    writeFileSync(file, armoured(vouched.signature), { mode: 0o600 });
    const persons = join(folder, 'persons');
    writeFileSync(persons, personsAlone(list.value), { mode: 0o600 });
    const time = vouched.at.replace(/[-:T]/g, '').slice(0, 14);
    const ran = await openssh(
      'ssh-keygen',
      [
        ...['-Y', 'verify', '-f', persons, '-I', vouched.principal, '-n', vouched.namespace, '-s', file],
        ...['-O', `verify-time=${time}Z`],
      ],
      { stdin: vouched.message },
    );
    if (!ran.ok) return ran;
    if (ran.value.code === 0) return ok(undefined);
    const said = `${ran.value.stderr}${ran.value.stdout}`.trim();
    return fail(
      trouble(
        'not-vouched',
        `the signature of ${vouched.principal} does not hold against ${allowedSigners}`,
        'Compare the file with the one that was in force then. If it is right, the log is not what was signed.',
        said,
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
