import { type Breach, type Head, nextLine, readChain } from '../core/chain.ts';
import type { Event, Recorded } from '../core/event.ts';
import { type Execution, fold, foldAll } from '../core/execution.ts';
import type { Clock, JournalStore, Tell } from '../core/ports.ts';

/** The run's log while a process drives it. Order at every event: disk → state → screen. */
export interface Journal {
  /** Writes an event and syncs it. Throws `JournalTrouble` where the disk fails: nothing may go on then. */
  record(event: Event): Recorded;
  readonly execution: Execution;
  readonly head: Head;
  readonly events: readonly Recorded[];
}

export type Opened = { readonly ok: true; readonly journal: Journal } | { readonly ok: false; readonly breach: Breach };

/**
 * Opens a journal to go on with it. A torn tail is cut back to the last good line, kept beside, and the repair is itself recorded;
 * a bad line before a good one is tampering and refused. `first` is the digest of the first plan's intent.
 */
export function openJournal(store: JournalStore, first: string, clock: Clock, tell: Tell): Opened {
  const reading = readChain(store.read(), first);
  if (reading.breach !== undefined) return { ok: false, breach: reading.breach };
  let head = reading.head;
  let execution = foldAll(reading.events);
  const events = [...reading.events];
  const journal: Journal = {
    record(event) {
      const line = nextLine(head, event, clock.now().toISOString());
      store.append(line.bytes);
      head = line.head;
      execution = fold(execution, line.recorded);
      events.push(line.recorded);
      tell({ notice: 'event', event: line.recorded });
      return line.recorded;
    },
    get execution() {
      return execution;
    },
    get head() {
      return head;
    },
    events,
  };
  if (reading.torn > 0) {
    const kept = store.cut(reading.good);
    journal.record({ type: 'log.repaired', bytes: reading.torn, kept });
  }
  return { ok: true, journal };
}
