import type { Recorded } from './event.ts';
import { type Execution, emptyExecution } from './execution.ts';
import { after, type Own } from './fold-event.ts';

/** One event further. Pure and total: every journal that reads well folds. */
export const fold = (execution: Execution, event: Recorded): Execution => after(execution, event, new Set());

/** The whole history in one value. */
export const foldAll = (events: Iterable<Recorded>): Execution => {
  const folded = folding();
  for (const event of events) folded.add(event);
  return folded.execution();
};

/** Folds events as they come, in time that is proportional to their number. */
export interface Folding<Folded = Execution> {
  /** False for an event of an unknown type. Throws where one lacks what its type has; nothing has been changed then. */
  add(event: Recorded): boolean;
  /** What they have come to so far; what is added later does not change it. */
  execution(): Folded;
}

export const folding = (): Folding => foldingBy(() => undefined);

/** What grows with a run, and what is told by it. */
type Steps = 'steps' | 'evidence' | 'copiesBegun' | 'writersStarted' | 'statements' | 'approvals' | 'ticks';

/** What a log has come to as a whole, without its steps. */
export type RunFold = Omit<Execution, Steps>;

/** Forgets the steps on the way, which nothing else of a run depends on, and so needs the same memory for any number of events. */
export function runFolding(): Folding<RunFold> {
  const { steps, evidence, copiesBegun, writersStarted, statements, approvals, ticks } = emptyExecution;
  const forgotten = { steps, evidence, copiesBegun, writersStarted, statements, approvals, ticks };
  let since = 0;
  return foldingBy((execution) => {
    since = (since + 1) % 1024;
    return since === 0 ? { ...execution, ...forgotten } : undefined;
  });
}

/** `instead` may go on from something else than what was folded. */
function foldingBy(instead: (folded: Execution) => Execution | undefined): Folding {
  let execution = emptyExecution;
  const own: Own = new Set();
  return {
    add(event) {
      const folded = after(execution, event, own) as Execution | undefined;
      if (folded === undefined) return false;
      const other = instead(folded);
      if (other !== undefined) own.clear();
      execution = other ?? folded;
      return true;
    },
    execution() {
      own.clear();
      return execution;
    },
  };
}
