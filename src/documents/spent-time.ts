import type { Recorded } from '../core/event.ts';

/** Milliseconds that machines worked, and that the run waited: for a person, a date, or for somebody to take it up again. */
export interface Spent {
  readonly working: number;
  readonly waiting: number;
}

/** Shares the time between each two lines of a journal out: to work or to waiting, and to the step that the earlier line is of. */
export function spentTime(events: readonly Recorded[]): {
  readonly all: Spent;
  readonly bySteps: { readonly [step: string]: Spent };
} {
  let all: Spent = { working: 0, waiting: 0 };
  const bySteps: { [step: string]: Spent } = {};
  for (const [i, event] of events.entries()) {
    const next = events[i + 1];
    if (next === undefined) break;
    const length = Math.max(0, Date.parse(next.ts) - Date.parse(event.ts));
    const kind = waited(event, next) ? 'waiting' : 'working';
    all = added(all, kind, length);
    // After a session's end the time belongs to no step: nobody was there.
    if ('step' in event) bySteps[event.step] = added(bySteps[event.step] ?? { working: 0, waiting: 0 }, kind, length);
  }
  return { all, bySteps };
}

const added = (spent: Spent, kind: keyof Spent, length: number): Spent => ({ ...spent, [kind]: spent[kind] + length });

function waited(event: Recorded, next: Recorded): boolean {
  if (next.type === 'step.agreed') return next.how !== 'beforehand';
  // A question stood until the person who was asked skipped the step, or stopped the run.
  if ((next.type === 'step.skipped' || next.type === 'run.stopped') && next.by === 'person') return true;
  switch (event.type) {
    case 'operation.intended':
      return event.operation.kind === 'ask' || event.operation.kind === 'wait';
    case 'run.parked':
    case 'run.stopped':
    case 'session.closed':
    case 'operation.in-doubt':
    case 'step.failed':
    case 'gate.blocked':
      return true;
    default:
      return next.type === 'session.opened';
  }
}
