import { type CopyProved, type Coverage, copyProved, coverageOf, fileSystemWords } from '../core/coverage.ts';
import type { Demand } from '../core/evidence.ts';
import type { Execution } from '../core/execution.ts';
import { makesCopy, type OperationOf, unknownSources } from '../core/operation.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { CopyDescription } from '../core/probe.ts';
import { type Trouble, trouble } from '../core/result.ts';
import { shellWord } from '../core/shell-word.ts';
import type { StepsOf } from '../core/step-digest.ts';
import { isGoodFor } from './gates.ts';
import type { Drive } from './run-step.ts';
import { coverageGate, waiverOf } from './waiver.ts';

type Uncovered = Extract<Coverage, { readonly covered: 'no' }>;

/** The file systems of which something would be lost. */
export const uncoveredIn = (coverage: readonly Coverage[]): readonly Uncovered[] =>
  coverage.filter((one): one is Uncovered => one.covered === 'no');

/** The proofs of a run that are, each by itself, what a demand asks for. One that somebody answered for as a whole counts as it is. */
export const provedIn = (
  demand: Demand,
  plan: StepsOf,
  execution: Execution,
  now: Date,
  answered: boolean,
): readonly CopyProved[] =>
  execution.evidence.flatMap((e) =>
    e.kind === 'restore.proven' && (answered || isGoodFor(e, demand, plan, execution, now))
      ? [copyProved(e, execution)]
      : [],
  );

/**
 * What the steps of a plan will have proved: the copies that a restore is planned of, once writers are stopped. One that is there already is told by its
 * description (`made`, by the step that proves it).
 */
export function foreseenProofs(
  before: readonly PlannedStep[],
  made: { readonly [proof: string]: CopyDescription },
  stops: (step: PlannedStep) => boolean,
): readonly CopyProved[] {
  const stopped = before.findLastIndex(stops);
  return before.flatMap(({ id, operations }): readonly CopyProved[] =>
    (operations ?? []).flatMap((operation): readonly CopyProved[] => {
      if (operation.kind !== 'copy.restore') return [];
      const { copy } = operation;
      const there = made[id];
      if (there !== undefined) {
        const { from, exclude, file_systems = [] } = there;
        return [{ step: id, copy, paths: from, exclude, file_systems }];
      }
      const sources = unknownSources(copy);
      return before.flatMap((step, at): readonly CopyProved[] =>
        at <= stopped
          ? []
          : (step.operations ?? []).flatMap((one) =>
              makesCopy(one) && (one.to === copy || sources.includes(step.id))
                ? [{ step: step.id, copy, ...pathsOf(one), file_systems: 'foreseen' }]
                : [],
            ),
      );
    }),
  );
}

/** A dump of databases is of no path: a file system is never covered by what a program chose to say of it. */
const pathsOf = (
  one: OperationOf<'copy.archive' | 'copy.rsync' | 'copy.databases'>,
): Pick<CopyProved, 'paths' | 'exclude'> =>
  one.kind === 'copy.databases' ? { paths: [], exclude: [] } : { paths: one.from, exclude: one.exclude };

/**
 * Asks the host which file systems with data it has now, and shuts the gate where one of them is in no proved copy, is not named in `not_kept`, and nobody
 * answers for it. What was seen is recorded before it is judged. Undefined where the gate is open.
 */
export async function keepsEverything(
  drive: Drive,
  step: PlannedStep,
  demand: Demand,
  passed: Set<string>,
): Promise<Trouble | undefined> {
  const { engine, journal, plan } = drive;
  const at = { step: step.id, direction: 'forth' } as const;
  // The moment at which the proofs were found fresh: a clock that is set meanwhile changes nothing of them.
  const now = engine.clock.now();
  const seen = await engine.probe({ kind: 'host.storage' });
  if (!seen.known) return unknownStorage(seen.trouble);
  const file_systems = seen.value.file_systems;
  if (JSON.stringify(file_systems).length > roomInLine) return tooMany(file_systems.length, journal.execution);
  journal.record({ ...at, type: 'storage.seen', file_systems });
  const { execution } = journal;
  const answered = waiverOf(execution, step.id, demand.kind) !== undefined;
  const proved = provedIn(demand, plan.intent, execution, now, answered);
  const missing: Uncovered[] = [];
  for (const one of uncoveredIn(coverageOf(file_systems, proved, plan.intent.not_kept ?? []))) {
    const gate = coverageGate(one.of.at);
    const waiver = waiverOf(execution, step.id, gate);
    if (waiver === undefined) {
      missing.push(one);
      continue;
    }
    if (passed.has(gate)) continue;
    passed.add(gate);
    const { by, text: reason, id: statement } = waiver;
    const why = notCovered([one], demand, fixInRun(execution, step.id, [one]));
    journal.record({ ...at, type: 'gate.waived', gate, by, reason, statement, trouble: why });
  }
  return missing.length === 0 ? undefined : notCovered(missing, demand, fixInRun(execution, step.id, missing));
}

/** Below the greatest length of a line of the log, with room for all that stands around it. */
const roomInLine = 60_000;

export const unknownStorage = (why: Trouble): Trouble =>
  trouble(why.code, `whether every file system with data is kept is not known: ${why.what}`, why.fix, why.detail);

const tooMany = (count: number, { run }: Execution): Trouble =>
  trouble(
    'too-many-file-systems',
    `the host has ${count} file systems, and a line of the log cannot hold them`,
    `Unmount, or destroy, those that are not needed; then: decom resume ${run}`,
  );

/** What a gate or a plan is blocked by: each file system with how much is in it, and why it is not kept. */
export const notCovered = (missing: readonly Uncovered[], demand: Demand, fix: string): Trouble =>
  trouble(
    'not-covered',
    `${missing.length === 1 ? 'a file system with data is' : `${missing.length} file systems with data are`} in no proved copy: ${missing.map(({ of, why }) => `${fileSystemWords(of)}: ${why}`).join('; ')}`,
    fix,
    demand.why,
  );

const fixInRun = ({ run }: Execution, step: string, missing: readonly Uncovered[]): string =>
  `Copy it with a step of the runbook and prove that copy, or name it there under not_kept with who decided so and why; then: decom replan ${run}. Or somebody answers for it: ${missing.map(({ of }) => waiveCommand(run, step, of.at)).join('; ')}`;

/** The command by which somebody answers for one file system. */
export const waiveCommand = (run: string, step: string, path: string): string =>
  `decom waive ${run} ${shellWord(`${step}:${path}`)} --reason TEXT`;

/** The same before anything has begun. */
export const fixInPlan =
  'Copy it with a step of the runbook, after what stops the writers, and prove that copy; or name it under not_kept with who decided so and why.';
