import type { AnyAction } from '../core/action.ts';
import { approvalsWanted } from '../core/approval.ts';
import { type Diagnostic, didYouMean } from '../core/diagnostic.ts';
import { milliseconds } from '../core/duration.ts';
import type { Json } from '../core/json.ts';
import type { ParamType, Place, Step } from '../core/runbook.ts';
import type { Window } from '../core/window.ts';
import { check, checkNode, holdsReference, placed } from './check.ts';
import { entryOf, plainValue, type SourceNode } from './node.ts';
import { referenceComplaints } from './references.ts';
import { StepShape } from './runbook-shape.ts';
import { textsOf } from './template.ts';
import { readWindow, type WindowContext } from './window.ts';

/** A step after the first pass: its shape is judged, its meaning is not. */
export interface DraftStep {
  readonly node: SourceNode;
  readonly id: string | undefined;
  readonly idPlace: Place;
  readonly action: AnyAction | undefined;
  readonly with: SourceNode | undefined;
  readonly shape: Partial<StepShape>;
  readonly faults: readonly Diagnostic[];
  /** `outer` is the window of what it stands in. */
  finish(phase: string, outer: Window | undefined): Step;
}

/** First pass: the shape of a step, and whether its action exists. */
export function draftStep(node: SourceNode, kinds: ReadonlyMap<string, AnyAction>, context: WindowContext): DraftStep {
  const idNode = entryOf(node, 'id');
  const id = idNode?.value.kind === 'text' && idNode.value.text !== '' ? idNode.value.text : undefined;
  const about = aboutStep(id);
  const { value, faults } = checkNode(node, StepShape, about);
  const shape: Partial<StepShape> = typeof value === 'object' ? (value as Partial<StepShape>) : {};
  const all = [...faults];
  const uses = entryOf(node, 'uses')?.value;
  const action = uses?.kind === 'text' ? kinds.get(uses.text) : undefined;
  if (uses?.kind === 'text' && uses.text !== '' && action === undefined) {
    const known = `Known: ${[...kinds.keys()].join(', ')}.`;
    const fix = didYouMean(uses.text, kinds.keys()) || known;
    all.push({ code: 'unknown-action', ...uses.place, what: `${about}unknown action "${uses.text}".`, fix });
  }
  if (action?.once && shape.retry !== undefined) {
    const at = entryOf(node, 'retry')?.place ?? node.place;
    const what = `${about}${action.kind} is never repeated by itself, because doing it twice could do harm.`;
    all.push({ code: 'retry-once', ...at, what, fix: 'Remove "retry".' });
  }
  const withNode = entryOf(node, 'with')?.value;
  const window = readWindow(node, about, context, all);
  return {
    node,
    id,
    idPlace: idNode?.value.place ?? node.place,
    action,
    with: withNode,
    shape,
    faults: all,
    finish: (phase, outer) => ({
      id: shape.id ?? '',
      phase,
      title: shape.title ?? action?.about ?? '',
      uses: shape.uses ?? '',
      with: withNode === undefined ? {} : plainValue(withNode),
      ...(shape.when === undefined ? {} : { when: shape.when }),
      needs: shape.needs ?? [],
      ...optional('timeout', shape.timeout === undefined ? undefined : milliseconds(shape.timeout)),
      ...optional(
        'retry',
        shape.retry && { attempts: shape.retry.attempts, delay: milliseconds(shape.retry.delay) ?? 0 },
      ),
      on_failure: shape.on_failure ?? 'stop',
      ...optional('window', window ?? outer),
      ...optional('approvals', shape.approvals && approvalsWanted(shape.approvals)),
      place: node.place,
    }),
  };
}

const aboutStep = (id: string | undefined): string => (id === undefined ? 'step: ' : `step "${id}": `);

const optional = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });

export interface StepContext {
  readonly steps: readonly DraftStep[];
  readonly position: number;
  readonly params: { readonly [name: string]: ParamType };
  readonly kinds: ReadonlyMap<string, AnyAction>;
  readonly checkWhen?: (expression: string) => string | undefined;
}

