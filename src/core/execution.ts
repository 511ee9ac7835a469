import type { There } from './act.ts';
import type { BlobRef } from './blob.ts';
import type { Direction, EventOf, Recorded } from './event.ts';
import type { Evidence } from './evidence.ts';
import type { Json } from './json.ts';
import { mayStartWriters } from './may-start-writers.ts';
import type { Operation, Receipt } from './operation.ts';
import type { Trouble } from './result.ts';
import type { Statement } from './statement.ts';

export type OperationStatus = 'intended' | 'done' | 'failed' | 'in-doubt' | 'not-done';

export interface OperationState {
  readonly n: number;
  readonly attempt: number;
  readonly operation: Operation;
  /** Where the host keeps it, if it can be found again there. */
  readonly there?: There;
  readonly status: OperationStatus;
  readonly receipt: Receipt;
  readonly at: string;
}

export type StepStatus =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'done'
  | 'already'
  | 'skipped'
  | 'failed'
  | 'blocked'
  | 'previewed'
  | 'rolled-back';

/** One direction of a step: forth as planned, or back in a rollback. */
export interface Pass {
  readonly status: StepStatus;
  readonly attempt: number;
  readonly operations: readonly OperationState[];
  /** The facts seen before the first act; never replaced. */
  readonly before: BlobRef | null;
  readonly agreed: boolean;
  /** Other people answer its form. */
  readonly left: boolean;
  readonly started: string | null;
  readonly ended: string | null;
  readonly trouble: Trouble | null;
  readonly said: string;
  /** It failed at least once before it was done. */
  readonly recovered: boolean;
  /** How often a new plan had it done once more. */
  readonly redone: number;
  /** What its rehearsal came to; null where it was not rehearsed. */
  readonly preview: EventOf<'step.previewed'>['how'] | null;
}

export interface StepState {
  readonly id: string;
  readonly forth: Pass;
  readonly back: Pass;
  readonly output: { readonly [name: string]: Json };
}

/** An operation that may have started a writer. Evidence that writers were stopped, if it is among the first `evidence`, no longer holds. */
export interface WritersStarted {
  readonly step: string;
  readonly operation: Operation;
  readonly evidence: number;
}

/** One item of a form, answered by somebody who does not drive the run. */
export interface Tick {
  readonly item: string;
  readonly done: boolean;
  readonly by: string;
  readonly note: string;
}

/** What a run has come to: the fold of its events, and nothing else. */
export interface Execution {
  readonly run: string;
  readonly rehearsal: boolean;
  readonly host: string;
  readonly serial: string;
  readonly plan: string;
  readonly intent: string;
  readonly runbook: string;
  readonly ticket: string | null;
  readonly reason: string | null;
  readonly responsible: string | null;
  readonly opened: string | null;
  readonly operators: readonly string[];
  readonly direction: Direction;
  readonly steps: { readonly [id: string]: StepState };
  readonly evidence: readonly Evidence[];
  /** The last of its kind. */
  readonly writersStarted: WritersStarted | null;
  /** By its folder: how many pieces of evidence there were when a copy was begun last. */
  readonly copiesBegun: { readonly [folder: string]: number };
  /** What people said about the run, in the order in which it was taken in. */
  readonly statements: readonly Statement[];
  /** By step: what was ticked of its form since a new plan last had it done once more. */
  readonly ticks: { readonly [step: string]: readonly Tick[] };
  readonly status: 'open' | 'parked' | 'stopped' | 'closed';
  readonly parked: { readonly step: string; readonly until: string | null; readonly why: string } | null;
  readonly stopped: { readonly by: string; readonly reason: string } | null;
  readonly outcome: 'done' | 'abandoned' | 'rolled-back' | 'rehearsed' | null;
  readonly closed: string | null;
  /** Time of the last line. */
  readonly last: string | null;
}

const emptyPass: Pass = {
  status: 'pending',
  attempt: 0,
  operations: [],
  before: null,
  agreed: false,
  left: false,
  started: null,
  ended: null,
  trouble: null,
  said: '',
  recovered: false,
  redone: 0,
  preview: null,
};

