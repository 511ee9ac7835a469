import { readChain } from '../../core/chain.ts';
import { foldAll } from '../../core/execution.ts';
import { intentDigest } from '../../core/plan.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse } from '../refuse.ts';
import { auditLines, type Verdict } from '../view/audit-view.ts';

/** Walks the bytes of a run's log. Only a log that is whole and ended is more than "intact", and none is called signed that is not. */
export async function auditVerify(invocation: Invocation, named: string): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const folder = findRun(desk.value.store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const first = folder.value.firstPlan();
  if (!first.ok) return refuse(invocation, [first.error], process.cwd(), exit.logBroken);
  const bytes = folder.value.log();
  if (!bytes.ok) return refuse(invocation, [bytes.error], process.cwd(), exit.logBroken);
  const reading = readChain(bytes.value, intentDigest(first.value));
  const execution = foldAll(reading.events);
  const verdict: Verdict =
    reading.breach !== undefined || reading.events.length === 0
      ? 'broken'
      : reading.torn > 0 || execution.status !== 'closed'
        ? 'intact-but-open'
        : 'intact-but-unsigned';
  const path = `${folder.value.path}/audit.jsonl`;
  const seen = { verdict, path, run: folder.value.run, head: reading.head, torn: reading.torn, breach: reading.breach };
  invocation.output.result(
    { type: 'audit.verified', message: verdict, run_id: folder.value.run, ...seen, breach: reading.breach ?? null },
    auditLines(seen),
  );
  return codes[verdict];
}

const codes: { readonly [V in Verdict]: ExitCode } = {
  broken: exit.logBroken,
  'intact-but-open': exit.logOpen,
  'intact-but-unsigned': exit.logUnsigned,
};
