import { type ActPlace, actOf } from '../core/act.ts';
import type { AnyAction, ExecuteContext, PerformContext, Setting } from '../core/action.ts';
import type { Direction } from '../core/event.ts';
import { stepState, ticksOf } from '../core/execution.ts';
import type { FormItem, Operation, OperationOf, Outcome, Receipt } from '../core/operation.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { Ask, Question, StepAsked, Tell } from '../core/ports.ts';
import { type Trouble, trouble } from '../core/result.ts';
import type { StatementOf } from '../core/statement.ts';
import type { Engine } from './engine.ts';
import type { Executor } from './executor.ts';
import { holdClaim } from './hold-claim.ts';
import type { Journal } from './journal.ts';
import { preconditionOf } from './precondition-of.ts';
import { waiverOf } from './waiver.ts';

/** Why the operations of a step did not all end well. */
export type Halt =
  | { readonly halt: 'failed'; readonly trouble: Trouble }
  | { readonly halt: 'doubt'; readonly trouble: Trouble }
  /** Somebody else works on the host: nothing was begun. */
  | { readonly halt: 'claimed'; readonly trouble: Trouble }
  /** The host is not what it must be: nothing was begun. */
  | { readonly halt: 'refused'; readonly trouble: Trouble }
  | { readonly halt: 'parked'; readonly until: string | null; readonly why: string }
  | { readonly halt: 'quit'; readonly why: 'quit' | 'interrupted' | 'end-of-input' }
  | { readonly halt: 'missing'; readonly what: string; readonly fix: string };

export type Performed =
  | { readonly ok: true; readonly receipts: readonly Receipt[] }
  | { readonly ok: false; readonly halt: Halt };

export interface StepRun {
  readonly engine: Engine;
  readonly journal: Journal;
  readonly executor: Executor;
  readonly ask: Ask;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly operator: string;
  readonly step: PlannedStep;
  readonly asked: StepAsked;
  readonly action: AnyAction;
  readonly setting: Setting;
  readonly direction: Direction;
  readonly attempt: number;
}

/** Carries a halt out of an action's own `execute`. */
class Halted extends Error {
  readonly halt: Halt;
  constructor(halt: Halt) {
    super(halt.halt);
    this.halt = halt;
  }
}

/**
 * Does operations in order, each one recorded before it begins and after it ended. `first` numbers them within the attempt.
 * Stops at the first that does not end well.
 */
export async function performAll(run: StepRun, operations: readonly Operation[], first = 0): Promise<Performed> {
  let n = first;
  const perform = async (operation: Operation): Promise<Receipt> => {
    const ended = await performOne(run, operation, n++);
    if (!ended.ok) throw new Halted(ended.halt);
    return ended.receipt;
  };
  try {
    if (run.action.execute !== undefined && run.direction === 'forth' && first === 0) {
      const receipts = await run.action.execute(operations, { perform, ...lookingContext(run) });
      return { ok: true, receipts };
    }
    const receipts: Receipt[] = [];
    for (const operation of operations) receipts.push(await perform(operation));
    return { ok: true, receipts };
  } catch (error) {
    if (error instanceof Halted) return { ok: false, halt: error.halt };
    throw error;
  }
}

/** What an action may use while it acts or looks. */
export function lookingContext(run: StepRun): Omit<ExecuteContext, 'perform'> {
  const { probe, clock } = run.engine;
  const { signal } = run;
  const progress: ExecuteContext['progress'] = (p) => run.tell({ notice: 'progress', step: run.step.id, progress: p });
  return {
    probe: (question, context) => probe(question, { signal, progress, ...context }),
    signal,
    sleep: (ms) => clock.sleep(ms, signal),
    progress,
  };
}

type OneEnded = { readonly ok: true; readonly receipt: Receipt } | { readonly ok: false; readonly halt: Halt };
const halted = (halt: Halt): OneEnded => ({ ok: false, halt });

