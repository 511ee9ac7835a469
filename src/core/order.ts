import type { AnyAction } from './action.ts';
import { durationText } from './duration.ts';
import type { Demand, EvidenceKind } from './evidence.ts';
import type { Json } from './json.ts';

/** What the order of a step among others hangs on, as far as it can be known before anything runs. */
export interface OrderedStep {
  readonly id: string;
  readonly yields: readonly EvidenceKind[];
  readonly demands: readonly Demand[];
  /** Its condition: where it is false, the step is skipped and the run goes on. */
  readonly when?: string;
  /** `on_failure: continue`: where it fails, the run goes on, and what it did until then stands. */
  readonly goesOn: boolean;
  readonly needs: readonly string[];
  /** Ids of the steps whose outputs its input refers to. A proof refers to the step that makes its copy. */
  readonly refers: readonly string[];
  /** What it yields is looked at again before whatever demands it, so it never grows old. */
  readonly renewed: boolean;
  /** It cuts users of the host off. */
  readonly cuts: boolean;
  /** It may start something on the host that writes. */
  readonly starts: boolean;
  /** The least time that it takes, in milliseconds. */
  readonly waits: number;
}

type Reason = 'missing' | 'skipped' | 'passed' | 'unknown-copy' | 'starts' | 'late' | 'early' | 'old';

/** A way through the steps on which one begins although what it demands is missing, or is of too early a time. */
export interface OrderFault {
  readonly demand: Demand;
  readonly reason: Reason;
  /** The steps that lead to it, in their order, the demanding one last, and what each contributes. */
  readonly path: readonly { readonly step: string; readonly says: string }[];
  readonly what: string;
  readonly fix: string;
}

/** A step as it is written, or as it is planned. */
interface WrittenStep {
  readonly id: string;
  readonly with: Json;
  readonly when?: string | null;
  readonly needs: readonly string[];
  readonly on_failure: string;
}

