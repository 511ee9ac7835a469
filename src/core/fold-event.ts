import { cutsOff } from './cuts-off.ts';
import { type Direction, driverWords, type EventOf, type Recorded } from './event.ts';
import {
  type CutOff,
  type Execution,
  foundOf,
  type OperationState,
  type Pass,
  type StepState,
  stepState,
  ticksOf,
  type WritersStarted,
} from './execution.ts';
import { mayStartWriters } from './may-start-writers.ts';
import { makesCopy } from './operation.ts';

/** Objects that were made here and that nobody else has seen: these are changed where others are copied first. */
export type Own = Set<object>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function mine<T extends object>(value: T, own: Own): Mutable<T> {
  if (own.has(value)) return value as Mutable<T>;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Mutable<T>;
  own.add(copy);
  return copy;
}

/**
 * One event further: `execution` itself, changed, where it is in `own`, else a copy. Throws where the event lacks what its type has, before the
 * first change.
 */
export function after(execution: Execution, event: Recorded, own: Own): Execution {
  switch (event.type) {
    case 'session.opened': {
      const { operators } = execution;
      const driver = driverWords(event);
      return onRun(execution, event, own, {
        operators: operators.includes(driver) ? operators : [...operators, driver],
        present: event.seal?.principal ?? event.operator,
        inSession: true,
      });
    }
    case 'session.closed':
      return onRun(execution, event, own, { inSession: false });
    case 'head.kept':
    case 'head.not-kept':
    case 'host.claimed':
    case 'claim.taken-over':
    case 'log.repaired':
    case 'unsigned.accepted':
    case 'statement.refused':
    case 'gate.waived':
    case 'gate.approved':
      return onRun(execution, event, own, {});
    case 'storage.seen':
      return onRun(execution, event, own, { storage: { at: event.ts, file_systems: event.file_systems } });
    case 'host.counted':
      return onRun(execution, event, own, { counted: { ...execution.counted, [event.as]: event.ts } });
    case 'caps.raised':
      return onRun(execution, event, own, { capsRaised: { to: event.to, by: event.by, reason: event.reason } });
    case 'statement.taken':
      return said(execution, event, own);
    case 'run.opened': {
      const { run, rehearsal, host, serial, plan, intent, runbook, ticket, reason, responsible, ts } = event;
      return onRun(execution, event, own, {
        ...{ run, rehearsal, host, serial, plan, intent, runbook, ticket, reason, responsible },
        opened: ts,
        drivers: driven(execution),
      });
    }
    case 'step.started':
      return onPass(
        execution,
        event,
        own,
        (pass) => ({
          status: 'running',
          attempt: event.attempt,
          started: pass.started ?? event.ts,
          ended: null,
          recovered: pass.recovered || pass.status === 'failed',
          trouble: null,
        }),
        goesOn(execution),
      );
    case 'step.planned':
      return onPass(execution, event, own, (pass) => ({ before: pass.before ?? event.before }));
    case 'step.agreed':
      return onPass(execution, event, own, () => ({ agreed: true }));
    case 'operation.intended':
      return begun(execution, event, own);
    case 'operation.done':
      return became(execution, event, own, { status: 'done', receipt: event.receipt, at: event.ts });
    case 'operation.failed':
      return became(execution, event, own, { status: 'failed', receipt: event.receipt, at: event.ts });
    case 'operation.in-doubt':
      return became(execution, event, own, { status: 'in-doubt', at: event.ts });
    case 'operation.resolved':
      return became(execution, event, own, { status: event.outcome, at: event.ts });
    case 'step.verified':
      return verified(execution, event, own);
    case 'step.failed':
      return onPass(execution, event, own, () => ({ status: 'failed', ended: event.ts, trouble: event.trouble }));
    case 'step.skipped':
      return onPass(execution, event, own, () => ({ status: 'skipped', ended: event.ts, said: event.reason }));
    case 'step.previewed':
      return onPass(execution, event, own, () => ({
        status: 'previewed',
        ended: event.ts,
        said: event.said,
        preview: event.how,
      }));
    case 'gate.blocked':
      return blocked(execution, event, own);
    case 'run.parked': {
      const { gate, step, until, why } = event;
      const parked = { step, until, why, heard: execution.statements.length, ...(gate === undefined ? {} : { gate }) };
      // Whoever waits for approvals asks others nothing of its form.
      const forAnswers = event.until === null && event.gate === undefined;
      return onPass(execution, event, own, ({ left }) => ({ status: 'waiting', left: left || forAnswers }), {
        status: 'parked',
        parked,
      });
    }
    case 'run.stopped':
      return onRun(execution, event, own, { status: 'stopped', stopped: { by: event.by, reason: event.reason } });
    case 'plan.amended':
      return amended(execution, event, own);
    case 'rollback.opened':
      return onRun(execution, event, own, { direction: 'back', ...goesOn(execution) });
    case 'run.closed':
      return onRun(execution, event, own, { status: 'closed', outcome: event.outcome, closed: event.ts });
  }
}

