import type { EventOf, Recorded } from '../core/event.ts';
import type { RunFolder } from '../core/ports.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { brokenLog } from '../engine/open-run.ts';
import { type Audit, auditOf, type SessionAudit } from './audit-of.ts';
import type { Desk } from './desk.ts';
import { headsKept } from './kept-heads.ts';

/** Somebody answered for the lines before. `line` counts from 1. */
interface Accepted {
  readonly line: number;
  readonly lines: number;
}

/** What a log amounts to, and the sessions in it that nobody vouches for and nobody has answered for since. */
export interface Judged {
  readonly audit: Audit;
  readonly strange: readonly SessionAudit[];
}

/**
 * Judges a log before anything is done on the strength of it. The chain alone holds whatever somebody appended who can write the state folder; in
 * a workspace with a list of allowed signers, and of a log that was ever signed, each process that wrote lines wants a listed person
 * who vouches for it, or somebody who answers for its lines afterwards. Where nothing was ever to be signed, the chain is all there is.
 */
export async function judgedLog({ workspace, store }: Desk, folder: RunFolder): Promise<Result<Judged>> {
  const { allowedSigners } = workspace;
  const answers: Accepted[] = [];
  const audited = await auditOf(folder, {
    allowedSigners,
    kept: headsKept(store, folder.run),
    visit: (event) => {
      if (event.type === 'unsigned.accepted') answers.push(acceptedBy(event));
    },
  });
  if (!audited.ok) return audited;
  const { breach, signatures } = audited.value;
  if (breach !== undefined) return fail(brokenLog(folder, breach));
  const { sessions } = signatures;
  const vouched = (line: number): boolean =>
    allowedSigners === undefined || (sessions.findLast((session) => session.line < line)?.signer ?? null) !== null;
  const answered = Math.max(0, ...answers.filter(({ line }) => vouched(line)).map(({ lines }) => lines));
  const wanted = allowedSigners !== undefined || sessions.some(({ fingerprint }) => fingerprint !== null);
  const strange = wanted ? sessions.filter(({ signer, line }) => signer === null && line > answered) : [];
  return ok({ audit: audited.value, strange });
}

const acceptedBy = ({ seq, lines }: Recorded<EventOf<'unsigned.accepted'>>): Accepted => ({ line: seq + 1, lines });

/** Refuses to go on from a log that is broken, or of which nobody vouches for some lines. */
export async function believed(desk: Desk, folder: RunFolder): Promise<Result<void>> {
  const judged = await judgedLog(desk, folder);
  if (!judged.ok) return judged;
  const { audit, strange } = judged.value;
  if (strange.length === 0) return ok(undefined);
  const whose = strange.map(({ operator, line }) => `the session of ${operator} that begins at line ${line}`);
  return fail(
    trouble(
      'log-unsigned',
      `${folder.path}/audit.jsonl: no listed person vouches for ${whose.join(', nor for ')}; nothing was done`,
      `Whoever can write there could have added those lines. See whether they are right (decom report ${folder.run}), and if so answer for them: decom audit accept ${folder.run} --reason TEXT`,
      audit.signatures.lacks.join('\n'),
    ),
  );
}
