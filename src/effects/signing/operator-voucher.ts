import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Voucher } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { unarmoured } from '../../core/sshsig.ts';
import { type AllowedSigner, readAllowedSigners } from './allowed-signers.ts';
import { openssh } from './ssh-keygen.ts';
import { verifyVoucher } from './verify-voucher.ts';

export interface OperatorKeys {
  /** Path of the allowed signers file. */
  readonly allowedSigners: string;
  /** The key file that was named for it; else the agent's keys and those in `~/.ssh` are looked through. */
  readonly key: string | undefined;
  readonly home: string;
  /** Whether a person is there who can be asked for a passphrase or a touch. */
  readonly attended: boolean;
  /** Tells a person that a security key waits for a touch. */
  readonly tell?: (line: string) => void;
  readonly now: Date;
}

interface Candidate {
  /** `TYPE BASE64`. */
  readonly key: string;
  /** What is given to ssh-keygen; absent where only an agent has it. */
  readonly file?: string;
}

/** Finds the operator's own key among the allowed signers. */
export async function operatorVoucher(keys: OperatorKeys): Promise<Result<Voucher>> {
  const allowed = readAllowedSigners(keys.allowedSigners);
  if (!allowed.ok) return allowed;
  const candidates = keys.key === undefined ? await findKeys(keys.home) : await namedKey(keys.key);
  if (!candidates.ok) return candidates;
  const now = keys.now.getTime();
  const listed = candidates.value.flatMap((candidate) =>
    allowed.value.filter(({ key }) => key === candidate.key).map((signer) => ({ candidate, signer })),
  );
  // Whoever changed keys has the old one listed still, for what it signed then.
  const current = listed.find(({ signer }) => whyNotAt(signer, now) === undefined);
  if (current !== undefined) return ok(voucherOf(keys, current.candidate, current.signer));
  if (listed.length > 0) {
    return fail(
      trouble(
        'no-signing-key',
        listed
          .map(({ candidate, signer }) => `${nameOf(candidate)} of ${signer.principal} ${whyNotAt(signer, now)}`)
          .join('; '),
        `Have a key that may sign now added to ${keys.allowedSigners}, or name one that is there: DECOM_SIGNING_KEY=FILE.`,
      ),
    );
  }
  return fail(
    trouble(
      'no-signing-key',
      candidates.value.length === 0
        ? 'there is no SSH key of yours to sign the audit log with'
        : `none of your SSH keys is among the allowed signers in ${keys.allowedSigners}`,
      'Add your public key to that file after your name, or name the key that is there: DECOM_SIGNING_KEY=FILE.',
      candidates.value.map(({ key, file }) => `looked at ${file ?? 'the agent’s'} ${key.split(' ')[0]}`).join('\n'),
    ),
  );
}

/** Why a listed key may not sign at a time; undefined where it may. */
function whyNotAt({ validAfter, validBefore }: AllowedSigner, now: number): string | undefined {
  if (validBefore !== undefined && now > validBefore) return `has expired (${new Date(validBefore).toISOString()})`;
  if (validAfter !== undefined && now < validAfter) return `may not sign before ${new Date(validAfter).toISOString()}`;
  return undefined;
}

const nameOf = ({ file, key }: Candidate): string => file ?? `the agent’s ${key.split(' ')[0]} key`;

const environment = [
  'SSH_AUTH_SOCK',
  'SSH_ASKPASS',
  'SSH_ASKPASS_REQUIRE',
  'SSH_SK_PROVIDER',
  'DISPLAY',
  'TERM',
] as const;

function voucherOf(keys: OperatorKeys, candidate: Candidate, { principal }: AllowedSigner): Voucher {
  return {
    principal,
    async sign(message, namespace, at) {
      const folder = mkdtempSync(join(tmpdir(), 'decom-sign-'));
      try {
        const file = join(folder, 'line');
        writeFileSync(file, message, { mode: 0o600 });
        const held = join(folder, 'key.pub');
        if (candidate.file === undefined) writeFileSync(held, `${candidate.key}\n`, { mode: 0o600 });
        const hint = setTimeout(() => tellTouch(keys, candidate, principal), 1500);
        const ran = await openssh(
          'ssh-keygen',
          ['-q', '-Y', 'sign', '-n', namespace, '-f', candidate.file ?? held, file],
          {
            environment,
            asks: keys.attended,
          },
        );
        clearTimeout(hint);
        if (!ran.ok) return ran;
        const made = existsSync(`${file}.sig`) ? unarmoured(readFileSync(`${file}.sig`, 'utf8')) : undefined;
        if (ran.value.code !== 0 || made === undefined) {
          return fail(cannotSign(candidate, principal, ran.value.stderr.trim()));
        }
        // What an auditor would refuse is never written.
        const holds = await verifyVoucher(keys.allowedSigners, { principal, message, signature: made, namespace, at });
        return holds.ok ? ok(made) : holds;
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** ssh-keygen says so itself at a terminal, but not of a key that an agent holds. */
function tellTouch({ attended, tell }: OperatorKeys, candidate: Candidate, principal: string): void {
  if (!candidate.key.startsWith('sk-') || (attended && candidate.file !== undefined)) return;
  tell?.(`${nameOf(candidate)} is on a security key, and is to sign as ${principal}: touch it when it blinks`);
}

const cannotSign = (candidate: Candidate, principal: string, said: string) =>
  trouble(
    'cannot-sign',
    `${nameOf(candidate)} of ${principal} did not sign`,
    candidate.file === undefined
      ? 'Look whether the agent still holds it: ssh-add -L'
      : 'Without a terminal nobody is asked for a passphrase: load the key into an agent, or name one without: DECOM_SIGNING_KEY=FILE.',
    said,
  );

/** The agent's keys, then those in `~/.ssh`. */
async function findKeys(home: string): Promise<Result<readonly Candidate[]>> {
  const found: Candidate[] = [];
  if (process.env.SSH_AUTH_SOCK) {
    const listed = await openssh('ssh-add', ['-L'], { environment: ['SSH_AUTH_SOCK'] });
    if (listed.ok && listed.value.code === 0) {
      for (const line of listed.value.stdout.split('\n')) {
        const key = publicKeyOf(line);
        if (key !== undefined) found.push({ key });
      }
    }
  }
  const folder = join(home, '.ssh');
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
    if (!/^id_[a-z0-9_]+\.pub$/.test(name)) continue;
    const file = join(folder, name.slice(0, -4));
    const key = publicKeyOf(textOf(join(folder, name)) ?? '');
    if (key !== undefined && existsSync(file)) found.push({ key, file });
  }
  return ok(found);
}

async function namedKey(path: string): Promise<Result<readonly Candidate[]>> {
  const beside = publicKeyOf(textOf(path.endsWith('.pub') ? path : `${path}.pub`) ?? '');
  if (beside !== undefined) return ok([{ key: beside, file: path }]);
  const made = await openssh('ssh-keygen', ['-y', '-f', path]);
  if (!made.ok) return made;
  const key = publicKeyOf(made.value.stdout);
  if (key !== undefined) return ok([{ key, file: path }]);
  return fail(
    trouble(
      'no-signing-key',
      `${path}, named by DECOM_SIGNING_KEY, is no key that can be read here`,
      'Name the file of a private SSH key, with its public half beside it as FILE.pub.',
      made.value.stderr.trim(),
    ),
  );
}

const publicKeyOf = (line: string): string | undefined =>
  /^((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(line)?.[1];

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
