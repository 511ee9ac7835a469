import { next } from '../core/next.ts';
import type { PlannedStep } from '../core/plan.ts';
import { JournalTrouble } from '../core/ports.ts';
import { type Trouble, trouble } from '../core/result.ts';
import { claimSeen, startClaim } from './hold-claim.ts';
import { leaveHost } from './leave-host.ts';
import { rollBack } from './roll-back.ts';
import { type Drive, runStep, type StepEnd } from './run-step.ts';
import { type Receiving, takeIn } from './take-in.ts';

/** How a session of a run ended; each maps to one published exit code. */
export type RunEnd =
  | { readonly end: 'done' }
  /** Rehearsal only: every gate held, or these did not. */
  | { readonly end: 'rehearsed'; readonly blocked: readonly { readonly step: string; readonly trouble: Trouble }[] }
  /** It had ended before this session began, and the one before was cut off: what was left to be closed is. */
  | { readonly end: 'ended'; readonly outcome: string }
  | { readonly end: 'rolled-back'; readonly kept: readonly string[] }
  | { readonly end: 'blocked'; readonly step: string; readonly trouble: Trouble }
  | { readonly end: 'drift'; readonly step: string; readonly trouble: Trouble }
  | { readonly end: 'failed'; readonly step: string; readonly trouble: Trouble }
  | { readonly end: 'doubt'; readonly step: string; readonly trouble: Trouble }
  /** Somebody else works on the host. */
  | { readonly end: 'claimed'; readonly step: string; readonly trouble: Trouble }
  | { readonly end: 'parked'; readonly step: string; readonly until: string | null; readonly why: string }
  | { readonly end: 'quit'; readonly step: string; readonly why: 'quit' | 'interrupted' | 'end-of-input' }
  | { readonly end: 'missing'; readonly step: string; readonly what: string; readonly fix: string }
  | { readonly end: 'signal'; readonly step: string }
  /** The journal could not be written. `afterIntent`: an operation had been begun, so its outcome is not recorded. */
  | { readonly end: 'journal'; readonly trouble: Trouble; readonly afterIntent: boolean };

/**
 * Drives a run from where its journal stands to its end, or to what stops it. A run and its resume are the same call: a journal that
 * is not empty is gone on with. A rehearsal differs only by its executor.
 */
export async function drive(run: Drive): Promise<RunEnd> {
  try {
    if (!run.executor.real) return await rehearse(run);
    const { status, outcome } = run.journal.execution;
    if (status === 'closed') {
      await leaveHost(run);
      return { end: 'ended', outcome: outcome ?? 'closed' };
    }
    const claim = await startClaim(run, run.takeOver);
    if (claim !== undefined) {
      run.journal.record({ type: 'run.stopped', by: 'gate', who: null, reason: claim.what });
      return { end: 'claimed', step: next(run.plan, run.journal.execution)?.id ?? '', trouble: claim };
    }
    await takeIn(receivingOf(run));
    if (run.journal.execution.direction === 'back') return await rollBack(run);
    return await forth(run);
  } catch (error) {
    if (!(error instanceof JournalTrouble)) throw error;
    const afterIntent = Object.values(run.journal.execution.steps).some((s) =>
      [...s.forth.operations, ...s.back.operations].some((o) => o.status === 'intended'),
    );
    return { end: 'journal', trouble: error.trouble, afterIntent };
  }
}

const receivingOf = ({ engine: { actions, clock }, plan, journal, reception }: Drive): Receiving => ({
  ...{ actions, clock, plan, journal },
  ...(reception === undefined ? {} : { reception }),
});

async function forth(run: Drive): Promise<RunEnd> {
  const { plan, journal } = run;
  let again: PlannedStep | undefined;
  for (;;) {
    await takeIn(receivingOf(run));
    const step = again ?? next(plan, journal.execution);
    if (step === undefined) {
      journal.record({ type: 'run.closed', outcome: 'done', by: run.operator, reason: null });
      await leaveHost(run);
      return { end: 'done' };
    }
    if (run.signal.aborted) return stopped(run, step, { end: 'signal' });
    const end = await runStep(run, step, plan.intent.steps.indexOf(step) + 1);
    if (end.end !== 'on' && end.end !== 'again') return stopped(run, step, end);
    again = end.end === 'again' ? step : undefined;
  }
}

/** Every step once, so that a person sees all that stands in the way, not only the first of it. */
async function rehearse(run: Drive): Promise<RunEnd> {
  const blocked: { step: string; trouble: Trouble }[] = [];
  const claim = await claimSeen(run);
  if (claim !== undefined) blocked.push({ step: run.plan.intent.steps[0]?.id ?? '', trouble: claim });
  for (const [i, step] of run.plan.intent.steps.entries()) {
    if (run.signal.aborted) return stopped(run, step, { end: 'signal' });
    const end = await runStep(run, step, i + 1);
    if ('trouble' in end) blocked.push({ step: step.id, trouble: end.trouble });
  }
  run.journal.record({ type: 'run.closed', outcome: 'rehearsed', by: run.operator, reason: null });
  return { end: 'rehearsed', blocked };
}

function stopped(run: Drive, step: PlannedStep, end: Exclude<StepEnd, { end: 'on' | 'again' }>): RunEnd {
  const by = reasons[end.end];
  if (by !== null) {
    const who = by === 'person' ? run.operator : null;
    run.journal.record({ type: 'run.stopped', by, who, reason: reasonOf(step, end) });
  }
  return { ...end, step: step.id };
}

const reasons = {
  blocked: 'gate',
  drift: 'drift',
  failed: 'failure',
  doubt: 'doubt',
  claimed: 'gate',
  parked: null,
  quit: 'person',
  missing: 'gate',
  signal: 'signal',
} as const;

function reasonOf(step: PlannedStep, end: Exclude<StepEnd, { end: 'on' | 'again' }>): string {
  switch (end.end) {
    case 'blocked':
    case 'drift':
    case 'failed':
    case 'doubt':
    case 'claimed':
      return end.trouble.what;
    case 'parked':
      return end.why;
    case 'quit':
      return `stopped at step "${step.id}" (${end.why})`;
    case 'missing':
      return `an answer is missing: ${end.what}`;
    case 'signal':
      return `a signal ended the session at step "${step.id}"`;
  }
}

/** Why a saved plan may not be started any more; undefined while it may. */
export function stalePlan(expires: string, now: Date): Trouble | undefined {
  if (now < new Date(expires)) return undefined;
  return trouble('plan-expired', `the plan expired at ${expires}`, 'Make a new one with: decom plan HOST -o FILE');
}