async function performOne(run: StepRun, operation: Operation, n: number): Promise<OneEnded> {
  const { journal, step, direction, attempt } = run;
  const at = { step: step.id, direction, attempt, n };
  if (operation.kind === 'wait' && run.engine.clock.now() < new Date(operation.until)) {
    const waiver = endedBy(run);
    if (waiver === undefined) return halted({ halt: 'parked', until: operation.until, why: operation.why });
    const { by, text, id } = waiver;
    const given = { gate: 'wait', by, reason: text, statement: id, trouble: notOver(step.id, operation) };
    journal.record({ type: 'gate.waived', step: step.id, direction: 'forth', ...given });
  }
  if (run.signal.aborted) return halted({ halt: 'failed', trouble: stoppedTrouble(run) });
  const claim = await holdClaim(run, operation, n);
  if (claim !== undefined) return halted({ halt: claim.code === 'claimed' ? 'claimed' : 'failed', trouble: claim });
  const must = preconditionOf(run, operation);
  if (!must.ok) return halted({ halt: 'refused', trouble: must.error });
  const precondition = must.value;
  const place: ActPlace = { run: journal.execution.run, ...at };
  // What may be repeated is begun anew after a lost connection; what may not has to be found again.
  const there = run.action.once ? await run.executor.acts?.prepare(operation, place) : undefined;
  if (there?.ok === false) return halted({ halt: 'failed', trouble: there.error });
  const kept = there?.value ?? undefined;
  journal.record({
    ...{ type: 'operation.intended', ...at, operation },
    ...(kept === undefined ? {} : { there: kept }),
    ...(precondition === undefined ? {} : { precondition }),
  });
  const outcome = await act(run, operation, {
    ...(kept === undefined ? {} : { act: actOf(kept, place) }),
    ...(precondition === undefined ? {} : { precondition }),
  });
  if ('halt' in outcome) {
    journal.record({
      type: 'operation.failed',
      ...at,
      trouble: notAnswered(step.id, outcome),
      receipt: {},
    });
    return halted(outcome);
  }
  switch (outcome.outcome) {
    case 'done':
      journal.record({ type: 'operation.done', ...at, receipt: outcome.receipt });
      return { ok: true, receipt: outcome.receipt };
    case 'failed':
      // An act that may not be repeated and was cut off half way has no known outcome, even if its end was seen.
      if (run.action.once && run.signal.aborted) {
        journal.record({ type: 'operation.in-doubt', ...at, trouble: outcome.trouble });
        return halted({ halt: 'doubt', trouble: outcome.trouble });
      }
      journal.record({ type: 'operation.failed', ...at, trouble: outcome.trouble, receipt: outcome.receipt ?? {} });
      return halted({ halt: 'failed', trouble: outcome.trouble });
    case 'refused': {
      const reason = 'the host was asked in the same command, and refused it before it began';
      journal.record({ type: 'operation.resolved', ...at, outcome: 'not-done', by: 'probe', who: null, reason });
      return halted({ halt: 'refused', trouble: outcome.trouble });
    }
    case 'unknown':
      journal.record({ type: 'operation.in-doubt', ...at, trouble: outcome.trouble });
      return halted(
        run.action.once
          ? { halt: 'doubt', trouble: unseenEnd(run, outcome.trouble) }
          : { halt: 'failed', trouble: outcome.trouble },
      );
  }
}

