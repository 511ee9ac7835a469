import { letsIn } from '../core/operation.ts';
import type { Drive } from './run-step.ts';

/** Once a run is closed nothing of it needs to be found again, and the host is anybody's. What cannot be reached keeps what it has. */
export async function leaveHost({ journal, executor }: Pick<Drive, 'journal' | 'executor'>): Promise<void> {
  const kept = Object.values(journal.execution.steps).some((step) =>
    [...step.forth.operations, ...step.back.operations].some(
      ({ there, operation }) => there !== undefined || letsIn(operation),
    ),
  );
  if (kept) await executor.acts?.forget(journal.execution.run);
  await executor.claims?.drop();
}
