import { resolve } from 'node:path';
import { trouble } from '../../core/result.ts';
import { auditOf, type LogVerdict, type SignatureAudit } from '../audit-of.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { headsKept } from '../kept-heads.ts';
import { refuse } from '../refuse.ts';
import { auditLines } from '../view/audit-view.ts';

export interface VerifyOptions {
  readonly requireSignature?: boolean;
  readonly head?: string;
  readonly allowedSigners?: string;
}

/**
 * Walks the bytes of a run's log, the files in `out/` that its lines refer to, and its signatures. Only a log that has ended and that
 * listed people signed as a whole is done with.
 */
export async function auditVerify(invocation: Invocation, named: string, options: VerifyOptions): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  if (options.head !== undefined && !/^[0-9a-f]{64}$/.test(options.head)) {
    const what = `--head ${options.head} is no hash`;
    return refuse(invocation, [trouble('usage', what, 'Give the 64 hexadecimal digits that stand after "head".')]);
  }
  const folder = findRun(desk.value.store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const allowedSigners =
    options.allowedSigners === undefined ? desk.value.workspace.allowedSigners : resolve(options.allowedSigners);
  const audit = await auditOf(folder.value, {
    allowedSigners,
    kept: headsKept(desk.value.store, folder.value.run),
    ...(options.head === undefined ? {} : { head: options.head }),
  });
  if (!audit.ok) return refuse(invocation, [audit.error], process.cwd(), exit.logBroken);
  const { verdict, head, torn, breach, blobs, signatures, anchored, kept } = audit.value;
  const { run, host, path } = folder.value;
  invocation.output.result(
    {
      type: 'audit.verified',
      message: verdict,
      run_id: run,
      host,
      verdict,
      log: `${path}/audit.jsonl`,
      head,
      torn,
      breach: breach ?? null,
      blobs,
      signatures,
      anchored: anchored ?? null,
      kept,
    },
    auditLines(audit.value, blobs),
  );
  const unsigned = verdict === 'intact but open' && options.requireSignature === true && !vouchedWhole(signatures);
  return unsigned ? exit.logUnsigned : codes[verdict];
}

/** Whether a listed person vouches for every session of a log that has not ended. */
const vouchedWhole = ({ sessions }: SignatureAudit): boolean =>
  sessions.length > 0 && sessions.every(({ signer }) => signer !== null);

const codes: { readonly [V in LogVerdict]: ExitCode } = {
  broken: exit.logBroken,
  'intact but open': exit.logOpen,
  'intact but unsigned': exit.logUnsigned,
  'closed and signed': exit.done,
};