/** A run waits, or stands still, until somebody drives it: that a session was opened, to take statements in, say, is not enough. */
const goesOn = (execution: Execution): Pick<Execution, 'status' | 'parked' | 'stopped' | 'drivers'> => ({
  ...{ status: 'open', parked: null, stopped: null },
  drivers: driven(execution),
});

/** With whoever is present among those who drive. */
const driven = ({ drivers, present }: Execution): readonly string[] =>
  drivers.includes(present) ? drivers : [...drivers, present];

interface AtTime {
  readonly ts: string;
}

function onRun(execution: Execution, { ts }: AtTime, own: Own, change: Partial<Execution>): Execution {
  const now = mine(execution, own);
  now.last = ts;
  return Object.assign(now, change);
}

interface AtPass extends AtTime {
  readonly step: string;
  readonly direction: Direction;
}

function onPass(
  execution: Execution,
  at: AtPass,
  own: Own,
  change: (pass: Pass) => Partial<Pass>,
  also: Partial<Execution> = {},
): Execution {
  const { step, direction } = at;
  // What is read from a file may be anything, and whether it is an event must not depend on those before it.
  if (typeof step !== 'string' || (direction !== 'forth' && direction !== 'back')) throw new TypeError('no step');
  const now = mine(execution, own);
  const state: Mutable<StepState> = mine(stepState(execution, step), own);
  const pass = mine(state[direction], own);
  Object.assign(pass, change(pass));
  state[direction] = pass;
  now.last = at.ts;
  now.steps = put(execution.steps, step, state, own);
  return Object.assign(now, also);
}

/** With that entry. The name comes from a log: also `__proto__` is only a name. */
function put<T>(map: { readonly [name: string]: T }, name: string, value: T, own: Own): { readonly [name: string]: T } {
  if (Object.hasOwn(map, name) && map[name] === value) return map;
  const mutable: { [name: string]: T } = mine(map, own);
  Object.defineProperty(mutable, name, { value, enumerable: true, configurable: true, writable: true });
  return mutable;
}

function begun(execution: Execution, event: EventOf<'operation.intended'> & AtTime, own: Own): Execution {
  const { attempt, n, operation, there, ts } = event;
  const state: OperationState = {
    ...{ n, attempt, operation },
    ...(there === undefined ? {} : { there }),
    ...{ status: 'intended', receipt: {}, at: ts },
  };
  const also = { writersStarted: startedBy(execution, event), cutOff: cutBy(execution, event) };
  const now = onPass(execution, event, own, (pass) => ({ operations: added(pass.operations, [state], own) }), also);
  if (!makesCopy(operation)) return now;
  const copiesBegun = put(now.copiesBegun, operation.to, now.evidence.length, own);
  return onRun(now, event, own, { copiesBegun });
}

/** By the order of the lines, not by their times: a clock may jump. What was begun counts, whether it ended well or not. */
const startedBy = (execution: Execution, event: EventOf<'operation.intended'>): WritersStarted | null =>
  mayStartWriters(event.operation)
    ? { step: event.step, operation: event.operation, evidence: execution.evidence.length }
    : execution.writersStarted;