/** Second pass: a step's input against its own action, what it refers to, what it needs, and its condition. */
export function checkStep(step: DraftStep, context: StepContext): readonly Diagnostic[] {
  const about = aboutStep(step.id);
  const faults = [...checkNeeds(step, context), ...checkLastUse(step, context)];
  const { when } = step.shape;
  const whenNode = entryOf(step.node, 'when')?.value;
  if (typeof when === 'string' && whenNode !== undefined) {
    const complaint = context.checkWhen?.(when);
    if (complaint !== undefined) {
      const fix = "Write a condition like facts.power == 'on'.";
      faults.push({ code: 'when', ...whenNode.place, what: `${about}"when": ${complaint.replace(/\.?$/, '.')}`, fix });
    }
  }
  const { action } = step;
  if (action === undefined) return faults;
  // Wrapped in its key, so that paths read `with.units`; a missing `with` stands where its step does.
  const input: Json = step.with === undefined ? {} : plainValue(step.with);
  const root: SourceNode =
    step.with === undefined
      ? step.node
      : { kind: 'map', place: step.node.place, entries: [{ key: 'with', place: step.with.place, value: step.with }] };
  const checked = check(input, action.input, ['with'], holdsReference);
  const references = referenceComplaints(input, action, knownAt(step, context), ['with']);
  faults.push(...placed([...references, ...checked.complaints], root, about));
  if (
    checked.complaints.length === 0 &&
    action.check !== undefined &&
    ![...textsOf(input)].some((t) => holdsReference(t.text))
  ) {
    const complaint = action.check(checked.value);
    if (complaint !== undefined) {
      const what = `${about}${complaint.replace(/\.?$/, '.')}`;
      faults.push({ code: 'wrong-value', ...(step.with ?? step.node).place, what, fix: 'Correct "with".' });
    }
  }
  return faults;
}

function knownAt(step: DraftStep, { steps, position, params }: StepContext) {
  const before = new Map<string, AnyAction | undefined>();
  for (const { id, action } of steps.slice(0, position)) if (id !== undefined) before.set(id, action);
  const later = new Set(
    steps.slice(position + 1).flatMap(({ id }) => (id === undefined || before.has(id) ? [] : [id])),
  );
  return { params, before, later, step: step.id ?? '' };
}

/** After the step that is the last use of the BMC no step may use it. Every irreversible step does: it looks again whose machine it is. */
function checkLastUse(step: DraftStep, { steps, position }: StepContext): readonly Diagnostic[] {
  const last = steps.slice(0, position).find((earlier) => earlier.action?.bmc === 'last');
  if (last === undefined) return [];
  const asks = typeof step.shape.when === 'string' && /\bfacts\s*\.\s*power\b/.test(step.shape.when);
  const { action } = step;
  if (!asks && (action === undefined || (action.bmc === undefined && !action.irreversible))) return [];
  const why = asks ? 'its "when" asks the BMC for the power' : `${action?.kind} uses the BMC`;
  return [
    {
      code: 'after-last-use',
      ...step.node.place,
      what: `${aboutStep(step.id)}${why}, and "${last.id ?? ''}" (${last.action?.kind}) before it is to be the last use of it.`,
      fix: `Move "${last.id ?? ''}" behind it.`,
    },
  ];
}

function checkNeeds(step: DraftStep, { steps, position }: StepContext): readonly Diagnostic[] {
  const needs = entryOf(step.node, 'needs')?.value;
  if (needs?.kind !== 'list') return [];
  const earlier = new Set(steps.slice(0, position).map((s) => s.id));
  const later = new Map(steps.slice(position + 1).map((s) => [s.id, s]));
  const faults: Diagnostic[] = [];
  for (const item of needs.items) {
    if (item.kind !== 'text' || earlier.has(item.text)) continue;
    const complain = (what: string, fix: string) =>
      faults.push({ code: 'needs', ...item.place, what: `${aboutStep(step.id)}${what}`, fix });
    const other = later.get(item.text);
    if (item.text === step.id) complain('it needs itself.', 'Remove it from "needs".');
    else if (other === undefined) {
      const names = steps.flatMap((s) => (s.id === undefined || s.id === step.id ? [] : [s.id]));
      complain(
        `"needs" names an unknown step "${item.text}".`,
        didYouMean(item.text, names) || 'Name an earlier step.',
      );
    } else {
      const cycle = cycleFrom(other, step, steps);
      if (cycle !== undefined) {
        const ring = [step.id, ...cycle].map((id) => `"${id}"`).join(' needs ');
        complain(`"needs" goes round in a ring: ${ring}.`, 'Remove one of these needs.');
      } else
        complain(`it needs "${item.text}", which comes later.`, 'Only earlier steps can be needed: move one of them.');
    }
  }
  return faults;
}

/** The ids from one step by its needs back to another, or undefined. */
function cycleFrom(
  from: DraftStep,
  to: DraftStep,
  steps: readonly DraftStep[],
  past: ReadonlySet<string> = new Set(),
): readonly string[] | undefined {
  const id = from.id ?? '';
  if (from === to) return [id];
  if (past.has(id)) return undefined;
  const needs = from.shape.needs;
  for (const need of Array.isArray(needs) ? needs : []) {
    const next = steps.find((s) => s.id === need);
    const rest = next === undefined ? undefined : cycleFrom(next, to, steps, new Set([...past, id]));
    if (rest !== undefined) return [id, ...rest];
  }
  return undefined;
}
