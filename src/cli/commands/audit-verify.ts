import { auditOf, type LogVerdict } from '../audit-of.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse } from '../refuse.ts';
import { auditLines } from '../view/audit-view.ts';

/** Walks the bytes of a run's log, and the files in `out/` that its lines refer to. Only a log that is whole and ended is more than "intact", and none is called signed that is not. */
export async function auditVerify(invocation: Invocation, named: string): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const folder = findRun(desk.value.store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const audit = auditOf(folder.value);
  if (!audit.ok) return refuse(invocation, [audit.error], process.cwd(), exit.logBroken);
  const { verdict, head, torn, breach, blobs } = audit.value;
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
    },
    auditLines(audit.value, blobs),
  );
  return codes[verdict];
}

const codes: { readonly [V in LogVerdict]: ExitCode } = {
  broken: exit.logBroken,
  'intact but open': exit.logOpen,
  'intact but unsigned': exit.logUnsigned,
};
