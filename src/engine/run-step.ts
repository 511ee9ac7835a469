import type { EvidenceKind } from '../core/evidence.ts';
import { type Execution, stepState } from '../core/execution.ts';
import { unmetNeeds } from '../core/next.ts';
import type { Operation } from '../core/operation.ts';
import { operationWords } from '../core/operation-words.ts';
import { mayChange } from '../core/order.ts';
import type { Plan, PlannedStep } from '../core/plan.ts';
import type { Ask, Counting, StepAsked, Tell } from '../core/ports.ts';
import { type Trouble, trouble } from '../core/result.ts';
import { actStep } from './act-step.ts';
import { agree, isGrave } from './agree.ts';
import { type ApprovalRules, parkUnapproved } from './approval-gate.ts';
import { keepsEverything } from './coverage-gate.ts';
import { holds, settleDoubt } from './doubt.ts';
import { actionOf, type Engine, inspect, pastOf, scopeNow, settingFor } from './engine.ts';
import type { Executor } from './executor.ts';
import { drifted, unmetDemand, yieldingOf } from './gates.ts';
import type { Journal } from './journal.ts';
import { keepCaps } from './keep-caps.ts';
import { leftToDo } from './left-to-do.ts';
import { parkOutside } from './park-outside.ts';
import { asLeft, preview, toldOnce } from './preview.ts';
import { redoCommand } from './redo.ts';
import { refresh } from './refresh.ts';
import { stepsBefore } from './steps-before.ts';
import type { Reception } from './take-in.ts';
import { mayBeWaived, waiverOf } from './waiver.ts';

export interface Drive {
  readonly engine: Engine;
  readonly plan: Plan;
  readonly journal: Journal;
  readonly executor: Executor;
  readonly ask: Ask;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly operator: string;
  /** How what others say about the run is taken in; absent in a rehearsal. */
  readonly reception?: Reception;
  /** Counts the hosts of the state folder; absent in a rehearsal. */
  readonly counting?: Counting;
  /** What is asked of approvals; absent: what the plan binds. */
  readonly approvals?: ApprovalRules;
  /** A person answers for it that the claim of another run, which this names, is put away. */
  readonly takeOver?: { readonly run: string; readonly by: string; readonly reason: string };
}

/** How one pass through a step ended. Only `on` lets the run go on. */
export type StepEnd =
  | { readonly end: 'on' }
  /** It failed, and is to be tried once more. */
  | { readonly end: 'again' }
  | { readonly end: 'blocked'; readonly trouble: Trouble }
  | { readonly end: 'drift'; readonly trouble: Trouble }
  | { readonly end: 'failed'; readonly trouble: Trouble }
  | { readonly end: 'doubt'; readonly trouble: Trouble }
  /** Somebody else works on the host. */
  | { readonly end: 'claimed'; readonly trouble: Trouble }
  | { readonly end: 'parked'; readonly until: string | null; readonly why: string }
  | { readonly end: 'quit'; readonly why: 'quit' | 'interrupted' | 'end-of-input' }
  | { readonly end: 'missing'; readonly what: string; readonly fix: string }
  | { readonly end: 'signal' };

const on: StepEnd = { end: 'on' };

/**
 * One pass through a step: gates, the fresh plan, the agreement, the act, the proof. Everything that it decides is in the journal
 * before it is acted upon.
 */
