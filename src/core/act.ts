import type { Direction } from './event.ts';
import type { BegunOutcome, Operation } from './operation.ts';
import type { Result, Trouble } from './result.ts';

/** Where an act on the host is kept so that it can be found again: in one life of the machine, in one folder of it. */
export interface There {
  /** `/proc/sys/kernel/random/boot_id` when it was prepared; another one means that what ran then does not run any more. */
  readonly boot: string;
  /** Absolute folder of the step on the host. */
  readonly folder: string;
}

/** One operation of a run as the host knows it. */
export interface Act extends There {
  /** `<attempt>.<n>`, of a rollback `back.<attempt>.<n>`. */
  readonly name: string;
}

/** An operation by its place in the log. */
export interface ActPlace {
  readonly run: string;
  readonly step: string;
  readonly direction: Direction;
  readonly attempt: number;
  readonly n: number;
}

export const actOf = (there: There, { direction, attempt, n }: ActPlace): Act => ({
  ...there,
  name: `${direction === 'back' ? 'back.' : ''}${attempt}.${n}`,
});

/** How acts on the host are begun so that they outlive the connection and this process, and how they are found again. */
export interface Acts {
  /**
   * Where an operation will be kept, asked before it is recorded as intended. Null where it is none that can be found again: what copies
   * data is begun anew instead. A trouble means that nothing was begun.
   */
  prepare(operation: Operation, place: ActPlace): Promise<Result<There | null>>;
  /**
   * What became of an act that was begun: its outcome, which is waited for while it still runs; that it never began and never will; or that
   * the host cannot be asked now. An `unknown` outcome is in doubt.
   */
  recall(operation: Operation, act: Act, context: ActContext): Promise<Recalled>;
  /** Removes what the acts of a run left on the host. What cannot be removed stays; nothing depends on it. */
  forget(run: string): Promise<void>;
}

export type Recalled =
  | BegunOutcome
  | { readonly outcome: 'never' }
  | { readonly outcome: 'unreached'; readonly trouble: Trouble };

export interface ActContext {
  readonly signal: AbortSignal;
}
