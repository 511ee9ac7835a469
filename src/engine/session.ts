import type { KeptHead } from '../core/event.ts';
import { intentDigest, type Plan } from '../core/plan.ts';
import type { Anchor, BlobStore, Voucher } from '../core/ports.ts';
import { ok, type Result } from '../core/result.ts';
import type { Journal } from './journal.ts';

/** Who takes a run up, and from where. */
export interface SessionInfo {
  readonly operator: string;
  /** Name of the machine that drives. */
  readonly control: string;
  readonly pid: number;
  readonly tool: string;
  readonly unattended: boolean;
  /** Vouches for the process's key; without it the log stays unsigned. */
  readonly voucher?: Voucher;
}

export interface RunInfo {
  readonly run: string;
  readonly rehearsal: boolean;
  readonly ticket: string | null;
  readonly reason: string | null;
  readonly responsible: string | null;
  /** Where the log of the run before it stands. */
  readonly previous?: KeptHead;
}

/**
 * First lines of a run. The plan is burnt here, before the first operation: a second use finds the run's folder. Nothing is written where
 * the session's voucher cannot sign.
 */
export async function beginRun(
  journal: Journal,
  plan: Plan,
  info: RunInfo,
  session: SessionInfo,
): Promise<Result<void>> {
  const opened = await openSession(journal, session);
  if (!opened.ok) return opened;
  journal.record({
    type: 'run.opened',
    ...info,
    host: plan.intent.host.name,
    serial: plan.intent.host.serial,
    plan: plan.intent.id,
    intent: intentDigest(plan),
    runbook: plan.intent.runbook.name,
  });
  return ok(undefined);
}

export const openSession = (journal: Journal, { voucher, ...session }: SessionInfo): Promise<Result<void>> =>
  journal.open({ type: 'session.opened', ...session }, voucher);

export interface SessionEnd {
  /** In the words of the exit code. */
  readonly why: string;
  readonly exit: number;
  /** Where the head goes, and where what is said of it is put; absent where heads are not kept elsewhere. */
  readonly anchor?: { readonly keeper: Anchor; readonly blobs: BlobStore };
}

/**
 * Last lines of a process: the head is handed to whatever keeps it elsewhere, and the session is closed. A head that could not be kept is
 * on record, and no reason to leave the session open.
 */
export async function closeSession(journal: Journal, { why, exit, anchor }: SessionEnd): Promise<void> {
  if (anchor !== undefined) {
    const { head, execution } = journal;
    const kept = await anchor.keeper.keep({ run: execution.run, host: execution.host, ...head });
    journal.record(
      kept.ok
        ? { type: 'head.kept', ...head, answer: anchor.blobs.put(kept.value) }
        : { type: 'head.not-kept', ...head, trouble: kept.error },
    );
  }
  journal.record({ type: 'session.closed', why, exit });
}
