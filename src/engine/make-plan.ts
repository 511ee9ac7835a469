import type { AnyAction, Probe, Setting } from '../core/action.ts';
import type { ApprovalsWanted } from '../core/approval.ts';
import type { Scope } from '../core/binding.ts';
import type { Host } from '../core/host.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { mayStartWriters } from '../core/may-start-writers.ts';
import { isProgram, type Operation } from '../core/operation.ts';
import { type OrderedStep, orderedStep, orderFaults } from '../core/order.ts';
import {
  type Blocker,
  type BoundHost,
  boundHelpers,
  boundHost,
  hostScope,
  type Plan,
  type PlanFacts,
  type PlannedStep,
  settingOf,
} from '../core/plan.ts';
import type { CopyDescription } from '../core/probe.ts';
import { type Seen, seen, trouble } from '../core/result.ts';
import { type Runbook, type Step, stepsOf } from '../core/runbook.ts';
import { cappedSurvey, type Survey } from '../core/survey.ts';
import { isGrave } from './agree.ts';
import { approvalsBound } from './approval-gate.ts';
import { closedSteps, freezesLeft } from './calendar.ts';
import { type Engine, folderName, inspect, powerNow } from './engine.ts';
import { coverageFor } from './foresee-coverage.ts';
import { yieldersOf } from './gates.ts';

export interface PlanRequest {
  readonly host: Host;
  readonly runbook: Runbook;
  readonly params: JsonObject;
  /** Id of the plan; of the run as well, unless an open run is planned anew. */
  readonly id: string;
  /** Id that names folders: the run's. Equal to `id` for a first plan. */
  readonly run: string;
  /** Milliseconds from now until the plan may no longer be started. */
  readonly lifetime: number;
  readonly tool: string;
  /** Who has to approve a plan before each irreversible step, by the workspace. */
  readonly approvals?: ApprovalsWanted;
  /** What earlier steps of an open run have put out, when it is planned anew. */
  readonly outputs?: Scope['steps'];
  /** How often each step was to be done once more, this plan included. */
  readonly redone?: { readonly [step: string]: number };
}

/**
 * Resolves a runbook for one host. Asks the world, changes nothing. Trouble with single steps does not end it: it becomes blockers,
 * so that a person sees all of them at once.
 */
export async function makePlan(asked: Engine, request: PlanRequest): Promise<Plan> {
  const engine = surveyedOnce(asked);
  const now = engine.clock.now();
  const host = boundHost(request.host);
  const helpers = boundHelpers(engine.helpers ?? []);
  const bound = { host, ...(helpers === undefined ? {} : { helpers }) };
  const power = await powerNow(engine);
  const scope: Scope = {
    params: request.params,
    host: hostScope(host),
    facts: { power },
    steps: request.outputs ?? {},
  };
  const steps: PlannedStep[] = [];
  const order: OrderedStep[] = [];
  const earlier: Operation[] = [];
  const facts: Record<string, PlanFacts['steps'][string]> = {};
  const blockers: Blocker[] = [];
  const made: Record<string, CopyDescription> = {};
  for (const step of stepsOf(request.runbook)) {
    const action = engine.actions.find((a) => a.kind === step.uses);
    if (action === undefined) throw new Error(`step ${step.id} uses ${step.uses}, which does not exist`);
    const setting = settingOf(bound, folderName(request.run, request.redone?.[step.id] ?? 0), step.id, engine.scratch);
    const planned = await planStep(engine, step, action, scope, { setting, earlier });
    // What is done already, the world itself shows.
    if (request.outputs?.[step.id] === undefined) earlier.push(...(planned.operations ?? []));
    blockers.push(...planned.blockers);
    const inOrder = ordered(step, action, planned, request.outputs?.[step.id] !== undefined);
    blockers.push(...orderBlockers(engine, order, inOrder));
    order.push(inOrder);
    const holds = planned.seen === null ? undefined : action.holds?.(planned.seen);
    if (holds !== undefined) made[step.id] = holds;
    const remarks = planned.seen === null ? [] : (action.remarks?.(planned.seen, setting) ?? []);
    facts[step.id] = {
      already: planned.operations?.length === 0 && action.effect !== 'none',
      seen: planned.seen,
      ...(remarks.length === 0 ? {} : { remarks }),
    };
    steps.push(plannedStep(step, action, planned.operations, request.approvals, bound.host));
  }
  const freezes = freezesLeft(engine, now);
  if (!freezes.ok) blockers.push({ step: null, trouble: freezes.error });
  const closed = closedSteps(engine, steps, now);
  blockers.push(...closed.blockers);
  const identity =
    engine.borrowed === undefined ? await engine.probe({ kind: 'host.identity' }) : engine.borrowed.identity;
  const survey = engine.borrowed === undefined ? await surveyed(engine, identity) : engine.borrowed.survey;
  const coverage = await coverageFor(engine, request.runbook, steps, made, identity);
  blockers.push(...coverage.blockers);
  return {
    format: 1,
    intent: {
      id: request.id,
      created: now.toISOString(),
      expires: new Date(now.getTime() + request.lifetime).toISOString(),
      journal: 1,
      ...bound,
      runbook: { name: request.runbook.name, title: request.runbook.title, sources: request.runbook.sources },
      params: request.params,
      phases: request.runbook.phases.map(({ phase, title }) => ({ phase, title })),
      ...(request.runbook.not_kept === undefined ? {} : { not_kept: request.runbook.not_kept }),
      steps,
    },
    facts: {
      observed: engine.borrowed?.observed ?? now.toISOString(),
      tool: request.tool,
      identity,
      power,
      steps: facts,
      blockers,
      ...(survey === undefined ? {} : { survey }),
      ...(coverage.seen === undefined ? {} : { coverage: coverage.seen }),
      ...(engine.way === undefined || engine.way.length === 0 ? {} : { way: engine.way }),
      ...(freezes.ok && freezes.value.length > 0 ? { freezes: freezes.value } : {}),
      ...(closed.closed.length === 0 ? {} : { closed: closed.closed }),
      borrowed: engine.borrowed !== undefined,
    },
  };
}