async function act(
  run: StepRun,
  operation: Operation,
  asked: Pick<PerformContext, 'act' | 'precondition'>,
): Promise<Outcome | Halt> {
  switch (operation.kind) {
    case 'wait': {
      const waiver = run.engine.clock.now() < new Date(operation.until) ? endedBy(run) : undefined;
      const early = waiver === undefined ? {} : { ended_by: waiver.by, reason: waiver.text };
      return { outcome: 'done', receipt: { until: operation.until, ...early } };
    }
    case 'ask': {
      const ticks = ticked(run, operation.items);
      const open = operation.items.filter(({ id }) => !ticks.some((tick) => tick.id === id && tick.done));
      if (open.length === 0) return { outcome: 'done', receipt: { by: namesOf(ticks), items: ticks } };
      const question: Question = {
        ask: 'form',
        step: run.asked,
        form: operation.form,
        title: operation.title,
        items: open,
      };
      const answer = await run.ask(question, run.signal);
      if (answer.answer === 'filled') {
        return {
          outcome: 'done',
          receipt: {
            by: run.operator,
            items: operation.items.flatMap(({ id }) => {
              const given = answer.items.find((item) => item.id === id);
              if (given !== undefined) return [{ id, done: given.done, note: given.note }];
              return ticks.filter((tick) => tick.id === id);
            }),
          },
        };
      }
      if (answer.answer === 'quit') return { halt: 'quit', why: answer.why };
      // Who left it to others once does not have to say so again.
      if (
        answer.answer === 'left' ||
        (answer.answer === 'missing' && stepState(run.journal.execution, run.step.id).forth.left)
      )
        return {
          halt: 'parked',
          until: null,
          why: `others answer ${open.map(({ id }) => id).join(', ')}: decom tick ${run.journal.execution.run} ${run.step.id} ITEM`,
        };
      if (answer.answer === 'missing') return { halt: 'missing', what: answer.what, fix: answer.fix };
      throw new Error(`a form cannot be answered with "${answer.answer}"`);
    }
    default:
      return run.executor.perform(operation, { ...lookingContext(run), ...asked });
  }
}

/** Who said by name that the rest of a wait is not waited for. */
const endedBy = ({ journal, step }: StepRun): StatementOf<'waive'> | undefined =>
  waiverOf(journal.execution, step.id, 'wait');

const notOver = (step: string, { until, why }: OperationOf<'wait'>): Trouble =>
  trouble('not-yet', `step "${step}" waits until ${until}: ${why}`, 'Nothing to do: resume after that time.');

/** What others ticked of a form, in its order. */
const ticked = ({ journal, step, direction }: StepRun, items: readonly FormItem[]) => {
  const ticks = direction === 'forth' ? ticksOf(journal.execution, step.id) : [];
  return items.flatMap(({ id }) =>
    ticks.filter((tick) => tick.item === id).map(({ done, note, by }) => ({ id, done, note, by })),
  );
};

const namesOf = (ticks: readonly { readonly by: string }[]): string =>
  [...new Set(ticks.map(({ by }) => by))].join(', ');

/** Nothing failed: whoever was asked stopped, or nobody was there to be asked. */
const notAnswered = (step: string, halt: Halt): Trouble =>
  trouble(
    'not-answered',
    `step "${step}" was not answered: ${notAnsweredWhy(halt)}`,
    'Take it up again with: decom resume',
  );

function notAnsweredWhy(halt: Halt): string {
  if (halt.halt === 'parked') return 'it is left to others';
  if (halt.halt !== 'quit') return 'nobody was there to answer';
  return halt.why === 'interrupted' ? 'it was interrupted' : 'it was stopped by a person';
}

/** An act that is never begun a second time by itself was begun, and its end was not seen. */
const unseenEnd = ({ step, journal }: StepRun, why: Trouble): Trouble =>
  trouble(
    why.code,
    `step "${step.id}" was begun, and nobody saw it end: ${why.what}`,
    `Look on the host whether it was done, then: decom resume ${journal.execution.run}`,
    why.detail,
  );

/** What a cut-off act is told as: by time, or by a person or a signal. */
export function stoppedTrouble(run: Pick<StepRun, 'signal' | 'step'>): Trouble {
  const reason: unknown = run.signal.reason;
  if (reason instanceof StepTimeout) {
    return trouble(
      'timeout',
      `step "${run.step.id}" did not end within its time limit`,
      'Raise its timeout, or see what holds it up; then: decom resume',
    );
  }
  return trouble('interrupted', `step "${run.step.id}" was interrupted`, 'Take it up again with: decom resume');
}

/** The reason with which a step's own time limit aborts it. */
export class StepTimeout extends Error {}
