import type { Breach, Head } from '../core/chain.ts';
import type { RunFold } from '../core/fold.ts';
import { lineHash } from '../core/line-hash.ts';
import { intentDigest, type Plan } from '../core/plan.ts';
import type { RunFolder } from '../core/ports.ts';
import type { ReferredBlob } from '../core/referred-blobs.ts';
import { ok, type Result } from '../core/result.ts';
import { type Seals, sessionNamespace } from '../core/seal.ts';
import { fingerprintOf, signerOf } from '../core/sshsig.ts';
import { linesRemoved } from '../engine/open-run.ts';
import { passedByNobody } from './audit-gates.ts';
import { auditStatements, type StatementAudit } from './audit-statements.ts';
import { verifiedVoucher } from './compose.ts';
import type { HeadKept } from './kept-heads.ts';
import { type WalkOptions, walkLog } from './walk-log.ts';

/** What a log amounts to. Only the last is more than "intact": nothing can be cut off or rebuilt without a listed person's key. */
export type LogVerdict = 'broken' | 'intact but open' | 'intact but unsigned' | 'closed and signed';

/** A process that worked on the run, and who vouches for what it wrote. */
export interface SessionAudit {
  /** Its first line. */
  readonly line: number;
  readonly operator: string;
  /** The listed person whose signature on that line holds; null where there is none, or none that could be checked. */
  readonly signer: string | null;
  /** Of the key that signed the line, as `ssh-keygen -l` prints it: `SHA256:…`. */
  readonly fingerprint: string | null;
}

export interface SignatureAudit {
  readonly sessions: readonly SessionAudit[];
  /** What others said about the run. */
  readonly statements: readonly StatementAudit[];
  /** Why the log is not signed as a whole, in sentences. Empty where it is. */
  readonly lacks: readonly string[];
}

/** The log has to hold the line of each head that was kept. */
export interface AuditOptions extends WalkOptions {
  /** Path of the allowed signers file; without it no signature can be judged. */
  readonly allowedSigners: string | undefined;
}

export interface Audit {
  readonly folder: RunFolder;
  readonly plan: Plan;
  readonly verdict: LogVerdict;
  readonly head: Head;
  readonly torn: number;
  readonly breach: Breach | undefined;
  readonly signatures: SignatureAudit;
  /** The line whose hash was asked for. */
  readonly anchored?: number;
  readonly kept: readonly HeadKept[];
  readonly execution: RunFold;
}

/** What became of the files in `out/` that the log's lines refer to. */
export interface BlobAudit {
  /** How many the lines refer to. */
  readonly referred: number;
  readonly lost: readonly Breach[];
  /** Files that no line refers to, as a crash between the two leaves them. */
  readonly stray: readonly string[];
}

/**
 * Walks the bytes of a run's log and the files in `out/` that its lines refer to, verifies its signatures, and reads the plan in force.
 * A broken log is a verdict; a file that cannot be read is trouble.
 */
export async function auditOf(
  folder: RunFolder,
  options: AuditOptions,
): Promise<Result<Audit & { readonly blobs: BlobAudit }>> {
  const first = folder.firstPlan();
  if (!first.ok) return first;
  const digest = intentDigest(first.value);
  const walk = await walkLog(folder, digest, options);
  if (!walk.ok) return walk;
  const { head, torn, breach, run: execution, seals, anchored } = walk.value;
  const amended = execution.plan === '' ? first : folder.plan(execution.plan);
  const plan = amended.ok ? amended.value : first.value;
  const foreignIntent =
    head.size > 0 && !folder.intents().has(digest)
      ? { line: 1, what: 'the first line does not belong to intent.json' }
      : undefined;
  const vouched = await vouchersOf(seals, options.allowedSigners);
  const said = await auditStatements(walk.value.statements, execution.run, options.allowedSigners, (line) =>
    lineHash((at) => folder.log(at), line),
  );
  const kept = options.kept ?? [];
  const why =
    breach ??
    foreignIntent ??
    firstOf(
      firstOf(vouched.breach, seals.breach),
      firstOf(said.breach, firstOf(passedByNobody(walk.value.passed, walk.value.statements), walk.value.unapproved)),
    ) ??
    linesRemoved(folder, execution) ??
    notHeld(head, kept, walk.value.held) ??
    (options.head !== undefined && anchored === undefined
      ? {
          line: head.size,
          what: 'no line up to this one has the head that was kept elsewhere: lines were cut off or rebuilt',
        }
      : undefined);
  const blobs = blobsOf(folder, walk.value.referred);
  const lacks = [
    ...vouched.lacks,
    ...said.lacks,
    ...(torn > 0 ? ['its last line is torn'] : []),
    ...(execution.status === 'closed' && execution.inSession
      ? ['its last session was never closed: the process was killed, or lines were cut off']
      : []),
  ];
  const verdict: LogVerdict =
    why !== undefined || blobs.lost.length > 0
      ? 'broken'
      : execution.status !== 'closed'
        ? 'intact but open'
        : lacks.length > 0
          ? 'intact but unsigned'
          : 'closed and signed';
  const signatures = { sessions: vouched.sessions, statements: said.statements, lacks };
  return ok({
    ...{ folder, plan, verdict, head, torn, blobs, breach: why, signatures, execution },
    ...(anchored === undefined ? {} : { anchored }),
    kept,
  });
}

