import { type Breach, type Head, readChain } from '../core/chain.ts';
import type { Recorded } from '../core/event.ts';
import { type Execution, foldAll } from '../core/execution.ts';
import { intentDigest, type Plan } from '../core/plan.ts';
import type { RunFolder } from '../core/ports.ts';
import { referredBlobs } from '../core/referred-blobs.ts';
import { ok, type Result } from '../core/result.ts';
import { linesRemoved } from '../engine/open-run.ts';

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

/** What became of the files in `out/` that the log's lines refer to. */
export interface BlobAudit {
  /** How many the lines refer to. */
  readonly referred: number;
  readonly lost: readonly Breach[];
  /** Files that no line refers to, as a crash between the two leaves them. */
  readonly stray: readonly string[];
}

/** Walks the bytes of a run's log and the files in `out/` that its lines refer to, and reads the plan in force. A broken log is a verdict; a file that cannot be read is trouble. */
export function auditOf(folder: RunFolder): Result<Audit & { readonly blobs: BlobAudit }> {
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
  const why = breach ?? misplaced ?? linesRemoved(folder, execution);
  const blobs = blobsOf(folder, events);
  const verdict: LogVerdict =
    why !== undefined || blobs.lost.length > 0
      ? 'broken'
      : torn > 0 || execution.status !== 'closed'
        ? 'intact but open'
        : 'intact but unsigned';
  return ok({ folder, plan, verdict, head, torn, blobs, breach: why, events, execution });
}

/** Looks whether each file in `out/` that a line refers to is what was written. Lines after a breach vouch for nothing. */
function blobsOf(folder: RunFolder, events: readonly Recorded[]): BlobAudit {
  const blobs = folder.blobs();
  const referred = referredBlobs(events);
  const seen = new Set<string>();
  const lost = referred.flatMap(({ line, blob }): readonly Breach[] => {
    const key = `${blob.sha256} ${blob.bytes}`;
    if (seen.has(key)) return [];
    seen.add(key);
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
