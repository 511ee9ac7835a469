import type { AnyAction } from '../core/action.ts';
import type { EvidenceKind } from '../core/evidence.ts';
import type { Execution } from '../core/execution.ts';
import type { StatementOf } from '../core/statement.ts';

/** Evidence that a person may answer for. Which machine it is, and that it is off, nobody can. */
const answerable: readonly EvidenceKind[] = ['writers.stopped', 'restore.proven'];

/** What a person may answer for besides evidence. A freeze is the organisation's, and no one person's to pass. */
const window = 'window';

/** The rest of a wait. Somebody has to say why it is not waited for. */
const rest = 'wait';

/** Whether a person may answer for a gate of such a step. Never where data would be gone for good. */
export const mayBeWaived = (action: Pick<AnyAction, 'kind' | 'effect'>, gate: string): boolean =>
  (gate === rest && action.kind === 'wait') ||
  (action.effect !== 'destroys' && (gate === window || answerable.some((kind) => kind === gate)));

/** The last waiver of a step's gate that speaks of the intent in force: a new plan voids what was said of the old one. */
export const waiverOf = (
  { statements, intent }: Pick<Execution, 'statements' | 'intent'>,
  step: string,
  gate: string,
): StatementOf<'waive'> | undefined =>
  statements.findLast(
    (statement): statement is StatementOf<'waive'> =>
      statement.kind === 'waive' && statement.step === step && statement.gate === gate && statement.intent === intent,
  );
