import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { runHere } from './local-program.ts';

/** Removes a folder by `rm`, which copes with paths longer than a system call takes and keeps no list of a million names. */
export async function removeTree(folder: string): Promise<Result<void>> {
  const first = await runHere(['rm', '-rf', '--', folder], { pkg: 'coreutils' });
  if (!first.ok) return first;
  if (first.value.code === 0) return ok(undefined);
  // Restored folders may lack the right to be emptied by their own owner.
  await runHere(['chmod', '-R', 'u+rwX', '--', folder], { pkg: 'coreutils' });
  const second = await runHere(['rm', '-rf', '--', folder], { pkg: 'coreutils' });
  if (!second.ok) return second;
  if (second.value.code === 0) return ok(undefined);
  return fail(trouble('not-removed', `${folder} could not be removed`, 'Remove it by hand.', second.value.stderr));
}
