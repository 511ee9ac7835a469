import type { There } from './act.ts';
import type { ApprovalsWanted } from './approval.ts';
import type { BlobRef } from './blob.ts';
import type { Claim } from './claim.ts';
import type { Evidence } from './evidence.ts';
import type { Json } from './json.ts';
import type { Operation, Receipt } from './operation.ts';
import type { Precondition } from './precondition.ts';
import type { FileSystem } from './probe.ts';
import type { Trouble } from './result.ts';
import type { Statement } from './statement.ts';

/** `forth` drives the plan; `back` is the rollback of a step. */
export type Direction = 'forth' | 'back';

/** Where another run's log stood. */
export interface KeptHead {
  readonly run: string;
  readonly size: number;
  readonly hash: string;
}

interface OfStep {
  readonly step: string;
  readonly direction: Direction;
}

/**
 * Everything that can happen in a run. The union is closed; each is one line of the journal. Times are on the line (`ts`),
 * not in the event.
 */
export type Event =
  /** A process took the run up. `pid` and `boot` are of the machine that drives. */
  | {
      readonly type: 'session.opened';
      readonly operator: string;
      readonly control: string;
      readonly pid: number;
      readonly tool: string;
      readonly unattended: boolean;
      /** The key that signs every further line of this process, and the person who vouches for it by signing this one. */
      readonly seal?: { readonly key: string; readonly principal: string };
    }
  | { readonly type: 'session.closed'; readonly why: string; readonly exit: number }
  /** First line after the first `session.opened`. */
  | {
      readonly type: 'run.opened';
      readonly run: string;
      readonly rehearsal: boolean;
      readonly host: string;
      readonly serial: string;
      readonly plan: string;
      readonly intent: string;
      readonly runbook: string;
      readonly ticket: string | null;
      readonly reason: string | null;
      readonly responsible: string | null;
      /** The head of the run before it in the same state folder, kept here so that its log cannot be rebuilt unseen. */
      readonly previous?: KeptHead;
    }
  /** The host holds this run's claim from now on. */
  | { readonly type: 'host.claimed'; readonly where: string }
  /** A claim of another run is put away by a person who answers for it; recorded before it is done. */
  | { readonly type: 'claim.taken-over'; readonly was: Claim; readonly by: string; readonly reason: string }
  /** The host found room under a cap: `changed` before the run’s first change, `ended` before its first irreversible step. `others`: how many counted then. */
  | (OfStep & {
      readonly type: 'host.counted';
      readonly as: 'changed' | 'ended';
      readonly others: number;
      readonly cap: number;
    })
  /** Somebody answers for the lines up to that number, of which no listed person vouches for some. */
  | { readonly type: 'unsigned.accepted'; readonly lines: number; readonly by: string; readonly reason: string }
  /** A person lets this run begin although the caps are reached, up to so many hosts. */
  | { readonly type: 'caps.raised'; readonly to: number; readonly by: string; readonly reason: string }
  /** A head of this log was handed to what keeps it elsewhere; `answer` is what that said of it. */
  | { readonly type: 'head.kept'; readonly size: number; readonly hash: string; readonly answer: BlobRef }
  | { readonly type: 'head.not-kept'; readonly size: number; readonly hash: string; readonly trouble: Trouble }
  /** A torn tail was cut back to the last good line; what was cut is kept in `kept`. */
  | { readonly type: 'log.repaired'; readonly bytes: number; readonly kept: string }
  /** What a person said about the run, with their signature over it; null where logs are not signed. */
  | { readonly type: 'statement.taken'; readonly statement: Statement; readonly signed: string | null }
  /** A file of the inbox that was not taken, and why; it is kept in `inbox/refused`. */
  | { readonly type: 'statement.refused'; readonly file: string; readonly sha256: string; readonly trouble: Trouble }
  | (OfStep & { readonly type: 'step.started'; readonly attempt: number })
  /** What was seen before the first act, and what is about to be done. */
  | (OfStep & {
      readonly type: 'step.planned';
      readonly attempt: number;
      readonly before: BlobRef;
      readonly operations: readonly Operation[];
    })
  /** A person, or an answer given beforehand, let the step begin. `typed` holds the serial of irreversible ones. */
  | (OfStep & {
      readonly type: 'step.agreed';
      readonly by: string;
      readonly how: 'asked' | 'typed' | 'beforehand';
      readonly typed: string | null;
    })
  | (OfStep & {
      readonly type: 'operation.intended';
      readonly attempt: number;
      readonly n: number;
      readonly operation: Operation;
      /** Where the host keeps it, if it can be found again there. */
      readonly there?: There;
      /** What the host must say of itself in the same command, or it is not begun. */
      readonly precondition?: Precondition;
    })
  | (OfStep & {
      readonly type: 'operation.done';
      readonly attempt: number;
      readonly n: number;
      readonly receipt: Receipt;
    })
  | (OfStep & {
      readonly type: 'operation.failed';
      readonly attempt: number;
      readonly n: number;
      readonly trouble: Trouble;
      readonly receipt: Receipt;
    })
  | (OfStep & {
      readonly type: 'operation.in-doubt';
      readonly attempt: number;
      readonly n: number;
      readonly trouble: Trouble;
    })
  /** What became of an operation in doubt, and who or what says so. */
  | (OfStep & {
      readonly type: 'operation.resolved';
      readonly attempt: number;
      readonly n: number;
      readonly outcome: 'done' | 'not-done';
      readonly by: 'probe' | 'person';
      readonly who: string | null;
      readonly reason: string;
    })
  | (OfStep & {
      readonly type: 'step.verified';
      readonly attempt: number;
      readonly already: boolean;
      readonly output: { readonly [name: string]: Json };
      readonly evidence: readonly Evidence[];
      readonly said: string;
    })
  | (OfStep & { readonly type: 'step.failed'; readonly attempt: number; readonly trouble: Trouble })
  | (OfStep & {
      readonly type: 'step.skipped';
      readonly by: 'when' | 'person' | 'needs';
      readonly who: string | null;
      readonly reason: string;
    })
  /** Rehearsal only: how the step would end. */
  | (OfStep & {
      readonly type: 'step.previewed';
      readonly how: 'would-run' | 'would-ask' | 'already-so' | 'cannot-rehearse' | 'would-skip';
      readonly said: string;
      readonly operations: readonly Operation[];
      readonly assumed: readonly string[];
    })
  /** A gate was shut: nothing of the step was begun. */
  | (OfStep & {
      readonly type: 'gate.blocked';
      readonly gate: string;
      readonly trouble: Trouble;
      /** The kinds of what was found in its way; the list of it is the blob of `trouble`. */
      readonly found?: readonly string[];
    })
  /** What was on the host when it was asked whether every file system with data is kept, right before a step that demands it. */
  | (OfStep & { readonly type: 'storage.seen'; readonly file_systems: readonly FileSystem[] })
  /** A shut gate was passed because a person answers for it; `statement` is the id of what they said. */
  | (OfStep & {
      readonly type: 'gate.waived';
      readonly gate: string;
      readonly by: string;
      readonly reason: string;
      readonly statement: string;
      readonly trouble: Trouble;
    })
  /** The approvals that a step wants were there when it began; each `statement` is the id of one. */
  | (OfStep & {
      readonly type: 'gate.approved';
      readonly wanted: ApprovalsWanted;
      readonly approvals: readonly { readonly by: string; readonly role: string | null; readonly statement: string }[];
    })
  /** `gate`: what keeps the step from being begun, where it is not the step itself that waits. */
  | (OfStep & {
      readonly type: 'run.parked';
      readonly until: string | null;
      readonly why: string;
      readonly gate?: 'window' | 'freeze' | 'approvals';
    })
  | {
      readonly type: 'run.stopped';
      readonly by: 'person' | 'signal' | 'failure' | 'drift' | 'doubt' | 'gate';
      readonly who: string | null;
      readonly reason: string;
    }
  | {
      readonly type: 'plan.amended';
      readonly plan: string;
      readonly intent: string;
      readonly by: string;
      readonly changes: readonly string[];
      /** Steps that are done and shall be done once more: an old proof, a copy that must be newer. */
      readonly redo: readonly string[];
    }
  | { readonly type: 'rollback.opened'; readonly by: string; readonly reason: string | null }
  | {
      readonly type: 'run.closed';
      readonly outcome: 'done' | 'abandoned' | 'rolled-back' | 'rehearsed';
      readonly by: string;
      readonly reason: string | null;
    };

/** Who drives a session: the person whose key vouches for it, beside the login where that has another name. */
export const driverWords = ({ operator, seal }: EventOf<'session.opened'>): string =>
  seal === undefined || seal.principal === operator ? operator : `${seal.principal} (login ${operator})`;

export type EventType = Event['type'];
export type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/**
 * An event as the journal holds it. `seq` counts from 0; `ts` is RFC 3339 with milliseconds, UTC. `signature` is SSHSIG as base64 without its
 * armour, over the line as it would be without it: where the session has a key, every line has one.
 */
export type Recorded<E extends Event = Event> = E & {
  readonly v: 1;
  readonly seq: number;
  readonly ts: string;
  readonly signature?: string;
};
