import type { AnyAction } from '../core/action.ts';
import type { EvidenceKind } from '../core/evidence.ts';
import { type Execution, foundOf } from '../core/execution.ts';
import type { Json } from '../core/json.ts';
import { encodePath } from '../core/mtree.ts';
import type { BlobStore } from '../core/ports.ts';
import type { StatementOf } from '../core/statement.ts';
import { type Answered, findsIn } from '../core/use.ts';

/** Evidence that a person may answer for. Which machine it is, and that it is off, nobody can. */
const answerable: readonly EvidenceKind[] = ['writers.stopped', 'restore.proven'];

/** What a person may answer for besides evidence. A freeze is the organisation's, and no one person's to pass. */
const window = 'window';

/** The rest of a wait. Somebody has to say why it is not waited for. */
const rest = 'wait';

const forPath = 'coverage:';

/** The gate of one file system that no proved copy holds: `coverage:/srv/db`. */
export const coverageGate = (path: string): string => `${forPath}${encodePath(path)}`;

/** Whether a gate is that of a file system, which somebody may answer for before any step that asks for all of them; of one that destroys, only signed. */
export const isCoverageGate = (gate: string): boolean => gate.startsWith(forPath);

/** Whether such a step asks that every file system with data is kept. */
export const asksForCoverage = (action: Pick<AnyAction, 'demands'>, input: unknown): boolean =>
  (action.demands?.(input as never) ?? []).some(({ covers }) => covers !== undefined);

/** Whether a person may answer for a gate of such a step, with that input. Never where data would be gone for good. */
export const mayBeWaived = (
  action: Pick<AnyAction, 'kind' | 'effect' | 'waivable'>,
  gate: string,
  input: unknown,
): boolean =>
  (gate === rest && action.kind === 'wait') ||
  mayAnswerFor(action, input).includes(gate) ||
  (action.effect !== 'destroys' && (gate === window || answerable.some((kind) => kind === gate)));

/** The kinds of what such a step finds that a person may answer for. */
export const mayAnswerFor = (action: Pick<AnyAction, 'waivable'>, input: unknown): readonly string[] =>
  action.waivable?.(input) ?? [];

/** Who answers for what a step found, under the intent in force: each for what its list held, however often it is found again. */
export function answersFor(
  execution: Pick<Execution, 'statements' | 'intent' | 'found'>,
  step: string,
  blobs: BlobStore,
): readonly Answered[] {
  return execution.statements.flatMap((one) => {
    if (one.kind !== 'waive' || one.step !== step || one.intent !== execution.intent) return [];
    const list = foundOf(execution, step).find((found) => found.list.sha256 === one.found)?.list;
    if (list === undefined || blobs.check(list) !== 'whole') return [];
    const kept = findsIn(JSON.parse(Buffer.from(blobs.get(list)).toString('utf8')) as Json);
    const keys = kept.flatMap(({ gate, key }) => (gate === one.gate ? [key] : []));
    return [{ gate: one.gate, by: one.by, reason: one.text, statement: one.id, keys }];
  });
}

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