const firstOf = (a: Breach | undefined, b: Breach | undefined): Breach | undefined =>
  a !== undefined && b !== undefined ? (a.line <= b.line ? a : b) : (a ?? b);

/** Has every session's voucher verified. What cannot be checked lacks a signature; what is checked and does not hold is a breach. */
async function vouchersOf(
  { sessions }: Seals,
  allowedSigners: string | undefined,
): Promise<Pick<SignatureAudit, 'sessions' | 'lacks'> & { readonly breach?: Breach }> {
  const audited: SessionAudit[] = [];
  const lacks: string[] = [];
  let breach: Breach | undefined;
  for (const { line, opened, vouched } of sessions) {
    const { operator, seal, signature } = opened;
    const whose = `the session of ${operator} that begins at line ${line}`;
    let signer: string | null = null;
    if (vouched === undefined || seal === undefined || signature === undefined) {
      lacks.push(`nobody vouches for ${whose}`);
    } else if (allowedSigners === undefined) {
      lacks.push(`${whose} is signed, and there is no list of allowed signers to judge it by`);
    } else {
      const { principal } = seal;
      const held = await verifiedVoucher(allowedSigners, {
        ...{ principal, message: vouched, signature, at: opened.ts },
        namespace: sessionNamespace,
      });
      if (held.ok) signer = principal;
      else if (held.error.code === 'not-vouched') {
        breach ??= { line, what: [held.error.what, held.error.detail].filter(Boolean).join(': ') };
      } else lacks.push(`${whose} could not be judged: ${held.error.what}`);
    }
    const key = signature === undefined ? undefined : signerOf(signature);
    audited.push({ line, operator, signer, fingerprint: key === undefined ? null : fingerprintOf(key) });
  }
  if (sessions.length === 0) lacks.push('nobody has signed it');
  return { sessions: audited, lacks, ...(breach === undefined ? {} : { breach }) };
}

/** The first kept head that the log does not hold. */
function notHeld({ size }: Head, kept: readonly HeadKept[], held: ReadonlySet<HeadKept>): Breach | undefined {
  const lost = kept.find((one) => !held.has(one));
  return lost === undefined
    ? undefined
    : {
        line: Math.min(lost.size, size),
        what: `run ${lost.by} recorded another head of this log (${lost.size} lines, ${lost.hash}) when it began: lines were cut off or rebuilt`,
      };
}

/** Looks whether each file in `out/` that a line refers to is what was written. Lines after a breach vouch for nothing. */
function blobsOf(folder: RunFolder, referred: readonly ReferredBlob[]): BlobAudit {
  const blobs = folder.blobs();
  const lost = referred.flatMap(({ line, blob }): readonly Breach[] => {
    const is = blobs.check(blob);
    return is === 'whole' ? [] : [{ line, what: `it refers to out/${blob.sha256}, ${lostWords[is]}` }];
  });
  const names = new Set(referred.map(({ blob }) => blob.sha256));
  return { referred: names.size, lost, stray: blobs.names().filter((name) => !names.has(name)) };
}

const lostWords = {
  missing: 'and that file is missing',
  different: 'and that file is not what was written',
  unreadable: 'and that file cannot be read',
} as const;
