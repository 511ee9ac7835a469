import { type Breach, type Head, type Line, nextLine, signedBytes } from '../core/chain.ts';
import type { Event, EventOf, Recorded, Unsigned } from '../core/event.ts';
import type { Execution } from '../core/execution.ts';
import { fold, folding } from '../core/fold.ts';
import type { Clock, JournalStore, Tell, Voucher } from '../core/ports.ts';
import { readLog } from '../core/read-log.ts';
import { ok, type Result } from '../core/result.ts';
import { checkpointNamespace, sessionNamespace, wantsCheckpoint } from '../core/seal.ts';
import { newSigningKey, type SigningKey } from '../core/sshsig.ts';

/** The run's log while a process drives it. Order at every event: disk → state → screen. */
export interface Journal {
  /**
   * Writes an event and syncs it, and a checkpoint after it where one is due. Throws `JournalTrouble` where the disk fails: nothing may
   * go on then.
   */
  record(event: Event): Recorded;
  /**
   * Writes the first line of a process. Where somebody vouches for it, the line names a key that lives as long as this process and signs
   * its checkpoints. Nothing is written where the voucher cannot sign.
   */
  open(session: EventOf<'session.opened'>, voucher: Voucher | undefined): Promise<Result<void>>;
  readonly execution: Execution;
  readonly head: Head;
}

export type Opened = { readonly ok: true; readonly journal: Journal } | { readonly ok: false; readonly breach: Breach };

/**
 * Opens a journal to go on with it. A torn tail is cut back to the last good line, kept beside, and the repair is itself recorded;
 * a bad line before a good one is tampering and refused. `first` is the digest of the first plan's intent.
 */
export function openJournal(store: JournalStore, first: string, clock: Clock, tell: Tell): Opened {
  const folded = folding();
  const { good, torn, breach, ...read } = readLog((at) => store.read(at), first, folded);
  if (breach !== undefined) return { ok: false, breach };
  let { head } = read;
  let execution = folded.execution();
  let key: SigningKey | undefined;
  let since = 0;
  const now = (): string => clock.now().toISOString();
  const append = (line: Line): Recorded => {
    store.append(line.bytes);
    head = line.head;
    execution = fold(execution, line.recorded);
    since++;
    tell({ notice: 'event', event: line.recorded });
    return line.recorded;
  };
  /** A line whose bytes, as they would be without the signature, are signed. */
  const signed = (event: Unsigned, ts: string, signature: string): Line =>
    nextLine(head, { ...event, signature } as Event, ts);
  const journal: Journal = {
    record(event) {
      const recorded = append(nextLine(head, event, now()));
      if (key !== undefined && wantsCheckpoint(event, since)) {
        const ts = now();
        const checkpoint = { type: 'checkpoint' } as const;
        append(signed(checkpoint, ts, key.sign(signedBytes(head, checkpoint, ts), checkpointNamespace)));
        since = 0;
      }
      return recorded;
    },
    async open(session, voucher) {
      if (voucher === undefined) {
        append(nextLine(head, session, now()));
        return ok(undefined);
      }
      const fresh = newSigningKey();
      const ts = now();
      const sealed = { ...session, seal: { key: fresh.publicKey, principal: voucher.principal } };
      const signature = await voucher.sign(signedBytes(head, sealed, ts), sessionNamespace, ts);
      if (!signature.ok) return signature;
      append(signed(sealed, ts, signature.value));
      key = fresh;
      since = 0;
      return ok(undefined);
    },
    get execution() {
      return execution;
    },
    get head() {
      return head;
    },
  };
  if (torn > 0) {
    const kept = store.cut(good);
    journal.record({ type: 'log.repaired', bytes: torn, kept });
  }
  return { ok: true, journal };
}
