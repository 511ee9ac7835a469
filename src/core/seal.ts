import type { Breach, SignedLine } from './chain.ts';
import type { Event, EventOf, Recorded } from './event.ts';
import { isSignedBy } from './sshsig.ts';

/** SSHSIG namespaces: of an operator who vouches for a session's key, and of that key. */
export const sessionNamespace = 'decom-session@v1';
export const checkpointNamespace = 'decom-audit@v1';

/** Most records between two checkpoints. */
export const mostUnsigned = 64;

/**
 * Whether a checkpoint follows a record: before any operation is begun, at everything that a person decides, and at the end. `since`
 * counts the records after the last one, this one included.
 */
export function wantsCheckpoint(event: Event, since: number): boolean {
  if (since >= mostUnsigned) return true;
  switch (event.type) {
    case 'operation.intended':
      return event.operation.kind !== 'ask' && event.operation.kind !== 'wait';
    case 'step.agreed':
    case 'plan.amended':
    case 'claim.taken-over':
    case 'statement.taken':
    case 'gate.waived':
    case 'rollback.opened':
    case 'run.closed':
    case 'session.closed':
      return true;
    case 'step.skipped':
    case 'operation.resolved':
    case 'run.stopped':
      return event.by === 'person';
    default:
      return false;
  }
}

/** A process that worked on a run, as its signatures tell. Lines count from 1. */
export interface SealedSession {
  /** Its `session.opened`. */
  readonly line: number;
  readonly opened: Recorded<EventOf<'session.opened'>>;
  /** What the operator signed to vouch for the session's key; absent where nobody did. */
  readonly vouched?: Uint8Array;
  /** The last of its checkpoints, 0 where there is none. */
  readonly checkpoint: number;
}

/**
 * What the signatures in a log amount to, as far as the log itself can tell: every checkpoint was made by the key that its session's
 * first line names. Who stands behind that key is for the vouchers to tell. `covered`: the lines that the last checkpoint vouches for,
 * itself included.
 */
export interface Seals {
  readonly sessions: readonly SealedSession[];
  readonly covered: number;
  readonly breach: Breach | undefined;
}

/** Verifies all checkpoints. Takes time in proportion to their number (about 0.1 ms each). */
export function readSeals(events: readonly Recorded[], signed: readonly SignedLine[]): Seals {
  const sessions: SealedSession[] = [];
  let covered = 0;
  let next = 0;
  for (const [at, event] of events.entries()) {
    const line = at + 1;
    const mark = signed[next]?.line === line ? signed[next++] : undefined;
    const broken = (what: string): Seals => ({ sessions, covered, breach: { line, what } });
    if (event.type === 'session.opened') {
      if ((event.seal === undefined) !== (mark === undefined))
        return broken('it names a key, or is signed, but not both');
      sessions.push({ line, opened: event, checkpoint: 0, ...(mark === undefined ? {} : { vouched: mark.bytes }) });
    } else if (event.type === 'checkpoint') {
      const session = sessions.at(-1);
      const key = session?.opened.seal?.key;
      if (session === undefined || key === undefined) return broken('it is signed, and its session has no key');
      if (mark === undefined || !isSignedBy(key, mark.bytes, checkpointNamespace, event.signature)) {
        return broken(`its signature is not what the key of its session (line ${session.line}) makes of it`);
      }
      sessions[sessions.length - 1] = { ...session, checkpoint: line };
      covered = line;
    } else if (mark !== undefined) {
      return broken('it is signed, which no line of its type is');
    }
  }
  return { sessions, covered, breach: undefined };
}