/** The first stands: who was cut off does not come back by being stopped once more. */
const cutBy = (execution: Execution, { step, direction, operation }: EventOf<'operation.intended'>): CutOff | null =>
  execution.cutOff === null && direction === 'forth' && cutsOff(operation)
    ? { step, evidence: execution.evidence.length }
    : execution.cutOff;

function blocked(execution: Execution, event: Recorded<EventOf<'gate.blocked'>>, own: Own): Execution {
  const { trouble, gate, found: kinds } = event;
  const list = kinds === undefined ? undefined : trouble.blob;
  if (kinds?.every((kind) => typeof kind === 'string') === false) throw new TypeError('no kinds');
  const now = onPass(execution, event, own, () => ({ status: 'blocked', trouble, gate }));
  if (kinds === undefined || list === undefined) return now;
  const found = [...foundOf(now, event.step), { kinds, list }];
  return onRun(now, event, own, { found: put(now.found, event.step, found, own) });
}

/** What became of the operation that was begun last by those numbers. It is among the last ones. */
function became(
  execution: Execution,
  at: AtPass & { readonly attempt: number; readonly n: number },
  own: Own,
  change: Partial<OperationState>,
): Execution {
  return onPass(execution, at, own, ({ operations }) => {
    const index = operations.findLastIndex(({ attempt, n }) => attempt === at.attempt && n === at.n);
    const state = operations[index];
    if (state === undefined) return {};
    const others = mine(operations, own);
    others[index] = { ...state, ...change };
    return { operations: others };
  });
}

function verified(execution: Execution, event: Recorded<EventOf<'step.verified'>>, own: Own): Execution {
  const { direction, already, said, output, ts } = event;
  const found = direction === 'back' ? [] : [...event.evidence];
  const now = onPass(execution, event, own, () => ({
    status: direction === 'back' ? 'rolled-back' : already ? 'already' : 'done',
    ended: ts,
    said,
    trouble: null,
  }));
  if (direction === 'back') return now;
  const state: Mutable<StepState> = mine(stepState(now, event.step), own);
  state.output = output;
  return onRun(now, event, own, {
    steps: put(now.steps, event.step, state, own),
    evidence: found.length === 0 ? now.evidence : added(now.evidence, found, own),
  });
}

function amended(execution: Execution, event: Recorded<EventOf<'plan.amended'>>, own: Own): Execution {
  const { redo, plan, intent, ts } = event;
  if (!redo.every((step) => typeof step === 'string')) throw new TypeError('no steps');
  const at = (step: string): AtPass => ({ step, direction: 'forth', ts });
  const ticks = Object.fromEntries(Object.entries(execution.ticks).filter(([step]) => !redo.includes(step)));
  return redo.reduce<Execution>(
    (state, step) => onPass(state, at(step), own, ({ redone }) => ({ status: 'pending', redone: redone + 1 })),
    onRun(execution, event, own, { plan, intent, ticks, ...goesOn(execution) }),
  );
}

function said(execution: Execution, event: Recorded<EventOf<'statement.taken'>>, own: Own): Execution {
  const { statement } = event;
  const isTick = statement.kind === 'tick';
  const statements = added(execution.statements, [statement], own);
  if (statement.kind === 'approve') {
    const { id, by, role = null, intent, expires = null } = statement;
    const approval = { statement: id, by, role, intent, expires, signed: event.signed !== null };
    return onRun(execution, event, own, { statements, approvals: added(execution.approvals, [approval], own) });
  }
  if (!isTick) return onRun(execution, event, own, { statements });
  const { step, item, done, by, text } = statement;
  const ticked = [...ticksOf(execution, step).filter((tick) => tick.item !== item), { item, done, by, note: text }];
  return onRun(execution, event, own, { statements, ticks: put(execution.ticks, step, ticked, own) });
}

/** With those at its end. */
function added<T>(list: readonly T[], more: readonly T[], own: Own): readonly T[] {
  const longer: T[] = mine(list, own);
  for (const one of more) longer.push(one);
  return longer;
}
