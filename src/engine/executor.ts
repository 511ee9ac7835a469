import type { Acts } from '../core/act.ts';
import type { Perform } from '../core/action.ts';
import type { Claims } from '../core/claim.ts';
import type { Trouble } from '../core/result.ts';

/** The one door to the world. A rehearsal's executor is not real: it is never asked to perform. */
export interface Executor {
  readonly real: boolean;
  readonly perform: Perform;
  /** Finds acts again that outlived their connection; absent where nothing does. */
  readonly acts?: Acts;
  /** Takes back what let helpers in for copies that were begun and never ended; what could not be taken back. Absent where there are no helpers. */
  readonly dismiss?: (run: string, copies: readonly string[]) => Promise<readonly Trouble[]>;
  /** This run's claim on its host; absent where nobody else could come. */
  readonly claims?: Claims;
}
