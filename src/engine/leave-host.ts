import type { Execution } from '../core/execution.ts';
import { letsIn } from '../core/operation.ts';
import type { Drive } from './run-step.ts';

/** Once a run is closed nothing of it needs to be found again, and the host is anybody's. What cannot be reached keeps what it has. */
export async function leaveHost({
  journal,
  executor,
  tell,
}: Pick<Drive, 'journal' | 'executor'> & Partial<Pick<Drive, 'tell'>>): Promise<void> {
  const { execution } = journal;
  const kept = Object.values(execution.steps).some((step) =>
    [...step.forth.operations, ...step.back.operations].some((o) => o.there !== undefined),
  );
  if (kept) await executor.acts?.forget(execution.run);
  const left = await executor.dismiss?.(execution.run, copiesLeftOpen(execution));
  for (const trouble of left ?? []) tell?.({ notice: 'left', trouble });
  await executor.claims?.drop();
}

/** Copies for which a helper was let in, and whose end nobody wrote down. */
export const copiesLeftOpen = (execution: Execution): readonly string[] => [
  ...new Set(
    Object.values(execution.steps).flatMap((step) =>
      step.forth.operations.flatMap(({ operation, status }) =>
        letsIn(operation) && status !== 'done' ? [operation.to] : [],
      ),
    ),
  ),
];
