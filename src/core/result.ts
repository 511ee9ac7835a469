import type { BlobRef } from './blob.ts';

/** The two ends of an attempt whose failure is expected. Thrown errors mean a bug (house rule 6). */
export type Result<T, E = Trouble> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const fail = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });

/**
 * Expected trouble, in words an operator can act on.
 * `code` is stable and kebab-case (`host-key-changed`, `bmc-refused`); `what` says what failed and where; `fix` says what to do now.
 */
export interface Trouble {
  readonly code: string;
  readonly what: string;
  readonly fix: string;
  readonly detail?: string;
  /** A longer record of it, kept beside the log. */
  readonly blob?: BlobRef;
}

export const trouble = (code: string, what: string, fix: string, detail?: string): Trouble =>
  detail === undefined ? { code, what, fix } : { code, what, fix, detail };

/** A fact as a probe brought it back. "Could not ask" is a value of its own and never counts as "no" (house rule 7). */
export type Seen<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly trouble: Trouble };

export const seen = <T>(value: T): Seen<T> => ({ known: true, value });
export const unseen = <T = never>(why: Trouble): Seen<T> => ({ known: false, trouble: why });