export async function runStep(drive: Drive, step: PlannedStep, position: number): Promise<StepEnd> {
  const { engine, plan, journal } = drive;
  const action = actionOf(engine, step);
  const at = { step: step.id, direction: 'forth' } as const;
  const setting = settingFor(engine, plan, journal.execution, step.id);
  const asked: StepAsked = { id: step.id, title: step.title, position, of: plan.intent.steps.length };

  const passing = { step, action, asked, direction: 'forth' } as const;
  const doubt = await settleDoubt(drive, passing, () => holds(drive, step, action, setting));
  if (doubt !== undefined) return doubt;

  const { status, gate, attempt: attempts } = stepState(journal.execution, step.id).forth;
  // The host was found to be another one, or restarted: who it is has to be looked at anew, whatever the step demands.
  const doubted: readonly EvidenceKind[] = status === 'blocked' && gate === 'identity' ? ['identity.confirmed'] : [];
  const attempt = attempts + 1;
  journal.record({ ...at, type: 'step.started', attempt });
  const block = (gate: string, cause: Trouble, on: readonly string[] = []): StepEnd => {
    // What could not be seen because a person wants to stop is no shut gate.
    if (drive.signal.aborted) return { end: 'signal' };
    const why = toldOnce(drive, step, on, cause);
    journal.record({ ...at, type: 'gate.blocked', gate, trouble: why });
    return { end: 'blocked', trouble: why };
  };

  const needs = unmetNeeds(step, journal.execution);
  if (needs.length > 0) return block('needs', needsTrouble(step, needs, journal.execution), needs);

  const scope = await scopeNow(engine, plan, journal.execution, step);
  // Decided once: an act that was begun may itself have made its condition false (`when: facts.power == 'on'`). What no act can change is what the
  // plan in force says, and a new one may say that the step is not to be.
  const begun = stepState(journal.execution, step.id).forth.before !== null;
  if (step.when !== null && !(begun && mayChange(step.when))) {
    const decided = engine.decide(step.when, scope);
    if (!decided.ok) return block('when', decided.error);
    if (!decided.value) {
      journal.record({ ...at, type: 'step.skipped', by: 'when', who: null, reason: `when: ${step.when} is false` });
      return on;
    }
  }

  const bound = engine.bind(step, scope);
  if (!bound.ok) return block('input', bound.error);
  const { input, waitsFor } = bound.value;
  if (!drive.executor.real && waitsFor.length > 0) return preview(drive, step, action, input, undefined, setting);
  if (waitsFor.length > 0) return block('input', waitsTrouble(step, waitsFor, journal.execution), waitsFor);

  /** Gates whose passing is on record. */
  const passed = new Set<string>();
  const look = async (): Promise<StepEnd | Look> => {
    const before = await inspect(engine, action, input, pastOf(journal.execution, step.id), setting);
    if (drive.signal.aborted) return { end: 'signal' };
    const planned = action.plan(input, drive.executor.real ? before : asLeft(drive, step, action, before), setting);
    if ('blocked' in planned) return block('plan', planned.blocked);
    const foreign = drifted(step, planned);
    if (foreign !== undefined && engine.borrowed === undefined) {
      const why = driftTrouble(step, foreign, journal.execution);
      journal.record({ ...at, type: 'gate.blocked', gate: 'drift', trouble: why });
      return { end: 'drift', trouble: why };
    }
    if (drive.executor.real && planned.length > 0) {
      const demands = action.demands?.(input) ?? [];
      const stale = await refresh(drive, step, [...demands.map(({ kind }) => kind), ...doubted]);
      if (stale !== undefined) return block('identity', stale);
      for (const demand of demands) {
        const { execution } = journal;
        const yielding = yieldingOf(engine.actions, stepsBefore(drive, step), execution, demand.kind);
        const unmet = unmetDemand(demand, plan.intent, execution, engine.clock.now(), new Set(), yielding);
        if (unmet === undefined) continue;
        const waiver = mayBeWaived(action, demand.kind, input) ? waiverOf(execution, step.id, demand.kind) : undefined;
        if (waiver === undefined) return block(demand.kind, unmet);
        if (passed.has(demand.kind)) continue;
        passed.add(demand.kind);
        const { by, text, id } = waiver;
        journal.record({
          ...at,
          ...{ type: 'gate.waived', gate: demand.kind, by, reason: text, statement: id, trouble: unmet },
        });
      }
      for (const demand of demands.filter(({ covers }) => covers !== undefined)) {
        const lost = await keepsEverything(drive, step, demand, passed);
        if (lost !== undefined) return block('coverage', lost);
      }
    }
    // A witness agrees to the plan in force, also where an earlier one had everything done but the judging. A check never has anything to do, and who wants it
    // approved wants nothing after it begun without that.
    const isAsked = planned.length > 0 || action.witnesses !== undefined || action.effect === 'none';
    const unapproved = drive.executor.real && isAsked ? parkUnapproved(drive, step, action, passed) : undefined;
    return unapproved ?? { before, planned };
  };

  const outside = (): StepEnd | undefined =>
    drive.executor.real ? parkOutside(drive, step, action, passed) : undefined;
  const early = outside();
  if (early !== undefined) return early;
  let seen = await look();
  if ('end' in seen) return seen;
  if (!drive.executor.real) {
    const remarks = action.remarks?.(seen.before, setting) ?? [];
    return preview(drive, step, action, input, seen.planned, setting, remarks);
  }
  const left = leftToDo(journal.execution, step, action, seen.planned).operations;
  if (left.length > 0) {
    const asking = engine.clock.monotonic();
    const agreed = await agree(drive, step, action, asked, left);
    if (agreed !== undefined) return agreed;
    // A person may have taken their time, and the window may have closed meanwhile.
    const late = outside();
    if (late !== undefined) return late;
    const full = await keepCaps(drive, step);
    if (full !== undefined) return full;
    // The question may have stood for days: what was seen before it is no reason any more to end a machine.
    if (isGrave(action) && engine.clock.monotonic() - asking > freshFor) {
      seen = await look();
      if ('end' in seen) return seen;
    }
  }
  return actStep(drive, step, { action, setting, asked, attempt, input, ...seen });
}

/** How long what was seen of a machine holds while a person decides about ending it, in milliseconds. */
const freshFor = 5000;

/** What a step saw of the world, and what it would do about it. */
interface Look {
  readonly before: unknown;
  readonly planned: readonly Operation[];
}

const needsTrouble = (step: PlannedStep, needs: readonly string[], execution: Execution): Trouble =>
  trouble(
    'needs',
    `step "${step.id}" needs ${needs.map((id) => `"${id}"`).join(', ')} done and verified`,
    haveDone(needs, execution),
  );

const waitsTrouble = (step: PlannedStep, ids: readonly string[], execution: Execution): Trouble =>
  trouble(
    'input-missing',
    `step "${step.id}" refers to what ${ids.map((id) => `"${id}"`).join(', ')} puts out, and that has not run`,
    haveDone(ids, execution),
  );

/** What to do about steps that were not done. A rehearsal cannot be planned anew. */
const haveDone = (ids: readonly string[], execution: Execution): string =>
  execution.rehearsal
    ? 'Correct the runbook, so that they are done before it.'
    : `Have ${ids.length === 1 ? 'it' : 'them'} done with: ${redoCommand(execution, ids)}; or correct the runbook, and: ${redoCommand(execution, [])}`;

const driftTrouble = (step: PlannedStep, operation: Operation, { run, rehearsal, host }: Execution): Trouble =>
  trouble(
    'drift',
    `step "${step.id}" would now do what the plan does not hold: ${operationWords(operation).join(' ')}`,
    rehearsal
      ? `Make a new plan with: decom plan ${host}`
      : `See the difference and agree to it with: decom replan ${run}`,
  );
