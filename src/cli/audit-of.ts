import { type Breach, type Head, readChain } from '../core/chain.ts';
import type { Recorded } from '../core/event.ts';
import { type Execution, foldAll } from '../core/execution.ts';
import { intentDigest, type Plan } from '../core/plan.ts';
import type { RunFolder } from '../core/ports.ts';
import { ok, type Result } from '../core/result.ts';

/** What the bytes of a log amount to. There is no signature yet, so no log is "closed and signed". */
export type LogVerdict = 'broken' | 'intact but open' | 'intact but unsigned';

export interface Audit {
  readonly folder: RunFolder;
  readonly plan: Plan;
  readonly verdict: LogVerdict;
  readonly head: Head;
  readonly torn: number;
  readonly breach: Breach | undefined;
  /** The good lines from the start. */
  readonly events: readonly Recorded[];
  readonly execution: Execution;
}

/** Walks the bytes of a run's log, and reads the plan in force. A broken log is a verdict; a file that cannot be read is trouble. */
export function auditOf(folder: RunFolder): Result<Audit> {
  const first = folder.firstPlan();
  if (!first.ok) return first;
  const bytes = folder.log();
  if (!bytes.ok) return bytes;
  const { events, head, torn, breach } = readChain(bytes.value, intentDigest(first.value));
  const execution = foldAll(events);
  const amended = execution.plan === '' ? first : folder.plan(execution.plan);
  const plan = amended.ok ? amended.value : first.value;
  const foreign = execution.intent !== '' && intentDigest(plan) !== execution.intent;
  const misplaced = foreign
    ? { line: head.size, what: 'the plan that the log names last is not the one in the run’s folder' }
    : undefined;
  const why = breach ?? misplaced;
  const verdict: LogVerdict =
    why !== undefined || events.length === 0
      ? 'broken'
      : torn > 0 || execution.status !== 'closed'
        ? 'intact but open'
        : 'intact but unsigned';
  return ok({ folder, plan, verdict, head, torn, breach: why, events, execution });
}
