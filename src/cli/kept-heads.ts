import type { EventOf, KeptHead, Recorded } from '../core/event.ts';
import type { RunFolder, RunStore } from '../core/ports.ts';
import { readRun } from '../engine/open-run.ts';

/** Where the log of the newest real run stands, for the first lines of the next one. Undefined where there is none that can be read. */
export function previousHead(store: RunStore): KeptHead | undefined {
  const newest = store.list().findLast((folder) => !folder.rehearsal);
  const read = newest === undefined ? undefined : readRun(newest);
  if (newest === undefined || read?.ok !== true || read.value.head.size === 0) return undefined;
  return { run: newest.run, ...read.value.head };
}

/** A head of a run that a later run recorded when it began. */
export interface HeadKept {
  /** The later run. */
  readonly by: string;
  readonly size: number;
  readonly hash: string;
}

/** What the first lines of the other runs in the state folder say of this one's log. */
export const headsKept = (store: RunStore, run: string): readonly HeadKept[] =>
  store.list().flatMap((folder) => {
    const kept = folder.rehearsal || folder.run === run ? undefined : openedOf(folder)?.previous;
    return kept?.run === run ? [{ by: folder.run, size: kept.size, hash: kept.hash }] : [];
  });

/** How a run's log says that it began; its first line may be a repair. Lines are read as they are: the audit of that run judges them. */
function openedOf(folder: RunFolder): Recorded<EventOf<'run.opened'>> | undefined {
  const bytes = folder.log(0);
  if (!bytes.ok) return undefined;
  let at = 0;
  for (let i = 0; i < 8; i++) {
    const end = bytes.value.indexOf(0x0a, at);
    if (end === -1) return undefined;
    try {
      const line = JSON.parse(Buffer.from(bytes.value.subarray(at, end)).toString()) as Recorded;
      if (line.type === 'run.opened') return line;
    } catch {
      return undefined;
    }
    at = end + 1;
  }
  return undefined;
}
