import type { AnyAction } from '../core/action.ts';
import { durationText } from '../core/duration.ts';
import type { Demand, Evidence, EvidenceKind } from '../core/evidence.ts';
import { type Execution, stepState, type WritersStarted } from '../core/execution.ts';
import type { Json } from '../core/json.ts';
import { mayStartWriters } from '../core/may-start-writers.ts';
import { matchesPlanned, type Operation } from '../core/operation.ts';
import { operationWords } from '../core/operation-words.ts';
import { startsAgainWords, yielderMissing } from '../core/order.ts';
import type { PlannedStep } from '../core/plan.ts';
import { type Trouble, trouble } from '../core/result.ts';
import type { StepsOf } from '../core/step-digest.ts';
import { redoCommand, stepsToRedo } from './redo.ts';
import { boundToBoot, cannotBeAnew, isAsSaid, isOfDone, ofBoot, outdatedTrouble } from './standing.ts';

const timeText = (e: Evidence): string => (e.kind === 'restore.proven' ? e.manifest_started : e.at);

/** The moment that a piece of evidence speaks of: for a restore proof, when its manifest's reading began. */
const momentOf = (e: Evidence): number => Date.parse(timeText(e));

/** Whether a piece of evidence is of the full kind: a read-back, a sample, or a proof of all but some files never satisfies a gate. */
const isFull = (e: Evidence): boolean =>
  e.kind !== 'restore.proven' || (e.level === 'restored' && !e.sampled && e.unproven === undefined);

const partText = (e: Evidence): string =>
  e.kind === 'restore.proven' && e.unproven !== undefined
    ? `${e.unproven} of ${e.copy} vanished while they were copied`
    : `step "${e.step}" looked at a part`;

/** How far a clock may be behind the one that a moment was written by, in milliseconds. */
const clockSkew = 60_000;

/** What could yield a kind of evidence: the kinds of step that do, and steps before this one that would have, and were skipped. */
export interface Yielding {
  readonly kinds: readonly string[];
  readonly skipped: readonly string[];
}

/** The kinds of step that yield a kind of evidence. */
export const yieldersOf = (actions: readonly AnyAction[], kind: EvidenceKind): readonly string[] =>
  actions.filter((action) => action.yields?.includes(kind)).map((action) => action.kind);

export function yieldingOf(
  actions: readonly AnyAction[],
  before: readonly PlannedStep[],
  execution: Execution,
  kind: EvidenceKind,
): Yielding {
  const kinds = yieldersOf(actions, kind);
  const skipped = before.filter(
    ({ id, uses }) => kinds.includes(uses) && stepState(execution, id).forth.status === 'skipped',
  );
  return { kinds, skipped: skipped.map(({ id }) => id) };
}

/**
 * Why a demand is not met by what the journal holds of steps that the plan in force has; undefined when it is. `assumed` are kinds that a rehearsal's earlier steps
 * would have yielded.
 */
export function unmetDemand(
  demand: Demand,
  plan: StepsOf,
  execution: Execution,
  now: Date,
  assumed: ReadonlySet<string>,
  yielding: Yielding,
): Trouble | undefined {
  if (assumed.has(demand.kind)) return undefined;
  const ever = execution.evidence.filter(
    (e) => e.kind === demand.kind && e.host_serial === execution.serial && isOfDone(e, execution),
  );
  const all = ever.filter((e) => isAsSaid(e, plan));
  if (all.length === 0 && ever.length > 0) return outdatedTrouble(demand, plan, execution, ever);
  const mine = all.filter(isFull);
  if (mine.length === 0 && all.length > 0) {
    return trouble(
      'evidence-partial',
      `the evidence "${demand.kind}" is not of every file: ${all.map(partText).join(', ')}`,
      `Something may still write there: stop it, then copy and prove once more, with: ${redoCommand(execution, stepsToRedo(execution, [demand.kind]))}`,
      demand.why,
    );
  }
  // A moment that cannot be read, or that is still to come, tells no age: such evidence is none.
  const timely = mine.filter((e) => momentOf(e) <= now.getTime() + clockSkew);
  const boot = execution.evidence.findLast((e) => e.kind === 'identity.confirmed')?.boot;
  const valid = timely.filter((e) => !boundToBoot.has(e.kind) || e.boot === boot);
  const started = demand.kind === 'writers.stopped' ? execution.writersStarted : null;
  const standing = valid.filter((e) => started === null || execution.evidence.indexOf(e) >= started.evidence);
  if (standing.length === 0 && valid.length > 0 && started !== null) return startedTrouble(demand, execution, started);
  const cut = demand.uncut === true ? execution.cutOff : null;
  const before = standing.filter((e) => cut === null || execution.evidence.indexOf(e) < cut.evidence);
  if (before.length === 0 && standing.length > 0 && cut !== null) return lateTrouble(demand, execution, cut.step);
  const newest = before.reduce((best, e) => Math.max(best, momentOf(e)), Number.NEGATIVE_INFINITY);
  if (newest === Number.NEGATIVE_INFINITY && timely.length > 0) {
    return trouble(
      'evidence-rebooted',
      `the host was booted since the evidence "${demand.kind}" was taken`,
      `Its services may have run again: stop them, copy and prove once more, with: ${redoCommand(execution, stepsToRedo(execution, ofBoot))}`,
      demand.why,
    );
  }
  if (newest === Number.NEGATIVE_INFINITY && mine.length > 0) {
    return trouble(
      'evidence-time',
      `the time of the evidence "${demand.kind}" is no time in the past: ${mine.map(timeText).join(', ')}`,
      `Check this machine's clock and the copy's copy.json, then have it done once more, with: ${redoCommand(execution, stepsToRedo(execution, [demand.kind]))}`,
      demand.why,
    );
  }
  if (newest === Number.NEGATIVE_INFINITY) {
    return trouble(
      'evidence-missing',
      `no evidence "${demand.kind}" in this run`,
      yielding.skipped.length === 0 || execution.rehearsal
        ? `${yielderMissing(yielding.kinds)}${execution.rehearsal ? '' : ` Then: ${redoCommand(execution, [])}`}`
        : `${yielding.kinds.join(' or ')} yields it. It was skipped; have it done with: ${redoCommand(execution, yielding.skipped)}`,
      demand.why,
    );
  }
  const age = now.getTime() - newest;
  if (age > demand.maxAge) {
    return trouble(
      'evidence-old',
      `the evidence "${demand.kind}" is ${durationText(age)} old; the limit is ${durationText(demand.maxAge)}`,
      cut !== null
        ? cannotBeAnew(execution)
        : `Have it made anew: ${redoCommand(execution, stepsToRedo(execution, [demand.kind]))}`,
      demand.why,
    );
  }
  const unseen = disksUnseen(
    demand,
    standing.findLast(({ kind }) => kind === demand.kind),
  );
  if (unseen !== undefined) return unseen;
  if (demand.after !== undefined && !before.some((e) => isAfter(e, demand.after, execution))) {
    return trouble(
      'evidence-early',
      `the evidence "${demand.kind}" is of a time before the last "${demand.after}"`,
      `Put a copy and its proof after the step that yields "${demand.after}".`,
      demand.why,
    );
  }
  return undefined;
}

