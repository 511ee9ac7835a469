import { type Breach, signedBytesOf } from './chain.ts';
import type { EventOf, Recorded } from './event.ts';
import type { GoodLine } from './read-log.ts';
import { type Verifier, verifierOf } from './sshsig.ts';

/** SSHSIG namespaces: of an operator who vouches for a session's key, and of that key. */
export const sessionNamespace = 'decom-session@v1';
export const lineNamespace = 'decom-audit@v1';

/** A process that worked on a run, as its signatures tell. Lines count from 1. */
export interface SealedSession {
  /** Its `session.opened`. */
  readonly line: number;
  readonly opened: Recorded<EventOf<'session.opened'>>;
  /** What the operator signed to vouch for the session's key; absent where nobody did. */
  readonly vouched?: Uint8Array;
}

/**
 * What the signatures in a log amount to, as far as the log itself can tell: every line of a session was signed by the key that its
 * first line names. Who stands behind that key is for the vouchers to tell.
 */
export interface Seals {
  readonly sessions: readonly SealedSession[];
  readonly breach: Breach | undefined;
}

/** Reads the signatures of a log along with its lines. */
export interface SealReader {
  take(line: GoodLine): void;
  /** When every signature that was taken to be verified is. What waits for it takes memory. */
  settled(): Promise<void>;
  /** After the last line. */
  end(): Promise<Seals>;
}

/**
 * `of`: which signatures are verified. The last one of a session holds the hash of the line before it, and so everything before it, so that it is enough to
 * know that none was changed; `each` line's is wanted to name the one that was.
 */
export function sealReader(of: 'sessions' | 'each'): SealReader {
  const sessions: SealedSession[] = [];
  /** Of the session that was opened last, where it has a key. */
  let keyed: { readonly line: number; readonly verifier: Verifier } | undefined;
  let last: GoodLine | undefined;
  let waiting: { readonly line: number; readonly session: number; readonly holds: Promise<boolean> }[] = [];
  /** The first that is known: a signature before it may still turn out not to hold. */
  let breach: Breach | undefined;

  const verify = ({ line, recorded }: GoodLine): void => {
    if (keyed === undefined) return;
    const holds = keyed.verifier(signedBytesOf(recorded), lineNamespace, recorded.signature ?? '');
    waiting.push({ line, session: keyed.line, holds });
  };
  const verifyLast = (): void => {
    if (of === 'sessions' && last !== undefined) verify(last);
    last = undefined;
  };
  const complaint = (line: GoodLine): string | undefined => {
    const { recorded } = line;
    const signed = recorded.signature !== undefined;
    if (recorded.type === 'session.opened') {
      verifyLast();
      const { seal } = recorded;
      if ((seal === undefined) === signed) return 'it names a key, or is signed, but not both';
      sessions.push({
        ...{ line: line.line, opened: recorded },
        ...(signed ? { vouched: signedBytesOf(recorded) } : {}),
      });
      keyed = seal === undefined ? undefined : { line: line.line, verifier: verifierOf(seal.key) };
      return undefined;
    }
    if (keyed === undefined) return signed ? 'it is signed, and its session has no key' : undefined;
    if (!signed) return `it is not signed, and its session (line ${keyed.line}) signs every line`;
    if (of === 'each') verify(line);
    else last = line;
    return undefined;
  };
  const broken = (at: number, what: string): void => {
    breach = { line: at, what };
    sessions.splice(sessions.findLastIndex(({ line }) => line < at) + 1);
  };
  const settled = async (): Promise<void> => {
    const now = waiting;
    waiting = [];
    for (const { line, session, holds } of now) {
      if (breach !== undefined && line > breach.line) break;
      if (await holds) continue;
      broken(line, `its signature is not what the key of its session (line ${session}) makes of it`);
      break;
    }
  };
  return {
    take(line) {
      if (breach !== undefined) return;
      const what = complaint(line);
      if (what === undefined) return;
      verifyLast();
      broken(line.line, what);
    },
    settled,
    async end() {
      verifyLast();
      await settled();
      return { sessions, breach };
    },
  };
}
