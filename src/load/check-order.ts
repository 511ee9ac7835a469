import type { AnyAction } from '../core/action.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import type { EvidenceKind } from '../core/evidence.ts';
import type { Json } from '../core/json.ts';
import { type OrderedStep, orderedStep, orderFaults } from '../core/order.ts';
import { type Param, type Runbook, type Step, stepsOf } from '../core/runbook.ts';
import { check, holdsReference } from './check.ts';
import { parseTemplate } from './template.ts';

/** Refuses what may begin before it is proved: each complaint stands at the step that begins too early, with the way that leads there. */
export function checkOrder(runbook: Runbook, kinds: ReadonlyMap<string, AnyAction>): readonly Diagnostic[] {
  const steps = stepsOf(runbook);
  const written = new Map(steps.map((step) => [step.id, step]));
  const yielding = (kind: EvidenceKind): readonly string[] =>
    [...kinds.values()].filter((action) => action.yields?.includes(kind)).map((action) => action.kind);
  const before: OrderedStep[] = [];
  return steps.flatMap((step) => {
    const action = kinds.get(step.uses);
    if (action === undefined) return [];
    const ordered = inOrder(step, action, runbook.params);
    const faults = orderFaults(before, ordered, yielding);
    before.push(ordered);
    return faults.map(({ what, fix, path, demand }): Diagnostic => {
      const way = path.flatMap(({ step: id, says }) => {
        const { place, uses } = written.get(id) ?? step;
        return [{ ...place, what: `"${id}" (${uses}) ${says}` }];
      });
      return {
        code: 'order',
        ...step.place,
        what: `${what}.`,
        fix: `${demand.why} ${fix}`,
        ...(way.length > 0 && { way }),
      };
    });
  });
}

/**
 * A step's input with the defaults of the parameters that it refers to. Where more than these is missing, it is not known how old evidence may be,
 * and the plan, which knows, judges that.
 */
function inOrder(step: Step, action: AnyAction, params: Runbook['params']): OrderedStep {
  const { value, whole } = withDefaults(step.with, params);
  const ordered = orderedStep(step, action, check(value ?? {}, action.input, [], holdsReference).value);
  if (whole) return ordered;
  return { ...ordered, demands: ordered.demands.map((demand) => ({ ...demand, maxAge: Number.POSITIVE_INFINITY })) };
}

interface Filled {
  readonly value: Json | undefined;
  readonly whole: boolean;
}

function withDefaults(value: Json, params: Runbook['params']): Filled {
  if (typeof value === 'string') return ofText(value, params);
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => withDefaults(item, params));
    return { value: items.flatMap((item) => item.value ?? []), whole: items.every((item) => item.whole) };
  }
  if (typeof value !== 'object' || value === null) return { value, whole: true };
  const entries = Object.entries(value).map(([key, item]) => [key, withDefaults(item, params)] as const);
  return {
    value: Object.fromEntries(
      entries.flatMap(([key, filled]) => (filled.value === undefined ? [] : [[key, filled.value]])),
    ),
    whole: entries.every(([, filled]) => filled.whole),
  };
}

function ofText(text: string, params: Runbook['params']): Filled {
  if (!holdsReference(text)) return { value: text, whole: true };
  const template = parseTemplate(text);
  const [only, ...others] = template.ok ? template.value : [];
  if (typeof only !== 'object' || others.length > 0 || only.root !== 'params')
    return { value: undefined, whole: false };
  const param: Param | undefined = params[only.path[0] ?? ''];
  return { value: param?.default, whole: param !== undefined && !param.required };
}
