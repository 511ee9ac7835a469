import type { ApprovalsWanted } from './approval.ts';
import type { NotKept } from './coverage.ts';
import type { Json } from './json.ts';
import type { Window } from './window.ts';

/** A place in a source file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type ParamType = 'string' | 'integer' | 'boolean' | 'list' | 'duration' | 'secret';

/** A parameter of a runbook. `list` is a list of strings; `secret` holds a reference, never a value. */
export interface Param {
  readonly type: ParamType;
  readonly description?: string;
  readonly required: boolean;
  readonly default?: Json;
  readonly place: Place;
}

export interface RetryPolicy {
  readonly attempts: number;
  /** Milliseconds between attempts. */
  readonly delay: number;
}

export type OnFailure = 'stop' | 'ask' | 'continue';

/** A step as written: `with` still holds its `${{ }}` references, and every scalar is still text. */
export interface Step {
  readonly id: string;
  readonly phase: string;
  readonly title: string;
  readonly uses: string;
  readonly with: Json;
  readonly when?: string;
  readonly needs: readonly string[];
  /** Milliseconds. */
  readonly timeout?: number;
  readonly retry?: RetryPolicy;
  readonly on_failure: OnFailure;
  /** Its own, else that of its phase, else that of the runbook. */
  readonly window?: Window;
  /** Who has to approve the plan before it begins. */
  readonly approvals?: ApprovalsWanted;
  readonly place: Place;
}

export interface Phase {
  readonly phase: string;
  readonly title: string;
  readonly steps: readonly Step[];
}

/** A composed runbook: phases that were used from other files stand in place. */
export interface Runbook {
  readonly name: string;
  readonly title: string;
  readonly params: { readonly [name: string]: Param };
  readonly phases: readonly Phase[];
  /** File systems that nothing of is kept, on purpose; absent where none is named. */
  readonly not_kept?: readonly NotKept[];
  /** The files it was read from and the SHA-256 of each one's bytes. */
  readonly sources: readonly { readonly file: string; readonly sha256: string }[];
}

export const stepsOf = (runbook: Runbook): readonly Step[] => runbook.phases.flatMap((phase) => phase.steps);
