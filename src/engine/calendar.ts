import type { Blocker, PlanFacts, PlannedStep } from '../core/plan.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { type Freeze, type Opening, type Window, windowWords } from '../core/window.ts';
import { zonedText } from '../core/zoned-time.ts';
import type { Engine } from './engine.ts';

/** What keeps a step from being begun now. */
export interface Closed {
  /** A freeze is nobody's to pass; for a window somebody may answer. */
  readonly by: 'window' | 'freeze';
  /** When neither a window nor a freeze keeps it any more. */
  readonly until: Date;
  readonly why: string;
}

type Calendar = Pick<Engine, 'nextOpening' | 'freezes'>;

/**
 * Whether a step may be begun at an instant: undefined if it may. What changes nothing may always be. Trouble where it cannot be told,
 * which blocks. `waived`: somebody answers for the window.
 */
export function closedAt(
  engine: Calendar,
  { effect, window }: Pick<PlannedStep, 'effect' | 'window'>,
  now: Date,
  waived = false,
): Result<Closed | undefined> {
  if (effect === 'none') return ok(undefined);
  const freezes = engine.freezes?.() ?? ok([]);
  if (!freezes.ok) return freezes;
  const kept = waived ? undefined : window;
  const freeze = frozenAt(freezes.value, now);
  const opening = kept === undefined ? ok(undefined) : openingOf(engine, kept, now);
  if (!opening.ok) return opening;
  const shut = opening.value?.open === false;
  if (freeze === undefined && !shut) return ok(undefined);
  const until = free(engine, freezes.value, kept, now);
  if (!until.ok) return until;
  const zone = window?.timezone ?? 'UTC';
  return freeze === undefined
    ? ok({ by: 'window', until: until.value, why: shutWords(window as Window, now, until.value) })
    : ok({ by: 'freeze', until: until.value, why: frozenWords(freeze, zone) });
}

/** The first instant at which neither a freeze nor the window keeps a step. */
function free(engine: Calendar, freezes: readonly Freeze[], window: Window | undefined, now: Date): Result<Date> {
  let at = now;
  // Each turn leaves a freeze behind for good.
  for (let turn = 0; turn <= freezes.length + 1; turn++) {
    const opening = window === undefined ? ok(undefined) : openingOf(engine, window, at);
    if (!opening.ok) return opening;
    if (opening.value?.open === false) at = opening.value.opens;
    const freeze = frozenAt(freezes, at);
    if (freeze === undefined) return ok(at);
    at = new Date(freeze.to);
  }
  throw new Error('freezes come one after the other without an end');
}

const frozenAt = (freezes: readonly Freeze[], at: Date): Freeze | undefined =>
  freezes.find(({ from, to }) => Date.parse(from) <= at.getTime() && at.getTime() < Date.parse(to));

const openingOf = (engine: Calendar, window: Window, at: Date): Result<Opening> =>
  engine.nextOpening?.(window, at) ??
  fail(
    trouble(
      'window-unreadable',
      `nothing here can tell whether the window ${windowWords(window)} is open`,
      'Drive the run with a decom that can.',
    ),
  );

const shutWords = (window: Window, now: Date, until: Date): string =>
  `its window ${windowWords(window)} is closed: it is ${zonedText(now, window.timezone)}, and it may be begun from ${zonedText(until, window.timezone)}`;

const frozenWords = ({ from, to, why }: Freeze, zone: string): string =>
  `changes are frozen from ${zonedText(new Date(from), zone)} until ${zonedText(new Date(to), zone)}: ${why}`;

/** Freezes that are in force or still to come, the next one first. */
export function freezesLeft({ freezes }: Calendar, now: Date): Result<readonly Freeze[]> {
  const all = freezes?.() ?? ok([]);
  if (!all.ok) return all;
  const left = all.value.filter(({ to }) => Date.parse(to) > now.getTime());
  return ok([...left].sort((a, b) => Date.parse(a.from) - Date.parse(b.from)));
}

/** The steps of a plan that could not be begun now, by what keeps them; those of which it cannot be told are blockers. */
export function closedSteps(
  engine: Calendar,
  steps: readonly PlannedStep[],
  now: Date,
): { readonly closed: NonNullable<PlanFacts['closed']>; readonly blockers: readonly Blocker[] } {
  const blockers: Blocker[] = [];
  const closed = new Map<string, { readonly steps: string[]; readonly until: string; readonly why: string }>();
  // Where the freezes cannot be read, that is told once, of the plan.
  const { nextOpening, freezes } = engine;
  const readable = freezes?.().ok === false ? {} : freezes === undefined ? {} : { freezes };
  for (const step of steps) {
    const found = closedAt({ ...(nextOpening === undefined ? {} : { nextOpening }), ...readable }, step, now);
    if (!found.ok) blockers.push({ step: step.id, trouble: found.error });
    if (!found.ok || found.value === undefined) continue;
    const { why, until } = found.value;
    // The same freeze holds two windows until two instants.
    const key = `${until.toISOString()} ${why}`;
    const same = closed.get(key);
    if (same === undefined) closed.set(key, { steps: [step.id], until: until.toISOString(), why });
    else same.steps.push(step.id);
  }
  return { closed: [...closed.values()], blockers };
}
