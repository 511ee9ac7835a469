import { type Approval, approvalsSeen, areMet } from '../core/approval.ts';
import type { Breach } from '../core/chain.ts';
import type { EventOf, Recorded } from '../core/event.ts';
import type { Execution } from '../core/execution.ts';
import { jcs } from '../core/json.ts';
import type { TakenAt } from './audit-statements.ts';

/** A line that says why a gate let a step pass: approvals that were there, or a person who answers for it. `line` counts from 1. */
export interface PassedAt {
  readonly line: number;
  readonly event: Recorded<EventOf<'gate.approved'> | EventOf<'gate.waived'>>;
  /** The intent in force at that line, and who drove until then. */
  readonly of: Pick<Execution, 'intent' | 'drivers'>;
}

/**
 * The first line by which a gate let pass what it would not have: who writes a log could name anybody there. Whoever is named has to have said so before, on
 * record, of the intent in force; approvals have to have counted at that moment, and have been enough.
 */
export function passedByNobody(passed: readonly PassedAt[], taken: readonly TakenAt[]): Breach | undefined {
  for (const one of passed) {
    const before = taken.filter(({ line }) => line < one.line);
    const what =
      one.event.type === 'gate.approved' ? approvedWhy(one, one.event, before) : waivedWhy(one, one.event, before);
    if (what !== undefined) return { line: one.line, what };
  }
  return undefined;
}

function approvedWhy(
  { of }: PassedAt,
  { approvals, wanted, ts }: Recorded<EventOf<'gate.approved'>>,
  taken: readonly TakenAt[],
): string | undefined {
  if (!Array.isArray(approvals) || !(wanted?.persons >= 1) || !Array.isArray(wanted.roles))
    return 'it does not say which approvals were wanted and counted';
  const given = new Map(
    taken.flatMap(({ event: { statement, signed } }): [string, Approval][] => {
      if (statement.kind !== 'approve' || signed === null) return [];
      const { id, by, role = null, intent, expires = null } = statement;
      return [[jcs({ by, role, statement: id }), { statement: id, by, role, intent, expires, signed: true }]];
    }),
  );
  const counted: Approval[] = [];
  for (const one of approvals) {
    const approval = given.get(jcs(one));
    if (approval === undefined) return 'it counts an approval that is not on record before it';
    counted.push(approval);
  }
  const seen = approvalsSeen({ ...of, approvals: counted }, wanted, new Date(ts));
  const [strange] = seen.discounted;
  if (strange !== undefined) return `it counts the approval of ${strange.approval.by}, and ${strange.why}`;
  return areMet(seen) ? undefined : 'it lets a step begin with fewer approvals than it says are wanted';
}

function waivedWhy(
  { of }: PassedAt,
  { step, gate, by, reason, statement: id }: Recorded<EventOf<'gate.waived'>>,
  taken: readonly TakenAt[],
): string | undefined {
  const said = taken.some(
    ({ event: { statement: one } }) =>
      one.kind === 'waive' &&
      one.id === id &&
      one.by === by &&
      one.step === step &&
      one.gate === gate &&
      one.text === reason &&
      one.intent === of.intent,
  );
  return said ? undefined : `it says that ${String(by)} answers for a gate, and that is not on record before it`;
}
