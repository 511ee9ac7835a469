import type { AnyAction, Setting } from '../core/action.ts';
import { wantedWords } from '../core/approval.ts';
import type { Demand, EvidenceKind } from '../core/evidence.ts';
import { stepState } from '../core/execution.ts';
import type { Operation } from '../core/operation.ts';
import type { PlannedStep } from '../core/plan.ts';
import { ok, type Trouble, trouble } from '../core/result.ts';
import { approvalsFor } from './approval-gate.ts';
import { closedAt } from './calendar.ts';
import { inspect, pastOf } from './engine.ts';
import { foreseenGap } from './foresee-coverage.ts';
import { startsAgain, startsAgainTrouble, unmetDemand, yieldingOf } from './gates.ts';
import { stamp } from './prove.ts';
import type { Drive, StepEnd } from './run-step.ts';
import { stepsBefore } from './steps-before.ts';

/**
 * A rehearsal's end of a step: instead of acting, says what it would do. Steps without an effect really look, so identity and the
 * like stay real gates; a demand is met when an earlier step of the rehearsal would have yielded it, and is then said to be assumed.
 * `planned` is undefined where an input waits for an earlier step.
 */
export async function preview(
  drive: Drive,
  step: PlannedStep,
  action: AnyAction,
  input: unknown,
  planned: readonly Operation[] | undefined,
  setting: Setting,
  remarks: readonly string[] = [],
): Promise<StepEnd> {
  const { journal, engine } = drive;
  const at = { step: step.id, direction: 'forth' } as const;
  const operations = planned ?? foreseen(action, input, setting);
  if (operations === undefined) {
    journal.record({
      ...at,
      type: 'step.previewed',
      how: 'cannot-rehearse',
      said: `${step.uses} needs what an earlier step puts out`,
      operations: [],
      assumed: [],
    });
    return { end: 'on' };
  }
  if (operations.length === 0 && action.effect === 'none') return look(drive, step, action, input, setting);
  const assumedKinds = yieldedBefore(drive, step);
  const assumed: string[] = [];
  if (operations.length > 0) {
    for (const demand of action.demands?.(input) ?? []) {
      const { execution } = journal;
      const yielding = yieldingOf(engine.actions, stepsBefore(drive, step), execution, demand.kind);
      if (unmetDemand(demand, drive.plan.intent, execution, engine.clock.now(), new Set(), yielding) === undefined)
        continue;
      const starter = startedSince(drive, step, demand);
      const unmet =
        starter === undefined
          ? unmetDemand(demand, drive.plan.intent, execution, engine.clock.now(), assumedKinds, yielding)
          : startsAgainTrouble(step, demand, starter);
      if (unmet !== undefined) {
        const why = toldOnce(drive, step, yielder(drive, step, demand.kind), unmet);
        journal.record({ ...at, type: 'gate.blocked', gate: demand.kind, trouble: why });
        return { end: 'blocked', trouble: why };
      }
      assumed.push(demand.kind);
    }
    for (const demand of (action.demands?.(input) ?? []).filter(({ covers }) => covers !== undefined)) {
      const lost = await foreseenGap(drive, step, demand);
      if (lost === undefined) continue;
      const why = toldOnce(drive, step, [], lost);
      journal.record({ ...at, type: 'gate.blocked', gate: 'coverage', trouble: why });
      return { end: 'blocked', trouble: why };
    }
  }
  const held = operations.length === 0 ? ok(undefined) : closedAt(engine, step, engine.clock.now());
  if (!held.ok) {
    const why = toldOnce(drive, step, [], held.error);
    journal.record({ ...at, type: 'gate.blocked', gate: 'window', trouble: why });
    return { end: 'blocked', trouble: why };
  }
  // Still to come, and no trouble: a run parks until then.
  const parks = held.value === undefined ? '' : `; the run would park first: ${held.value.why}`;
  const asks = operations.some((o) => o.kind === 'ask');
  journal.record({
    ...at,
    type: 'step.previewed',
    how: operations.length === 0 ? 'already-so' : asks ? 'would-ask' : 'would-run',
    said:
      operations.length === 0
        ? 'nothing to do'
        : `${operations.length} operation${operations.length === 1 ? '' : 's'}${parks}${stillToCome(drive, step, action)}${remarks.map((remark) => `; ${remark}`).join('')}`,
    operations,
    assumed,
  });
  return { end: 'on' };
}

/** What a rehearsal cannot have, and a run will want. */
function stillToCome(drive: Drive, step: PlannedStep, action: AnyAction): string {
  const wanted = approvalsFor(step, action, drive.approvals ?? { unattended: false });
  return wanted === undefined ? '' : `; still to come: approval by ${wantedWords(wanted)}`;
}