export const emptyStep = (id: string): StepState => ({ id, forth: emptyPass, back: emptyPass, output: {} });

export const emptyExecution: Execution = {
  run: '',
  rehearsal: false,
  host: '',
  serial: '',
  plan: '',
  intent: '',
  runbook: '',
  ticket: null,
  reason: null,
  responsible: null,
  opened: null,
  operators: [],
  direction: 'forth',
  steps: {},
  evidence: [],
  writersStarted: null,
  copiesBegun: {},
  statements: [],
  ticks: {},
  status: 'open',
  parked: null,
  stopped: null,
  outcome: null,
  closed: null,
  last: null,
};

export const stepState = (execution: Execution, id: string): StepState =>
  (Object.hasOwn(execution.steps, id) ? execution.steps[id] : undefined) ?? emptyStep(id);

/** Whether a step was come to and nothing of it was begun, as where a person quit before agreeing. */
export const startedOnly = ({ status, operations }: Pass): boolean => status === 'running' && operations.length === 0;

/** The whole history in one value. */
export const foldAll = (events: Iterable<Recorded>): Execution => {
  let execution = emptyExecution;
  for (const event of events) execution = fold(execution, event);
  return execution;
};

/** One event further. Pure and total: every journal that reads well folds. */
export function fold(execution: Execution, event: Recorded): Execution {
  const now: Execution = { ...execution, last: event.ts };
  switch (event.type) {
    case 'session.opened':
      return {
        ...now,
        operators: now.operators.includes(event.operator) ? now.operators : [...now.operators, event.operator],
        status: now.status === 'closed' ? 'closed' : 'open',
        stopped: null,
      };
    case 'session.closed':
    case 'checkpoint':
    case 'head.kept':
    case 'head.not-kept':
    case 'host.claimed':
    case 'claim.taken-over':
    case 'log.repaired':
    case 'statement.refused':
    case 'gate.waived':
      return now;
    case 'statement.taken':
      return said(now, event.statement);
    case 'run.opened':
      return {
        ...now,
        run: event.run,
        rehearsal: event.rehearsal,
        host: event.host,
        serial: event.serial,
        plan: event.plan,
        intent: event.intent,
        runbook: event.runbook,
        ticket: event.ticket,
        reason: event.reason,
        responsible: event.responsible,
        opened: event.ts,
      };
    case 'step.started':
      return onPass({ ...now, parked: null }, event, (pass) => ({
        ...pass,
        status: 'running',
        attempt: event.attempt,
        started: pass.started ?? event.ts,
        ended: null,
        recovered: pass.recovered || pass.status === 'failed',
        trouble: null,
      }));
    case 'step.planned':
      return onPass(now, event, (pass) => ({ ...pass, before: pass.before ?? event.before }));
    case 'step.agreed':
      return onPass(now, event, (pass) => ({ ...pass, agreed: true }));
    case 'operation.intended':
      return onPass(
        { ...now, writersStarted: startedBy(now, event), copiesBegun: begunBy(now, event) },
        event,
        (pass) => ({
          ...pass,
          operations: [
            ...pass.operations,
            {
              n: event.n,
              attempt: event.attempt,
              operation: event.operation,
              ...(event.there === undefined ? {} : { there: event.there }),
              status: 'intended',
              receipt: {},
              at: event.ts,
            },
          ],
        }),
      );
    case 'operation.done':
      return onOperation(now, event, (state) => ({ ...state, status: 'done', receipt: event.receipt, at: event.ts }));
    case 'operation.failed':
      return onOperation(now, event, (state) => ({ ...state, status: 'failed', receipt: event.receipt, at: event.ts }));
    case 'operation.in-doubt':
      return onOperation(now, event, (state) => ({ ...state, status: 'in-doubt', at: event.ts }));
    case 'operation.resolved':
      return onOperation(now, event, (state) => ({ ...state, status: event.outcome, at: event.ts }));
    case 'step.verified': {
      const after = onPass(now, event, (pass) => ({
        ...pass,
        status: event.direction === 'back' ? 'rolled-back' : event.already ? 'already' : 'done',
        ended: event.ts,
        said: event.said,
        trouble: null,
      }));
      if (event.direction === 'back') return after;
      const step = stepState(after, event.step);
      return {
        ...after,
        steps: { ...after.steps, [event.step]: { ...step, output: event.output } },
        evidence: [...after.evidence, ...event.evidence],
      };
    }
    case 'step.failed':
      return onPass(now, event, (pass) => ({ ...pass, status: 'failed', ended: event.ts, trouble: event.trouble }));
    case 'step.skipped':
      return onPass(now, event, (pass) => ({ ...pass, status: 'skipped', ended: event.ts, said: event.reason }));
    case 'step.previewed':
      return onPass(now, event, (pass) => ({
        ...pass,
        status: 'previewed',
        ended: event.ts,
        said: event.said,
        preview: event.how,
      }));
    case 'gate.blocked':
      return onPass(now, event, (pass) => ({ ...pass, status: 'blocked', trouble: event.trouble }));
    case 'run.parked': {
      const parked = { step: event.step, until: event.until, why: event.why };
      return onPass({ ...now, status: 'parked', parked }, event, (pass) => ({
        ...pass,
        status: 'waiting',
        left: pass.left || event.until === null,
      }));
    }
    case 'run.stopped':
      return { ...now, status: 'stopped', stopped: { by: event.by, reason: event.reason } };
    case 'plan.amended':
      return event.redo.reduce<Execution>(
        (state, step) =>
          onPass(state, { step, direction: 'forth' }, (pass) => ({
            ...pass,
            status: 'pending',
            redone: pass.redone + 1,
          })),
        {
          ...now,
          plan: event.plan,
          intent: event.intent,
          ticks: Object.fromEntries(Object.entries(now.ticks).filter(([step]) => !event.redo.includes(step))),
        },
      );
    case 'rollback.opened':
      return { ...now, direction: 'back', status: 'open' };
    case 'run.closed':
      return { ...now, status: 'closed', outcome: event.outcome, closed: event.ts };
  }
}

