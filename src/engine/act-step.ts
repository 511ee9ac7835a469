import type { AnyAction, Setting, Verdict } from '../core/action.ts';
import { type Json, jcs } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { StepAsked } from '../core/ports.ts';
import type { Trouble } from '../core/result.ts';
import type { Find } from '../core/use.ts';
import { leftToDo } from './left-to-do.ts';
import { performAll, type StepRun, StepTimeout, stoppedTrouble } from './perform-step.ts';
import { prove, stamp } from './prove.ts';
import type { Drive, StepEnd } from './run-step.ts';

type Waived = NonNullable<Extract<Verdict, { readonly ok: true }>['waived']>[number];

interface Ready {
  readonly action: AnyAction;
  readonly setting: Setting;
  readonly asked: StepAsked;
  readonly attempt: number;
  readonly input: unknown;
  readonly before: unknown;
  readonly planned: readonly Operation[];
}

/** Does what is left of a step that was agreed to, and proves it: only its own probe makes it done. */
export async function actStep(drive: Drive, step: PlannedStep, ready: Ready): Promise<StepEnd> {
  const { engine, journal } = drive;
  const { action, attempt, input, planned } = ready;
  const at = { step: step.id, direction: 'forth' } as const;
  const limit = timeLimit(step, drive.signal);
  const run: StepRun = {
    ...drive,
    signal: limit.signal,
    step,
    direction: 'forth',
    ...ready,
  };
  try {
    const { operations, receipts } = leftToDo(journal.execution, step, action, planned);
    if (planned.length > 0) {
      const blob = engine.blobs.put(jcs(ready.before ?? null));
      journal.record({ ...at, type: 'step.planned', attempt, before: blob, operations });
    }
    const performed = await performAll(run, operations);
    if (!performed.ok) {
      const { halt } = performed;
      switch (halt.halt) {
        case 'parked':
          journal.record({ ...at, type: 'run.parked', until: halt.until, why: halt.why });
          return { end: 'parked', until: halt.until, why: halt.why };
        case 'quit':
          return { end: 'quit', why: halt.why };
        case 'missing':
          return { end: 'missing', what: halt.what, fix: halt.fix };
        case 'doubt':
          return drive.signal.aborted ? { end: 'signal' } : { end: 'doubt', trouble: halt.trouble };
        case 'claimed':
          journal.record({ ...at, type: 'gate.blocked', gate: 'claim', trouble: halt.trouble });
          return { end: 'claimed', trouble: halt.trouble };
        case 'refused':
          journal.record({ ...at, type: 'gate.blocked', gate: 'identity', trouble: halt.trouble });
          return { end: 'blocked', trouble: halt.trouble };
        case 'failed':
          return failed(drive, run, limit.signal.aborted ? stoppedTrouble(run) : halt.trouble);
      }
    }
    const verdict = await prove(run, input, [...receipts, ...performed.receipts]);
    if (!verdict.ok && verdict.found !== undefined) return held(drive, run, verdict.trouble, verdict.found);
    if (!verdict.ok) return failed(drive, run, verdict.trouble);
    for (const waived of verdict.waived ?? []) journal.record({ ...at, type: 'gate.waived', ...waivedBy(waived) });
    const tidy = action.tidy?.(input, ready.setting) ?? [];
    if (planned.length > 0 && tidy.length > 0) {
      const tidied = await performAll(run, tidy, planned.length);
      if (!tidied.ok && tidied.halt.halt === 'failed') return failed(drive, run, tidied.halt.trouble);
    }
    journal.record({
      ...at,
      type: 'step.verified',
      attempt,
      already: planned.length === 0 && action.effect !== 'none',
      output: verdict.output,
      evidence: stamp(verdict.evidence, drive.plan, step, journal, engine.clock.now()),
      said: verdict.said,
    });
    return { end: 'on' };
  } finally {
    limit.clear();
  }
}

/** Nothing failed: what was found stands in the way, and is kept with its gate, so that somebody may answer for the very same. */
function held({ engine, journal, signal }: Drive, { step }: StepRun, why: Trouble, finds: readonly Find[]): StepEnd {
  if (signal.aborted) return { end: 'signal' };
  const blob = engine.blobs.put(jcs(finds as unknown as Json));
  const found = [...new Set(finds.map(({ gate }) => gate))];
  const shut = { ...why, blob };
  const at = { step: step.id, direction: 'forth' } as const;
  journal.record({ ...at, type: 'gate.blocked', gate: found.join(', '), trouble: shut, found });
  return { end: 'blocked', trouble: shut };
}

const waivedBy = ({ answer: { gate, by, reason, statement }, trouble }: Waived) => ({
  ...{ gate, by, reason, statement, trouble },
});

async function failed(drive: Drive, run: StepRun, why: Trouble): Promise<StepEnd> {
  const { journal, engine } = drive;
  const { step, attempt } = run;
  const at = { step: step.id, direction: 'forth' } as const;
  journal.record({ ...at, type: 'step.failed', attempt, trouble: why });
  if (drive.signal.aborted) return { end: 'signal' };
  if (step.retry !== null && !run.action.once && attempt < step.retry.attempts) {
    await engine.clock.sleep(step.retry.delay, drive.signal);
    return drive.signal.aborted ? { end: 'signal' } : { end: 'again' };
  }
  if (step.on_failure === 'continue') return { end: 'on' };
  const answer = await drive.ask(
    { ask: 'failed', step: run.asked, trouble: why, mayRetry: true, tail: tailOf(why) },
    drive.signal,
  );
  switch (answer.answer) {
    case 'retry':
      return { end: 'again' };
    case 'skip':
      journal.record({ ...at, type: 'step.skipped', by: 'person', who: drive.operator, reason: answer.reason });
      return { end: 'on' };
    case 'quit':
      return answer.why === 'quit' ? { end: 'failed', trouble: why } : { end: 'quit', why: answer.why };
    default:
      return { end: 'failed', trouble: why };
  }
}

/** A timer of more milliseconds than this (25 days) fires at once. */
const longestTimer = 2 ** 31 - 1;

function timeLimit(step: PlannedStep, outer: AbortSignal): { readonly signal: AbortSignal; clear(): void } {
  if (step.timeout === null) return { signal: outer, clear: () => {} };
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(new StepTimeout()), Math.min(step.timeout, longestTimer));
  return { signal: AbortSignal.any([outer, own.signal]), clear: () => clearTimeout(timer) };
}

const tailOf = ({ detail = '' }: Trouble): readonly string[] =>
  detail === '' ? [] : detail.trimEnd().split('\n').slice(-20);