/** A step without effect is judged for real: its verdict is the gate. */
async function look(
  drive: Drive,
  step: PlannedStep,
  action: AnyAction,
  input: unknown,
  setting: Setting,
): Promise<StepEnd> {
  const { journal, engine } = drive;
  const at = { step: step.id, direction: 'forth' } as const;
  const facts = await inspect(engine, action, input, pastOf(journal.execution, step.id), setting);
  const verdict = action.verify(input, facts, setting);
  // A look that yields evidence stays a gate. Any other may fail only because what comes before it was pretended: that is not known.
  if (!verdict.ok && (action.yields ?? []).length === 0 && pretendedBefore(drive, step)) {
    const said = `depends on what the steps before it would have done: ${verdict.trouble.what}`;
    journal.record({ ...at, type: 'step.previewed', how: 'cannot-rehearse', said, operations: [], assumed: [] });
    return { end: 'on' };
  }
  if (!verdict.ok) {
    // There is no run yet that somebody could answer in, or that could be gone on with.
    const fix =
      'Clear that, then rehearse again. What somebody may answer for instead, the run says when it stops there.';
    const shut = verdict.found === undefined ? verdict.trouble : { ...verdict.trouble, fix };
    const why = toldOnce(drive, step, [], shut);
    journal.record({ ...at, type: 'gate.blocked', gate: step.uses, trouble: why });
    return { end: 'blocked', trouble: why };
  }
  // What takes long is only glanced at here; a run does the whole of it, and may still find what the glance did not.
  if (action.examine !== undefined) {
    const said = `nothing in its way at a glance: ${verdict.said}`;
    journal.record({ ...at, type: 'step.previewed', how: 'would-run', said, operations: [], assumed: [] });
    return { end: 'on' };
  }
  journal.record({
    ...at,
    type: 'step.verified',
    attempt: 1,
    already: true,
    output: verdict.output,
    evidence: stamp(verdict.evidence, drive.plan, step, journal, engine.clock.now()),
    said: verdict.said,
  });
  return { end: 'on' };
}

function foreseen(action: AnyAction, input: unknown, setting: Setting): readonly Operation[] | undefined {
  if (action.foresee === undefined) return undefined;
  const planned = action.plan(input, action.foresee(input, setting), setting);
  return 'blocked' in planned ? undefined : planned;
}

/** The facts as the steps that were only described would have left them. */
export function asLeft(drive: Drive, step: PlannedStep, action: AnyAction, facts: unknown): unknown {
  const pretended = stepsBefore(drive, step).filter((s) => wasPretended(drive, s));
  return (
    action.left?.(
      facts,
      pretended.flatMap(({ operations }) => operations ?? []),
    ) ?? facts
  );
}

const stateOf = (drive: Drive, step: PlannedStep) => stepState(drive.journal.execution, step.id).forth;

const wasPretended = (drive: Drive, step: PlannedStep): boolean => stateOf(drive, step).status === 'previewed';

/** Whether an earlier step that changes something was only described. */
const pretendedBefore = (drive: Drive, step: PlannedStep): boolean =>
  stepsBefore(drive, step).some((s) => s.effect !== 'none' && wasPretended(drive, s));

/** The earlier steps that yield a kind of evidence. */
const yielder = (drive: Drive, step: PlannedStep, kind: EvidenceKind): readonly string[] =>
  stepsBefore(drive, step)
    .filter((s) => drive.engine.actions.find((a) => a.kind === s.uses)?.yields?.includes(kind))
    .map((s) => s.id);

/**
 * A rehearsal goes on behind a shut gate, and meets the same trouble again at each step that comes to it. It is told in full once; the later
 * ones name the step where it was, whether it is the very same trouble or one of `on`, without which they cannot go.
 */
export function toldOnce(drive: Drive, step: PlannedStep, on: readonly string[], why: Trouble): Trouble {
  if (drive.executor.real) return why;
  const blocked = stepsBefore(drive, step).filter((s) => stateOf(drive, s).status === 'blocked');
  const same = blocked.find((s) => {
    const told = stateOf(drive, s).trouble;
    return told !== null && told.code === why.code && told.what === why.what;
  });
  const root = same ?? blocked.find((s) => on.includes(s.id));
  const told = root === undefined ? null : stateOf(drive, root).trouble;
  if (told?.code === 'depends') return told;
  return root === undefined
    ? why
    : trouble('depends', `depends on what blocks "${root.id}"`, 'Clear that, then rehearse again.');
}

/** Kinds of evidence that the steps before this one would have yielded. */
function yieldedBefore(drive: Drive, step: PlannedStep): ReadonlySet<string> {
  const kinds = new Set<string>();
  for (const earlier of stepsBefore(drive, step)) {
    if (!wasPretended(drive, earlier)) continue;
    const action = drive.engine.actions.find((a) => a.kind === earlier.uses);
    for (const kind of action?.yields ?? []) kinds.add(kind);
  }
  return kinds;
}

/** The earlier step that would void what a rehearsal would assume. */
function startedSince(drive: Drive, step: PlannedStep, demand: Demand): PlannedStep | undefined {
  const before = stepsBefore(drive, step).filter((s) => wasPretended(drive, s));
  const yields = before.findLastIndex((s) =>
    drive.engine.actions.find((a) => a.kind === s.uses)?.yields?.includes(demand.kind),
  );
  return yields === -1 ? undefined : startsAgain(demand, before, yields);
}

/** What a rehearsal's executor says if it is ever asked to act: that would be a bug. */
export const neverPerforms = async () => ({
  outcome: 'failed' as const,
  trouble: trouble('rehearsal', 'a rehearsal changes nothing', 'Run it for real without --dry-run.'),
});
