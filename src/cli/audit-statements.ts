import type { Breach } from '../core/chain.ts';
import type { EventOf, Recorded } from '../core/event.ts';
import { type StatementKind, statementBytes, statementNamespace } from '../core/statement.ts';
import { verifiedVoucher } from './compose.ts';

/** A statement in a log, and whether its signature is that of the listed person it names. */
export interface StatementAudit {
  readonly line: number;
  readonly by: string;
  readonly kind: StatementKind;
  readonly held: boolean;
}

export interface StatementsAudit {
  readonly statements: readonly StatementAudit[];
  /** What is not signed, or could not be judged, in sentences. */
  readonly lacks: readonly string[];
  readonly breach?: Breach;
}

/** A line that took a statement in. `line` counts from 1. */
export interface TakenAt {
  readonly line: number;
  readonly event: Recorded<EventOf<'statement.taken'>>;
}

/**
 * Has what people said in a log verified. A key has to have been allowed when the log took the statement in: when it was made is what its
 * maker says. Whoever signed a log as it stood at a line is held to that line's hash.
 */
export async function auditStatements(
  taken: readonly TakenAt[],
  run: string,
  allowedSigners: string | undefined,
  hashOfLine: (line: number) => string | undefined,
): Promise<StatementsAudit> {
  const statements: StatementAudit[] = [];
  const lacks: string[] = [];
  const ids = new Set<string>();
  let breach: Breach | undefined;
  for (const { line, event } of taken) {
    const { statement, signed, ts } = event;
    const { by, kind, id } = statement;
    if (ids.has(id)) breach ??= { line, what: `what ${by} said there is on record before it` };
    ids.add(id);
    const what = `what ${by} said (${kind}) at line ${line}`;
    let held = false;
    if (signed === null) lacks.push(`${what} is signed by nobody`);
    else if (allowedSigners === undefined)
      lacks.push(`${what} is signed, and there is no list of allowed signers to judge it by`);
    else {
      const message = statementBytes(statement);
      const namespace = statementNamespace;
      const judged = await verifiedVoucher(allowedSigners, {
        principal: by,
        message,
        signature: signed,
        namespace,
        at: ts,
      });
      held = judged.ok;
      if (!judged.ok && judged.error.code === 'not-vouched')
        breach ??= { line, what: [judged.error.what, judged.error.detail].filter(Boolean).join(': ') };
      else if (!judged.ok) lacks.push(`${what} could not be judged: ${judged.error.what}`);
    }
    if (statement.run !== run) breach ??= { line, what: `what ${by} said there was said of run ${statement.run}` };
    if (statement.kind === 'sign' && hashOfLine(statement.size) !== statement.hash)
      breach ??= { line, what: `${by} signed another log: its line ${statement.size} had the hash ${statement.hash}` };
    statements.push({ line, by, kind, held });
  }
  return { statements, lacks, ...(breach === undefined ? {} : { breach }) };
}
