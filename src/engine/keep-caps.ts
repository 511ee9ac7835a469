import type { CountedHost } from '../core/caps.ts';
import type { EventOf } from '../core/event.ts';
import type { Execution } from '../core/execution.ts';
import type { PlannedStep } from '../core/plan.ts';
import { type Trouble, trouble } from '../core/result.ts';
import type { Drive, StepEnd } from './run-step.ts';

type Counted = EventOf<'host.counted'>['as'];

/**
 * Before a run changes its host for the first time, and before its first irreversible step, the host has to find room under a cap. That it
 * did is on record before anybody else may count, so that two who come at once cannot both have the last place.
 */
export async function keepCaps({ counting, journal }: Drive, step: PlannedStep): Promise<StepEnd | undefined> {
  if (counting === undefined || step.effect === 'none') return undefined;
  const wanted = wantedBy(step, journal.execution);
  if (wanted.length === 0) return undefined;
  const at = { step: step.id, direction: 'forth' } as const;
  const block = (why: Trouble): StepEnd => {
    journal.record({ ...at, type: 'gate.blocked', gate: 'caps', trouble: why });
    return { end: 'blocked', trouble: why };
  };
  const caps = counting.caps();
  if (!caps.ok) return block(caps.error);
  const raised = journal.execution.capsRaised?.to ?? 0;
  const done = await counting.alone((): StepEnd | undefined => {
    for (const as of wanted) {
      const cap = Math.max(raised, caps.value[keys[as]]);
      const others = counting.others(as);
      if (others.length >= cap) return block(full(as, cap, others, journal.execution));
      journal.record({ ...at, type: 'host.counted', as, others: others.length, cap });
    }
    return undefined;
  });
  return done.ok ? done.value : block(done.error);
}

const keys = { changed: 'hosts_at_once', ended: 'per_hour' } as const;

function wantedBy({ irreversible }: PlannedStep, { counted }: Execution): readonly Counted[] {
  return [
    ...(counted.changed === null ? (['changed'] as const) : []),
    ...(irreversible && counted.ended === null ? (['ended'] as const) : []),
  ];
}

const full = (as: Counted, cap: number, others: readonly CountedHost[], { run }: Execution): Trouble =>
  trouble(
    'cap-reached',
    as === 'changed'
      ? `${hosts(others.length)} under change, and caps.hosts_at_once is ${cap}`
      : `an irreversible step was begun on ${others.length === 1 ? '1 other host' : `${others.length} other hosts`} within the last hour, and caps.per_hour is ${cap}`,
    `${as === 'changed' ? 'Let one of them come to its end (decom status), or end it: decom abandon RUN --reason TEXT' : 'Wait'}. If so many are meant, raise the caps for this run alone: decom resume ${run} --raise-caps ${others.length + 1} --raise-caps-reason TEXT`,
    others.map(({ host, run: other }) => `${host} (run ${other})`).join('\n'),
  );

const hosts = (count: number): string => (count === 1 ? '1 other host is' : `${count} other hosts are`);