/** `input` is the step's input as far as it is known; undefined where it could not be had, and then nothing is demanded. */
export function orderedStep(step: WrittenStep, action: AnyAction, input: unknown): OrderedStep {
  const { yields = [], effect, startsWriters = false, cutsOff = false } = action;
  return {
    id: step.id,
    yields,
    demands: input === undefined ? [] : (action.demands?.(input) ?? []),
    ...(step.when === undefined || step.when === null ? {} : { when: step.when }),
    goesOn: step.on_failure === 'continue',
    needs: step.needs,
    refers: [...JSON.stringify(step.with).matchAll(/\$\{\{\s*steps\.([\w-]+)/g)].map(([, id = '']) => id),
    renewed: effect === 'none' && action.examine === undefined,
    cuts: cutsOff,
    starts: startsWriters,
    waits: input === undefined ? 0 : (action.lasts?.(input) ?? 0),
  };
}

/**
 * What `step` demands and the steps before it do not yield on each way through them. Conditions count as independent of one another: any step with
 * a `when` may be skipped, unless a step that the run must have passed needs it or uses its output, or it has the very condition of
 * `step`, on what never changes in a run. `yielding` names the kinds of step that yield a kind of evidence.
 */
export function orderFaults(
  before: readonly OrderedStep[],
  step: OrderedStep,
  yielding: (kind: EvidenceKind) => readonly string[],
): readonly OrderFault[] {
  if (step.demands.length === 0) return [];
  const steps = [...before, step];
  const way: Way = { steps, at: before.length, step, sure: sureBefore(steps, step) };
  return step.demands.flatMap((demand) => {
    const flaw = flawOf(way, demand, yielding);
    return flaw === undefined ? [] : [toldOf(way, demand, flaw)];
  });
}

/** What to do where no step before the one that demands a kind of evidence yields it. */
export const yielderMissing = (kinds: readonly string[]): string =>
  `Add a step that yields it to the runbook, before this one: ${kinds.join(' or ')} yields it.`;

/** Of a step that may void what stopping the writers proved. */
export const startsAgainWords = (id: string, kind: EvidenceKind): { readonly and: string; readonly fix: string } => ({
  and: `step "${id}" after that may start something that writes`,
  fix: `Move "${id}" before the step that yields "${kind}".`,
});

/** The way to one step, and the ids that are done whenever it is reached. */
interface Way {
  readonly steps: readonly OrderedStep[];
  readonly at: number;
  readonly step: OrderedStep;
  readonly sure: ReadonlySet<string>;
}

/**
 * A run does not come past a step whose `needs` are not done, whatever the step's own condition; nor past one that is not skipped, and uses
 * an output that was never made.
 */
function sureBefore(steps: readonly OrderedStep[], target: OrderedStep): ReadonlySet<string> {
  const sure = new Set<string>();
  for (const step of steps.slice().reverse()) {
    for (const id of step.needs) sure.add(id);
    const runs = step === target || step.when === undefined || sure.has(step.id) || alike(step, target);
    if (!runs) continue;
    for (const id of step.refers) sure.add(id);
    if (!step.goesOn) sure.add(step.id);
  }
  return sure;
}

/** Facts and outputs change while a run goes on; parameters and the host's entry do not. */
export const mayChange = (when: string): boolean => /\b(facts|steps)\b/.test(when);

const alike = (step: OrderedStep, other: OrderedStep): boolean =>
  step.when === other.when && !mayChange(step.when ?? '');

interface Flaw {
  readonly reason: Reason;
  readonly and: string;
  readonly fix: string;
  readonly links: readonly { readonly at: number; readonly says: string }[];
}

/** Why no step before yields what is demanded on every way, told of the last one that yields it at all; undefined where one does. */
function flawOf(way: Way, demand: Demand, yielding: (kind: EvidenceKind) => readonly string[]): Flaw | undefined {
  let last: Flaw | undefined;
  for (let at = way.at - 1; at >= 0; at--) {
    const step = way.steps[at];
    if (!step?.yields.includes(demand.kind)) continue;
    const flaw = flawIn(way, demand, step, at);
    if (flaw === undefined) return undefined;
    last ??= flaw;
  }
  if (last !== undefined) return last;
  const fix = yielderMissing(yielding(demand.kind));
  return { reason: 'missing', and: 'no step before it yields that', fix, links: [] };
}

function flawIn(way: Way, demand: Demand, yielder: OrderedStep, at: number): Flaw | undefined {
  const { steps, step, sure } = way;
  const yields = `yields "${demand.kind}"`;
  const here = { at, says: yields };
  const name = `"${yielder.id}"`;
  if (!sure.has(yielder.id)) {
    const need = `Add ${name} to the "needs" of "${step.id}", or remove`;
    return yielder.when === undefined
      ? {
          reason: 'passed',
          and: `step ${name}, which yields it, may fail and the run go on`,
          fix: `${need} "on_failure: continue" from ${name}.`,
          links: [{ at, says: `${yields}; if it fails, the run goes on (on_failure: continue)` }],
        }
      : {
          reason: 'skipped',
          and: `step ${name}, which yields it, may be skipped`,
          fix: `${need} "when" from ${name}.`,
          links: [{ at, says: `${yields}; it is skipped where its "when" is false: ${yielder.when}` }],
        };
  }
  const proves = demand.kind === 'restore.proven';
  const copy = proves ? steps.findIndex((s, i) => i < at && yielder.refers.includes(s.id)) : at;
  if (copy === -1) {
    return {
      reason: 'unknown-copy',
      and: `when the copy was made that step ${name} proves cannot be known`,
      fix: `Let ${name} refer to the step that makes the copy: \${{ steps.ID.backup }}.`,
      links: [{ at, says: `${yields} of a copy that no step of this runbook is known to make` }],
    };
  }
  const between = [...steps.entries()].slice(copy + 1, way.at);
  const made = proves ? [{ at: copy, says: `makes the copy that ${name} proves` }] : [];
  const starter = demand.kind === 'writers.stopped' ? between.find(([, s]) => s.starts) : undefined;
  if (starter !== undefined) {
    const [i, { id }] = starter;
    return {
      reason: 'starts',
      ...startsAgainWords(id, demand.kind),
      links: [here, { at: i, says: 'may start something that writes' }],
    };
  }
  const cutter = demand.uncut === true ? steps.slice(0, at).findIndex((s) => s.cuts) : -1;
  if (cutter !== -1) {
    const id = steps[cutter]?.id ?? '';
    return {
      reason: 'late',
      and: `step ${name}, which yields it, comes after "${id}", which cuts off whoever it looks for`,
      fix: `Move ${name} before "${id}".`,
      links: [{ at: cutter, says: 'cuts users off' }, here],
    };
  }
  const { after } = demand;
  const later = after === undefined ? undefined : between.findLast(([, s]) => s.yields.includes(after));
  if (later !== undefined) {
    return {
      reason: 'early',
      and: `that comes before the last "${after}"`,
      fix: `Move a copy and its proof after the step that yields "${after}".`,
      links: [...made, here, { at: later[0], says: `yields "${after}"` }],
    };
  }
  const waits = between.filter(([, s]) => s.waits > 0);
  const waited = waits.reduce((sum, [, s]) => sum + s.waits, 0);
  if (yielder.renewed || waited <= demand.maxAge) return undefined;
  const ids = waits.map(([, { id }]) => `"${id}"`);
  return {
    reason: 'old',
    and: `it is older than ${durationText(demand.maxAge)} by then: ${ids.join(' and ')} ${ids.length === 1 ? 'takes' : 'take'} ${durationText(waited)}`,
    fix: proves
      ? `Move the copy and its proof after ${ids.at(-1)}.`
      : `Move ${name}, and what follows from it, after ${ids.at(-1)}.`,
    links: [...made, here, ...waits.map(([i, s]) => ({ at: i, says: `takes ${durationText(s.waits)}` }))],
  };
}

function toldOf({ steps, step, at }: Way, demand: Demand, { reason, and, fix, links }: Flaw): OrderFault {
  const limits = [
    ...(reason === 'old' ? [`at most ${durationText(demand.maxAge)} old`] : []),
    ...((reason === 'early' || reason === 'unknown-copy') && demand.after !== undefined
      ? [`of a time after the last "${demand.after}"`]
      : []),
  ];
  const end = { at, says: [`demands "${demand.kind}"`, ...limits].join(', ') };
  const path = [...links, end].sort((a, b) => a.at - b.at).map((l) => ({ step: steps[l.at]?.id ?? '', says: l.says }));
  return {
    demand,
    reason,
    path: links.length === 0 ? [] : path,
    what: `step "${step.id}" demands "${demand.kind}", and ${and}`,
    fix,
  };
}
