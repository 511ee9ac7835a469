import { fail, ok, type Result, trouble } from '../core/result.ts';

/** `--take-over RUN --take-over-reason TEXT`: another run's claim on the host that is put away, and why. */
export interface TakingOver {
  readonly run: string;
  readonly reason: string;
}

/** What was said of another run's claim; a problem where only half of it was. */
export function takingOver({
  takeOver,
  takeOverReason,
}: {
  readonly takeOver?: string;
  readonly takeOverReason?: string;
}): Result<TakingOver | undefined> {
  if (takeOver === undefined && takeOverReason === undefined) return ok(undefined);
  if (takeOver !== undefined && takeOverReason !== undefined && takeOverReason.trim() !== '') {
    return ok({ run: takeOver, reason: takeOverReason });
  }
  return fail(
    trouble(
      'usage',
      'to take over a claim, its run and a reason are needed',
      'Give both: --take-over RUN --take-over-reason TEXT',
    ),
  );
}