/** A disk is told by its serial or not at all: names like /dev/sda change from boot to boot. */
function disksUnseen({ disks, why }: Demand, newest: Evidence | undefined): Trouble | undefined {
  if (disks === undefined) return undefined;
  const there = newest?.kind === 'identity.confirmed' ? (newest.disks ?? []) : [];
  const absent = disks.filter((serial) => !there.includes(serial));
  if (disks.length > 0 && absent.length === 0) return undefined;
  return trouble(
    'disk-unseen',
    disks.length === 0
      ? 'no disk is named, and that is never all of them'
      : `no disk of the inventory with the serial ${absent.join(', ')} was seen in the machine`,
    'Name disks by the serials that their labels bear, in the step and in hosts.yaml under "disks"; then plan anew.',
    why,
  );
}

/** Whether a piece of evidence is, all by itself, what a demand asks for. */
export function isGoodFor(e: Evidence, demand: Demand, plan: StepsOf, execution: Execution, now: Date): boolean {
  const boot = execution.evidence.findLast(({ kind }) => kind === 'identity.confirmed')?.boot;
  const age = now.getTime() - momentOf(e);
  return (
    e.kind === demand.kind &&
    e.host_serial === execution.serial &&
    isOfDone(e, execution) &&
    isAsSaid(e, plan) &&
    isFull(e) &&
    age >= -clockSkew &&
    age <= demand.maxAge &&
    (!boundToBoot.has(e.kind) || e.boot === boot) &&
    (demand.after === undefined || isAfter(e, demand.after, execution))
  );
}

/**
 * Whether a piece of evidence is of a time after the last one of a kind. Of a copy that was begun in this run the order of the lines says it, as
 * clocks jump; of another one only its time does.
 */
function isAfter(e: Evidence, kind: EvidenceKind | undefined, { evidence, copiesBegun }: Execution): boolean {
  const last = evidence.findLastIndex((other) => other.kind === kind);
  const begun = e.kind === 'restore.proven' ? copiesBegun[e.copy] : undefined;
  if (begun !== undefined) return last < begun;
  return evidence.every((other) => other.kind !== kind || momentOf(other) <= momentOf(e));
}

/** The step after the last one that stops writers, and before the one that demands it, that may start some again. */
export const startsAgain = (demand: Demand, before: readonly PlannedStep[], stops: number): PlannedStep | undefined =>
  demand.kind === 'writers.stopped'
    ? before.slice(stops + 1).find((step) => step.operations?.some(mayStartWriters))
    : undefined;

/** What such an order is told as, before anything of it is done. */
export function startsAgainTrouble(step: { readonly id: string }, demand: Demand, starter: PlannedStep): Trouble {
  const { and, fix } = startsAgainWords(starter.id, demand.kind);
  return trouble('order', `step "${step.id}" demands "${demand.kind}", and ${and}`, fix, demand.why);
}

/** Who was cut off cannot be seen any more. */
const lateTrouble = (demand: Demand, execution: Execution, step: string): Trouble =>
  trouble(
    'evidence-late',
    `the evidence "${demand.kind}" was taken after step "${step}" had cut off whoever it looks for`,
    cannotBeAnew(execution),
    demand.why,
  );

const startedTrouble = (demand: Demand, execution: Execution, { step, operation }: WritersStarted): Trouble =>
  trouble(
    'evidence-void',
    `the evidence "${demand.kind}" no longer holds: step "${step}" was begun on the host after it (${operationWords(operation).join(' ')}), and may have started something that writes`,
    `Stop what it started; then stop, copy and prove once more, with: ${redoCommand(execution, stepsToRedo(execution, ofBoot))}`,
    demand.why,
  );

/** The first fresh operation that the plan does not hold. A subset of what was planned is no drift: it is already so. */
export function drifted(step: PlannedStep, fresh: readonly Operation[]): Operation | undefined {
  const planned = step.operations ?? [];
  return fresh.find(
    (operation) => !planned.some((p) => matchesPlanned(p as unknown as Json, operation as unknown as Json)),
  );
}
