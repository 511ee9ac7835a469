import type { Breach } from './chain.ts';
import type { Event, EventOf, Recorded } from './event.ts';
import type { GoodLine } from './read-log.ts';
import { type Verifier, verifierOf } from './sshsig.ts';

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
    case 'caps.raised':
    case 'statement.taken':
    case 'gate.waived':
    case 'gate.approved':
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

/** Reads the signatures of a log along with its lines. */
export interface SealReader {
  take(line: GoodLine): void;
  /** When every checkpoint that was taken is verified. What waits to be verified takes memory. */
  settled(): Promise<Seals>;
}

export function sealReader(): SealReader {
  const sessions: SealedSession[] = [];
  /** Of the session that was opened last. */
  let verifier: Verifier | undefined;
  let waiting: { readonly line: number; readonly session: number; readonly holds: Promise<boolean> }[] = [];
  let covered = 0;
  /** The first that is known: checkpoints before it may still turn out to be broken. */
  let breach: Breach | undefined;

  const complaint = ({ line, recorded, signed }: GoodLine): string | undefined => {
    if (recorded.type === 'session.opened') {
      const { seal } = recorded;
      if ((seal === undefined) !== (signed === undefined)) return 'it names a key, or is signed, but not both';
      sessions.push({
        ...{ line, opened: recorded, checkpoint: 0 },
        ...(signed === undefined ? {} : { vouched: signed.bytes }),
      });
      verifier = seal === undefined ? undefined : verifierOf(seal.key);
      return undefined;
    }
    if (recorded.type !== 'checkpoint')
      return signed === undefined ? undefined : 'it is signed, which no line of its type is';
    if (verifier === undefined) return 'it is signed, and its session has no key';
    const session = sessions.length - 1;
    if (signed === undefined) return unlike(sessions[session]);
    const holds = verifier(signed.bytes, checkpointNamespace, recorded.signature);
    waiting.push({ line, session, holds });
    return undefined;
  };
  const broken = (at: number, what: string): void => {
    breach = { line: at, what };
    sessions.splice(sessions.findLastIndex(({ line }) => line < at) + 1);
  };
  return {
    take(line) {
      if (breach !== undefined) return;
      const what = complaint(line);
      if (what !== undefined) broken(line.line, what);
    },
    async settled() {
      const now = waiting;
      waiting = [];
      for (const { line, session, holds } of now) {
        if (breach !== undefined && line > breach.line) break;
        const of = sessions[session];
        if (!(await holds)) {
          broken(line, unlike(of));
          break;
        }
        if (of !== undefined) sessions[session] = { ...of, checkpoint: line };
        covered = line;
      }
      return { sessions, covered, breach };
    },
  };
}

const unlike = (session: SealedSession | undefined): string =>
  `its signature is not what the key of its session (line ${session?.line ?? 0}) makes of it`;
