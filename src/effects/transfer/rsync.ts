import type { PerformContext } from '../../core/action.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import { trouble } from '../../core/result.ts';
import type { TransferDeps } from './deps.ts';

export async function copyRsync(_d: TransferDeps, _o: OperationOf<'copy.rsync'>, _c: PerformContext): Promise<Outcome> {
  return { outcome: 'failed', trouble: trouble('not-yet', 'rsync', '') };
}
