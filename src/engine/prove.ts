import type { Verdict } from '../core/action.ts';
import type { Evidence, Finding } from '../core/evidence.ts';
import type { Receipt } from '../core/operation.ts';
import type { Plan, PlannedStep } from '../core/plan.ts';
import { stepDigest } from '../core/step-digest.ts';
import { answeredIn, inspect, pastOf } from './engine.ts';
import type { Journal } from './journal.ts';
import { lookingContext, type StepRun, stoppedTrouble } from './perform-step.ts';

/** Looks afterwards, again and again while the action allows time to settle, until its own probe says so or time is up. */
export async function prove(run: StepRun, input: unknown, receipts: readonly Receipt[]): Promise<Verdict> {
  const look = async (): Promise<Verdict> => {
    const { engine, journal } = run;
    const setting = { ...run.setting, ...answeredIn(engine, journal.execution) };
    const past = pastOf(journal.execution, run.step.id);
    const after =
      run.action.examine === undefined
        ? await inspect(engine, run.action, input, past, setting)
        : await run.action.examine(input, receipts, { ...lookingContext(run), past }, setting);
    return run.action.verify(input, after, setting);
  };
  return settle(run, run.action.settle?.(input), look);
}

/** Repeats a look until its verdict is good, time is up, or the step is stopped. Time is counted by a clock that never jumps. */
export async function settle(
  run: StepRun,
  limits: { readonly within: number; readonly every: number } | undefined,
  look: () => Promise<Verdict>,
): Promise<Verdict> {
  const { clock } = run.engine;
  const until = clock.monotonic() + (limits?.within ?? 0);
  for (;;) {
    if (run.signal.aborted) return { ok: false, trouble: stoppedTrouble(run) };
    const verdict = await look();
    if (run.signal.aborted && !verdict.ok) return { ok: false, trouble: stoppedTrouble(run) };
    if (verdict.ok || limits === undefined || clock.monotonic() >= until) return verdict;
    run.tell({ notice: 'settling', step: run.step.id, trouble: verdict.trouble });
    await clock.sleep(limits.every, run.signal);
  }
}

/** Stamps what a step found with what the plan says of that step, the host, the boot it was seen in, and the time. */
export function stamp(
  findings: readonly Finding[],
  { intent }: Plan,
  step: PlannedStep,
  journal: Journal,
  now: Date,
): readonly Evidence[] {
  const identity = findings.find((f) => f.kind === 'identity.confirmed');
  const known = journal.execution.evidence.findLast((e) => e.kind === 'identity.confirmed');
  const boot = identity?.boot_id ?? known?.boot_id ?? null;
  return findings.map((finding) => ({
    ...finding,
    step: step.id,
    step_digest: stepDigest(intent, step),
    at: now.toISOString(),
    host_serial: journal.execution.serial,
    boot: finding.kind === 'power.is-off' ? null : boot,
  }));
}
