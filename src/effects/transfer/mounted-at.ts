import { kindOf } from '../../core/file-system-kinds.ts';
import { mountedOf, readMounts } from '../../core/mounts.ts';
import type { Machine } from '../../core/ports.ts';
import { printable } from '../../core/printable.ts';
import type { CopiedFileSystem } from '../../core/probe.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { isWithin } from '../../core/within.ts';

// A practice machine has other mounts than the computer that it runs on.
const script = `[ -z "$DECOM_SURVEY" ] || exec "$DECOM_SURVEY" mounts
cat /proc/self/mountinfo 2>/dev/null || cat /proc/self/mounts 2>/dev/null || cat /proc/mounts`;

/**
 * The file systems that are mounted whole at or below what is copied: what tar, find and rsync cross into, as they stop at no border. One below an exclusion
 * is not among them. Empty where the host tells no mounts: then nothing is known to be crossed into.
 */
export async function mountedAt(
  machine: Machine,
  {
    from,
    exclude,
    root,
  }: { readonly from: readonly string[]; readonly exclude: readonly string[]; readonly root: boolean },
  signal: AbortSignal,
): Promise<Result<readonly CopiedFileSystem[]>> {
  const asked = await machine.exec({ argv: ['sh', '-c', script], root }, { signal, limit: 256 << 10 });
  if (!asked.ok) return asked;
  const { ended, stdout } = asked.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  // A line that was cut off at the limit is not believed.
  const text = new TextDecoder().decode(stdout);
  const { mounts } = readMounts(text.slice(0, text.lastIndexOf('\n') + 1));
  return ok(
    mountedOf(mounts).flatMap(({ id, type, targets }) =>
      targets
        .filter((at) => kindOf(type, at).kind === 'data')
        .filter((at) => from.some((path) => isWithin(at, path)) && !exclude.some((path) => isWithin(at, path)))
        .map((at) => ({ at: printable(at), id: printable(id) })),
    ),
  );
}
