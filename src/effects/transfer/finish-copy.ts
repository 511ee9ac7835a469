import type { PerformContext } from '../../core/action.ts';
import type { BlobRef } from '../../core/blob.ts';
import { type Keep, keptFrom } from '../../core/keep.ts';
import type { Outcome } from '../../core/operation.ts';
import { placeOf } from '../../core/place.ts';
import type { CopiedFileSystem, CopyDescription } from '../../core/probe.ts';
import { type Complaints, vanished } from './complaints.ts';
import type { PartialCopy } from './copy-folder.ts';
import type { TransferDeps } from './deps.ts';
import type { HashTool } from './hash-tool.ts';
import type { Keeper } from './keeper.ts';
import type { Lines } from './lines.ts';
import { takeManifest } from './manifest.ts';
import { mountedAt } from './mounted-at.ts';

interface Copied {
  readonly method: CopyDescription['method'];
  readonly operation: {
    readonly from: readonly string[];
    readonly exclude: readonly string[];
    readonly to: string;
    readonly root: boolean;
    readonly keep?: Keep;
  };
  readonly keeper: Keeper;
  readonly partial: PartialCopy;
  readonly tool: HashTool;
  /** When reading the source for the manifest began. */
  readonly began: Date;
  readonly entries: Lines;
  readonly heard: Complaints;
  readonly archive: BlobRef | null;
  /** What was mounted there before anything was read. */
  readonly mounted: readonly CopiedFileSystem[];
}

/** What both methods end with: the manifest by a second read of the source, the description, the final name. */
export async function finishCopy(deps: TransferDeps, context: PerformContext, copied: Copied): Promise<Outcome> {
  const { operation, keeper, partial, heard } = copied;
  const taken = await takeManifest({
    machine: deps.machine,
    clock: deps.clock,
    root: operation.root,
    tool: copied.tool,
    entries: copied.entries,
    file: partial.manifest,
    work: partial.work,
    signal: context.signal,
    progress: context.progress,
    // rsync could not copy it either; tar has it, so its line stays, and a comparison says that nothing proves its content.
    omitUnreadable: copied.method === 'rsync',
    unreadable: (name, gone) =>
      heard.add({
        name,
        why: gone ? vanished : 'its content could not be read for the manifest',
      }),
  });
  if (!taken.ok) return { outcome: 'failed', trouble: taken.error };
  const { manifest, entries, files, bytes } = taken.value;
  const now = await mountedAt(deps.machine, operation, context.signal);
  if (!now.ok) return { outcome: 'failed', trouble: now.error };
  const sealed = await keeper.seal(partial, placeOf(operation.to).path, {
    format: 1,
    method: copied.method,
    host: deps.host.name,
    serial: deps.host.serial,
    from: operation.from,
    exclude: operation.exclude,
    manifest_started: copied.began.toISOString(),
    manifest_taken: deps.clock.now().toISOString(),
    manifest,
    files,
    entries,
    bytes,
    archive: copied.archive,
    unread: heard.list(),
    unread_count: heard.count(),
    ...(operation.keep === undefined ? {} : { kept: keptFrom(operation.keep, deps.clock.now()) }),
    file_systems: copied.mounted.filter(({ at, id }) => now.value.some((one) => one.at === at && one.id === id)),
  });
  if (!sealed.ok) return { outcome: 'failed', trouble: sealed.error };
  return {
    outcome: 'done',
    receipt: { copy: operation.to, entries, files, bytes, manifest: manifest.sha256, unread: heard.count() },
  };
}
