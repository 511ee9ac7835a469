import type { AnyAction } from '../core/action.ts';
import { type Execution, foundOf } from '../core/execution.ts';
import { jcs, sha256 } from '../core/json.ts';
import type { Plan, PlannedStep } from '../core/plan.ts';
import type { Clock, Inbox, JudgeStatement, Waiting } from '../core/ports.ts';
import { type Trouble, trouble } from '../core/result.ts';
import { readStatement, type SignedStatement, type StatementOf } from '../core/statement.ts';
import type { Journal } from './journal.ts';
import { asksForCoverage, isCoverageGate, mayAnswerFor, mayBeWaived } from './waiver.ts';

/** What a run's writer needs to take in what others said of it. */
export interface Reception {
  readonly inbox: Inbox;
  readonly judge: JudgeStatement;
  /** The SHA-256 of the log's line of that number, counted from 1. */
  readonly hashOfLine: (line: number) => string | undefined;
}

export interface Receiving {
  readonly journal: Journal;
  readonly plan: Plan;
  readonly actions: readonly AnyAction[];
  readonly clock: Clock;
  readonly reception?: Reception;
}

/** How far a clock that made a statement may be ahead of this one, in milliseconds. */
const clockSkew = 60_000;

/**
 * Takes in what lies in the inbox: each file is on record, taken or refused, before it is moved away. A process that is killed between
 * the two finds the file again, and its statement on record. Returns how many were taken and how many refused.
 */
export async function takeIn(receiving: Receiving): Promise<{ readonly taken: number; readonly refused: number }> {
  const { journal, clock, reception } = receiving;
  let taken = 0;
  let refused = 0;
  for (const waiting of reception?.inbox.waiting() ?? []) {
    const judged = await judge(receiving, waiting, clock.now());
    if ('refused' in judged) {
      const { name, content } = waiting;
      const hash = content.ok ? sha256(content.bytes) : content.sha256;
      journal.record({ type: 'statement.refused', file: name, sha256: hash, trouble: judged.refused });
      reception?.inbox.refused(name);
      refused++;
    } else {
      if (!judged.known) {
        journal.record({ type: 'statement.taken', ...judged.signed });
        taken++;
      }
      reception?.inbox.taken(waiting.name);
    }
  }
  return { taken, refused };
}

type Judged =
  | { readonly refused: Trouble }
  /** `known`: it is on record already. */
  | { readonly known: boolean; readonly signed: SignedStatement };

async function judge(receiving: Receiving, { name, content }: Waiting, now: Date): Promise<Judged> {
  const { journal, reception } = receiving;
  if (!content.ok) {
    const why = `${name} in the inbox cannot be taken: ${content.unfit}`;
    return { refused: trouble('not-a-statement', why, 'Have it made anew.') };
  }
  const read = readStatement(content.bytes, name);
  if (!read.ok) return { refused: read.error };
  const { statement } = read.value;
  const same = journal.execution.statements.find(({ id }) => id === statement.id);
  if (same !== undefined && jcs(same) === jcs(statement)) return { known: true, signed: read.value };
  const amiss = same === undefined ? misfit(receiving, read.value, now) : 'another one with its number is on record';
  if (amiss !== undefined) {
    const what = `what ${statement.by} said (${statement.kind}) was not taken: ${amiss}`;
    return { refused: trouble('statement-refused', what, 'Say it anew, of the run as it stands: decom status') };
  }
  const held = await reception?.judge(read.value, now.toISOString());
  return held?.ok === true
    ? { known: false, signed: read.value }
    : { refused: held?.error ?? trouble('not-judged', 'nobody judges signatures here', 'Say it anew.') };
}

/** Why a statement does not fit the run as it stands; undefined where it does. */
function misfit(receiving: Receiving, { statement, signed }: SignedStatement, now: Date): string | undefined {
  const { journal, plan, actions, reception } = receiving;
  const { execution } = journal;
  if (statement.run !== execution.run || statement.host !== execution.host)
    return `it speaks of run ${statement.run} of ${statement.host}`;
  if (Date.parse(statement.at) > now.getTime() + clockSkew) return `it is of a time to come (${statement.at})`;
  const step = 'step' in statement ? plan.intent.steps.find(({ id }) => id === statement.step) : undefined;
  if ('step' in statement && step === undefined) return `the plan has no step "${statement.step}"`;
  switch (statement.kind) {
    case 'comment':
      return undefined;
    case 'sign':
      return reception?.hashOfLine(statement.size) === statement.hash
        ? undefined
        : `the log’s line ${statement.size} is not the one that was signed`;
    case 'approve':
    case 'waive': {
      if (statement.intent !== execution.intent) return 'it was said of another plan than the one in force';
      if (statement.kind === 'approve') return undefined;
      const action = actions.find(({ kind }) => kind === step?.uses);
      if (action !== undefined && isCoverageGate(statement.gate) && asksForCoverage(action, step?.with))
        return action.effect === 'destroys' && signed === null
          ? 'before a step that destroys, only what is signed counts, and this is not'
          : undefined;
      return action !== undefined && mayBeWaived(action, statement.gate, step?.with)
        ? unfound(execution, action, step, statement)
        : `nobody can answer for the gate "${statement.gate}" of step "${statement.step}"`;
    }
    case 'tick': {
      const items = (step?.operations ?? []).flatMap((operation) => (operation.kind === 'ask' ? operation.items : []));
      return items.some(({ id }) => id === statement.item)
        ? undefined
        : `step "${statement.step}" has no item "${statement.item}"`;
    }
  }
}

/** Whoever answers for what a step found says which finds: those that the log holds, and nothing that comes later. */
function unfound(
  execution: Execution,
  action: AnyAction,
  step: PlannedStep | undefined,
  { gate, found }: StatementOf<'waive'>,
): string | undefined {
  if (step === undefined || !mayAnswerFor(action, step.with).includes(gate)) return undefined;
  return foundOf(execution, step.id).some(({ list, kinds }) => list.sha256 === found && kinds.includes(gate))
    ? undefined
    : `step "${step.id}" did not find what it speaks of`;
}
