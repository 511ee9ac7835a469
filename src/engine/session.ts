import { intentDigest, type Plan } from '../core/plan.ts';
import type { Journal } from './journal.ts';

/** Who takes a run up, and from where. */
export interface SessionInfo {
  readonly operator: string;
  /** Name of the machine that drives. */
  readonly control: string;
  readonly pid: number;
  readonly tool: string;
  readonly unattended: boolean;
}

export interface RunInfo {
  readonly run: string;
  readonly rehearsal: boolean;
  readonly ticket: string | null;
  readonly reason: string | null;
  readonly responsible: string | null;
}

/** First lines of a run. The plan is burnt here, before the first operation: a second use finds the run's folder. */
export function beginRun(journal: Journal, plan: Plan, info: RunInfo, session: SessionInfo): void {
  openSession(journal, session);
  journal.record({
    type: 'run.opened',
    ...info,
    host: plan.intent.host.name,
    serial: plan.intent.host.serial,
    plan: plan.intent.id,
    intent: intentDigest(plan),
    runbook: plan.intent.runbook.name,
  });
}

export const openSession = (journal: Journal, session: SessionInfo): void => {
  journal.record({ type: 'session.opened', ...session });
};

/** Last line of a process, in the words of the exit code it ends with. */
export const closeSession = (journal: Journal, why: string, exit: number): void => {
  journal.record({ type: 'session.closed', why, exit });
};
