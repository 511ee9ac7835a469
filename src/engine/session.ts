import type { KeptHead } from '../core/event.ts';
import { intentDigest, type Plan } from '../core/plan.ts';
import type { Voucher } from '../core/ports.ts';
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

/** Last line of a process, in the words of the exit code it ends with. */
export const closeSession = (journal: Journal, why: string, exit: number): void => {
  journal.record({ type: 'session.closed', why, exit });
};