/** By the order of the lines, not by their times: a clock may jump. What was begun counts, whether it ended well or not. */
const startedBy = (execution: Execution, event: EventOf<'operation.intended'>): WritersStarted | null =>
  mayStartWriters(event.operation)
    ? { step: event.step, operation: event.operation, evidence: execution.evidence.length }
    : execution.writersStarted;

const begunBy = ({ copiesBegun, evidence }: Execution, { operation }: EventOf<'operation.intended'>) =>
  operation.kind === 'copy.archive' || operation.kind === 'copy.rsync'
    ? { ...copiesBegun, [operation.to]: evidence.length }
    : copiesBegun;

function said(execution: Execution, statement: Statement): Execution {
  const statements = [...execution.statements, statement];
  if (statement.kind !== 'tick') return { ...execution, statements };
  const { step, item, done, by, text } = statement;
  const others = (execution.ticks[step] ?? []).filter((tick) => tick.item !== item);
  return {
    ...execution,
    statements,
    ticks: { ...execution.ticks, [step]: [...others, { item, done, by, note: text }] },
  };
}

interface AtPass {
  readonly step: string;
  readonly direction: Direction;
}

function onPass(execution: Execution, at: AtPass, change: (pass: Pass) => Pass): Execution {
  const step = stepState(execution, at.step);
  const next: StepState = { ...step, [at.direction]: change(step[at.direction]) };
  return { ...execution, steps: { ...execution.steps, [at.step]: next } };
}

function onOperation(
  execution: Execution,
  at: AtPass & { readonly attempt: number; readonly n: number },
  change: (state: OperationState) => OperationState,
): Execution {
  return onPass(execution, at, (pass) => ({
    ...pass,
    operations: pass.operations.map((state) =>
      state.attempt === at.attempt && state.n === at.n ? change(state) : state,
    ),
  }));
}
