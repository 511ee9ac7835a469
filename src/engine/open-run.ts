import type { Breach, Head } from '../core/chain.ts';
import type { Execution } from '../core/execution.ts';
import { folding } from '../core/fold.ts';
import { intentDigest, type Plan } from '../core/plan.ts';
import type { Clock, JournalStore, RunFolder, Tell } from '../core/ports.ts';
import { logReader } from '../core/read-log.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import { type Journal, openJournal } from './journal.ts';

/** A run as its files tell it, read only. `torn` bytes at the end are what a crash left. */
export interface RunRead {
  readonly folder: RunFolder;
  readonly plan: Plan;
  readonly execution: Execution;
  readonly head: Head;
  readonly torn: number;
}

export interface OpenRun {
  readonly folder: RunFolder;
  readonly plan: Plan;
  readonly journal: Journal;
  readonly store: JournalStore;
}

/** What a broken log is told as. Nothing may go on from such a log. */
export const brokenLog = (folder: RunFolder, breach: Breach): Trouble =>
  trouble(
    'log-broken',
    `${folder.path}/audit.jsonl, line ${breach.line}: ${breach.what}`,
    'Nothing can go on from this log. Keep the folder as it is, and find out who changed it; a copy of the head tells which lines are good.',
  );

/**
 * A run whose first lines were never written has begun nothing, and so has written nothing into `out/`. Where something is there, the
 * lines that refer to it were removed, which no crash does.
 */
export function linesRemoved(folder: RunFolder, execution: Pick<Execution, 'run'>): Breach | undefined {
  if (execution.run !== '' || folder.blobs().names().length === 0) return undefined;
  return { line: 1, what: 'the log lacks its first lines, though its folder holds what later ones refer to' };
}

/** Reads a run without taking it up. */
export function readRun(folder: RunFolder): Result<RunRead> {
  const first = folder.firstPlan();
  if (!first.ok) return first;
  const folded = folding();
  const reader = logReader(intentDigest(first.value), folded);
  for (;;) {
    const bytes = folder.log(reader.at);
    if (!bytes.ok) return bytes;
    if (!reader.take(bytes.value)) break;
  }
  const { head, torn, breach } = reader.reading();
  if (breach !== undefined) return fail(brokenLog(folder, breach));
  const execution = folded.execution();
  const removed = linesRemoved(folder, execution);
  if (removed !== undefined) return fail(brokenLog(folder, removed));
  const moved = movedTrouble(folder, first.value, execution);
  if (moved !== undefined) return fail(moved);
  const plan = planInForce(folder, first.value, execution);
  if (!plan.ok) return plan;
  return ok({ folder, plan: plan.value, execution, head, torn });
}

/** Opens a run to go on with it: repairs a torn tail, refuses a broken log or a plan that is not the one in force. */
export function openRun(folder: RunFolder, clock: Clock, tell: Tell): Result<OpenRun> {
  // Everything is judged before anything is repaired.
  const read = readRun(folder);
  if (!read.ok) return read;
  const first = folder.firstPlan();
  if (!first.ok) return first;
  const store = folder.openJournal();
  if (!store.ok) return store;
  const opened = openJournal(store.value, intentDigest(first.value), clock, tell);
  if (!opened.ok) {
    store.value.close();
    return fail(brokenLog(folder, opened.breach));
  }
  return ok({ folder, plan: read.value.plan, journal: opened.journal, store: store.value });
}

/**
 * Why a folder is not the run's own: a copy of it, or one that was moved to another host's, would do the same acts again, or do them to
 * another machine. A rehearsal's folder has an id of its own.
 */
function movedTrouble(folder: RunFolder, first: Plan, execution: Execution): Trouble | undefined {
  const run = folder.rehearsal ? folder.run : first.intent.id;
  const { name } = first.intent.host;
  if (folder.run === run && folder.host === name && (execution.run === '' || execution.run === first.intent.id)) {
    return undefined;
  }
  return trouble(
    'log-moved',
    `${folder.path} holds run ${first.intent.id} of ${name}: it was copied or moved there`,
    `Nothing goes on from it. Move it back to runs/${name}/${first.intent.id}, or out of the state folder if it is a copy.`,
  );
}

/** The plan that the log names last; its file must hash to what the log says. */
function planInForce(folder: RunFolder, first: Plan, execution: Execution): Result<Plan> {
  if (execution.intent === '' || execution.intent === intentDigest(first)) return ok(first);
  const amended = folder.plan(execution.plan);
  if (!amended.ok) return amended;
  if (intentDigest(amended.value) === execution.intent) return amended;
  return fail(
    trouble(
      'log-broken',
      `the plan ${execution.plan} in ${folder.path} is not the one that the audit log names`,
      'Nothing can go on from this plan. Keep the folder as it is, and find out who changed it.',
    ),
  );
}
