import { type Coverage, coverageOf } from '../core/coverage.ts';
import type { Demand } from '../core/evidence.ts';
import type { Blocker, PlanFacts, PlannedStep } from '../core/plan.ts';
import type { CopyDescription, FileSystem } from '../core/probe.ts';
import { type Seen, seen, type Trouble } from '../core/result.ts';
import type { Runbook } from '../core/runbook.ts';
import { fixInPlan, foreseenProofs, notCovered, uncoveredIn, unknownStorage } from './coverage-gate.ts';
import { actionOf, type Engine } from './engine.ts';
import type { Drive } from './run-step.ts';
import { stepsBefore } from './steps-before.ts';

interface Foreseen {
  /** Absent where no step asks for it. */
  readonly seen?: Seen<readonly Coverage[]>;
  readonly blockers: readonly Blocker[];
}

/**
 * How the steps of a plan would keep each file system with data, before the first step that asks for all of them: the host may have others by then, so the gate
 * asks anew.
 */
export async function coverageFor(
  engine: Engine,
  runbook: Pick<Runbook, 'not_kept'>,
  steps: readonly PlannedStep[],
  made: { readonly [proof: string]: CopyDescription },
  identity: PlanFacts['identity'],
): Promise<Foreseen> {
  const asks = (step: PlannedStep): Demand | undefined =>
    actionOf(engine, step)
      .demands?.(step.with)
      .find(({ covers }) => covers !== undefined);
  const step = steps.find((one) => asks(one) !== undefined);
  const demand = step === undefined ? undefined : asks(step);
  if (step === undefined || demand === undefined) return { blockers: [] };
  const storage = await fileSystems(engine, identity);
  if (storage === undefined) return { blockers: [] };
  // A host that cannot be asked blocks the steps that need it, and is told there.
  if (!storage.known)
    return {
      seen: storage,
      blockers: identity.known ? [{ step: step.id, trouble: unknownStorage(storage.trouble) }] : [],
    };
  const proofs = foreseenProofs(steps.slice(0, steps.indexOf(step)), made, stopsFor(engine, demand));
  const coverage = coverageOf(storage.value, proofs, runbook.not_kept ?? []);
  const missing = uncoveredIn(coverage);
  // Where no copy at all is proved, that is told already: the demand's own fault.
  const blockers =
    missing.length === 0 || proofs.length === 0
      ? []
      : [{ step: step.id, trouble: notCovered(missing, demand, fixInPlan) }];
  return { seen: seen(coverage), blockers };
}

/** The same in a rehearsal, whose copies are not made: what the plan saw to be there already counts as it was then. */
export async function foreseenGap(drive: Drive, step: PlannedStep, demand: Demand): Promise<Trouble | undefined> {
  const { engine, plan } = drive;
  const storage = await fileSystems(engine, plan.facts.identity);
  if (storage === undefined) return undefined;
  if (!storage.known) return unknownStorage(storage.trouble);
  const proofs = foreseenProofs(stepsBefore(drive, step), {}, stopsFor(engine, demand));
  const before = plan.facts.coverage?.known === true ? plan.facts.coverage.value : [];
  const missing = uncoveredIn(coverageOf(storage.value, proofs, plan.intent.not_kept ?? [])).filter(
    ({ of }) => !before.some((one) => one.covered === 'copied' && one.of.at === of.at && one.of.id === of.id),
  );
  return missing.length === 0 ? undefined : notCovered(missing, demand, fixInPlan);
}

const stopsFor =
  (engine: Engine, demand: Demand) =>
  (step: PlannedStep): boolean =>
    demand.after !== undefined && (actionOf(engine, step).yields ?? []).includes(demand.after);

/** Undefined where the facts are of a plan that did not ask. */
async function fileSystems(
  engine: Engine,
  identity: PlanFacts['identity'],
): Promise<Seen<readonly FileSystem[]> | undefined> {
  const { borrowed } = engine;
  if (borrowed !== undefined)
    return borrowed.coverage?.known === true ? seen(borrowed.coverage.value.map(({ of }) => of)) : borrowed.coverage;
  if (!identity.known) return identity;
  const storage = await engine.probe({ kind: 'host.storage' });
  return storage.known ? seen(storage.value.file_systems) : storage;
}