/** What is on a host is asked once a plan, whoever wants to know it, or a part of it. */
function surveyedOnce(engine: Engine): Engine {
  let survey: Promise<Seen<Survey>> | undefined;
  const probe: Probe = (question, context) => {
    if (question.kind !== 'host.survey' && question.kind !== 'host.use') return engine.probe(question, context);
    survey ??= engine.probe({ kind: 'host.survey' });
    return survey as never;
  };
  return { ...engine, probe };
}

/** A host that did not say who it is would not say more. */
async function surveyed(engine: Engine, identity: PlanFacts['identity']): Promise<NonNullable<PlanFacts['survey']>> {
  if (!identity.known) return identity;
  const survey = await engine.probe({ kind: 'host.survey' });
  return survey.known ? seen(cappedSurvey(survey.value, 100)) : survey;
}

interface StepPlan {
  readonly operations: PlannedStep['operations'];
  readonly seen: Json;
  readonly input: unknown;
  readonly blockers: readonly Blocker[];
}

async function planStep(
  engine: Engine,
  step: Step,
  action: AnyAction,
  scope: Scope,
  { setting, earlier }: { readonly setting: Setting; readonly earlier: readonly Operation[] },
): Promise<StepPlan> {
  const bound = engine.bind(step, scope);
  if (!bound.ok)
    return { operations: null, seen: null, input: undefined, blockers: [{ step: step.id, trouble: bound.error }] };
  const { input, waitsFor } = bound.value;
  let facts: unknown;
  if (waitsFor.length > 0) {
    if (action.foresee === undefined) {
      const why = trouble(
        'cannot-foresee',
        `step "${step.id}": ${step.uses} cannot be planned before ${waitsFor.join(', ')} has run`,
        'Give the value itself instead of a reference.',
      );
      return { operations: null, seen: null, input, blockers: [{ step: step.id, trouble: why }] };
    }
    facts = action.foresee(input, setting);
  } else {
    facts = await inspect(engine, action, input, { done: [] }, setting);
    if (facts === undefined) {
      const why = trouble(
        'facts-missing',
        `the saved facts say nothing of step "${step.id}"`,
        'Save a plan of this runbook where the host can be reached, and rehearse with that file.',
      );
      return { operations: null, seen: null, input, blockers: [{ step: step.id, trouble: why }] };
    }
  }
  const seen = waitsFor.length > 0 ? null : asJson(facts);
  const planned = action.plan(input, action.left?.(facts, earlier) ?? facts, setting);
  if ('blocked' in planned)
    return { operations: null, seen, input, blockers: [{ step: step.id, trouble: planned.blocked }] };
  return { operations: planned, seen, input, blockers: [] };
}

/** A step as its order is judged. What an open run has done already is neither skipped nor waited for any more. */
function ordered(step: Step, action: AnyAction, { input, operations }: StepPlan, done: boolean): OrderedStep {
  const { when, ...rest } = step;
  const judged = orderedStep(done ? rest : step, action, input);
  const starts = operations?.some(mayStartWriters) ?? false;
  return { ...judged, starts, ...(done ? { waits: 0, goesOn: false } : {}) };
}

/** What a step demands must be yielded by a step before it, on every way: that can be known without running anything. */
function orderBlockers(engine: Engine, before: readonly OrderedStep[], step: OrderedStep): readonly Blocker[] {
  return orderFaults(before, step, (kind) => yieldersOf(engine.actions, kind)).map(({ demand, what, fix }) => ({
    step: step.id,
    trouble: trouble('order', what, fix, demand.why),
  }));
}

function plannedStep(
  step: Step,
  action: AnyAction,
  operations: PlannedStep['operations'],
  policy: ApprovalsWanted | undefined,
  host: BoundHost,
): PlannedStep {
  const irreversible = isGrave(action);
  const approvals = approvalsBound(step.approvals, action, policy);
  return {
    id: step.id,
    phase: step.phase,
    title: step.title,
    uses: step.uses,
    with: step.with,
    when: step.when ?? null,
    needs: step.needs,
    timeout: step.timeout ?? null,
    retry: step.retry ?? null,
    on_failure: step.on_failure,
    effect: action.effect,
    reversible: action.rollback !== undefined,
    irreversible,
    once: action.once,
    ...(step.window === undefined || action.effect === 'none' ? {} : { window: step.window }),
    ...(approvals === undefined ? {} : { approvals }),
    ...preconditioned(irreversible, operations, host),
    operations,
  };
}

/** What of it is known when planning; which sources agree, and in which boot, only the run can tell. */
function preconditioned(
  grave: boolean,
  operations: PlannedStep['operations'],
  { serial, uuid, machine_id }: BoundHost,
): Pick<PlannedStep, 'precondition'> {
  if (!grave || operations?.some(isProgram) !== true) return {};
  const known = { ...(uuid === null ? {} : { uuid }), ...(machine_id === null ? {} : { machine_id }) };
  return { precondition: { serial, ...known } };
}

/** Facts as they can be kept in the plan: anything undefined is left out. */
const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json;
