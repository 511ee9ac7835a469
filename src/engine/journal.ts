import { type Breach, type Head, type Line, nextLine, signedBytes } from '../core/chain.ts';
import type { Event, EventOf, Recorded } from '../core/event.ts';
import type { Execution } from '../core/execution.ts';
import { fold, folding } from '../core/fold.ts';
import type { Clock, JournalStore, Tell, Voucher } from '../core/ports.ts';
import { readLog } from '../core/read-log.ts';
import { ok, type Result } from '../core/result.ts';
import { lineNamespace, sessionNamespace } from '../core/seal.ts';
import { newSigningKey, type SigningKey } from '../core/sshsig.ts';

/** The run's log while a process drives it. Order at every event: disk → state → screen. */
export interface Journal {
  /** Writes an event, signed where the session has a key, and syncs it. Throws `JournalTrouble` where the disk fails: nothing may go on then. */
  record(event: Event): Recorded;
  /**
   * Writes the first line of a process. Where somebody vouches for it, the line names a key that lives as long as this process and signs
   * every further line. Nothing is written where the voucher cannot sign. What was torn is told on the line after it.
   */
  open(session: EventOf<'session.opened'>, voucher: Voucher | undefined): Promise<Result<void>>;
  readonly execution: Execution;
  readonly head: Head;
}

export type Opened = { readonly ok: true; readonly journal: Journal } | { readonly ok: false; readonly breach: Breach };

/**
 * Opens a journal to go on with it. A torn tail is cut back to the last good line before the first new one, kept beside, and the repair is
 * itself recorded; a bad line before a good one is tampering and refused. `first` is the digest of the first plan's intent.
 */
export function openJournal(store: JournalStore, first: string, clock: Clock, tell: Tell): Opened {
  const folded = folding();
  const { good, torn, breach, ...read } = readLog((at) => store.read(at), first, folded);
  if (breach !== undefined) return { ok: false, breach };
  let { head } = read;
  let execution = folded.execution();
  let key: SigningKey | undefined;
  let left = torn;
  const now = (): string => clock.now().toISOString();
  const append = (line: Line): Recorded => {
    store.append(line.bytes);
    head = line.head;
    execution = fold(execution, line.recorded);
    tell({ notice: 'event', event: line.recorded });
    return line.recorded;
  };
  const record = (event: Event): Recorded => {
    const ts = now();
    return append(nextLine(head, event, ts, key?.sign(signedBytes(head, event, ts), lineNamespace)));
  };
  /** Puts what is torn away, writes a line, and tells of the repair after it. */
  const repaired = (line: () => void): void => {
    const bytes = left;
    left = 0;
    const kept = bytes > 0 ? store.cut(good) : '';
    line();
    if (bytes > 0) record({ type: 'log.repaired', bytes, kept });
  };
  const journal: Journal = {
    record(event) {
      if (left > 0) throw new Error('a session is opened before anything else is written to a log that was torn');
      return record(event);
    },
    async open(session, voucher) {
      if (voucher === undefined) {
        repaired(() => append(nextLine(head, session, now())));
        return ok(undefined);
      }
      const fresh = newSigningKey();
      const ts = now();
      const sealed = { ...session, seal: { key: fresh.publicKey, principal: voucher.principal } };
      const signature = await voucher.sign(signedBytes(head, sealed, ts), sessionNamespace, ts);
      if (!signature.ok) return signature;
      repaired(() => {
        append(nextLine(head, sealed, ts, signature.value));
        key = fresh;
      });
      return ok(undefined);
    },
    get execution() {
      return execution;
    },
    get head() {
      return head;
    },
  };
  return { ok: true, journal };
}
