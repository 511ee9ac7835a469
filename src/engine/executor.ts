import type { Acts } from '../core/act.ts';
import type { Perform } from '../core/action.ts';
import type { Claims } from '../core/claim.ts';

/** The one door to the world. A rehearsal's executor is not real: it is never asked to perform. */
export interface Executor {
  readonly real: boolean;
  readonly perform: Perform;
  /** Finds acts again that outlived their connection; absent where nothing does. */
  readonly acts?: Acts;
  /** This run's claim on its host; absent where nobody else could come. */
  readonly claims?: Claims;
}
