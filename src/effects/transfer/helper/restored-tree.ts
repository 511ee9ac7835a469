import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { belowFolder } from '../../../core/helper.ts';
import type { Progress } from '../../../core/operation.ts';
import type { Clock } from '../../../core/ports.ts';
import { ok, type Result } from '../../../core/result.ts';
import { complaints } from '../complaints.ts';
import type { HelperMachine } from '../deps.ts';
import { findListing } from '../find-listing.ts';
import { listing } from '../hard-links.ts';
import type { HashTool } from '../hash-tool.ts';
import type { TreeListing } from '../keeper.ts';
import { linesIn } from '../lines.ts';
import { takeManifest } from '../manifest.ts';

interface Looking {
  readonly clock: Clock;
  readonly tool: HashTool;
  /** A folder here for what is only needed meanwhile. */
  readonly work: string;
  readonly signal: AbortSignal | undefined;
  readonly progress: (progress: Progress) => void;
}

/** Lists a restored tree on a helper and has each of its files hashed there: a manifest is taken of it as of a source. */
export async function restoredTree(
  helper: HelperMachine,
  tree: string,
  { clock, tool, work, signal = new AbortController().signal, progress }: Looking,
): Promise<Result<TreeListing>> {
  const { name, machine } = helper;
  const below = belowFolder(helper, tree);
  if (!below.ok) return below;
  const found = listing(work);
  const everything = { from: ['/'], exclude: [], parents: [] };
  const listed = await findListing(machine, false, everything, found, complaints(), signal, true, tree);
  if (!listed.ok) {
    found.discard();
    return listed;
  }
  const file = join(work, 'restored.mtree');
  const unread = new Map<string, string>();
  const taken = await takeManifest({
    ...{ machine, clock, root: false, directory: tree, tool, file, work, signal },
    entries: found.lines(),
    progress: ({ bytes = 0, files = 0 }) => progress({ what: 'comparing', bytes, files }),
    omitUnreadable: false,
    unreadable: (entry) => unread.set(entry, `it could not be read on ${name}`),
  });
  found.discard();
  if (!taken.ok) return taken;
  return ok({
    lines: () => afterHeader(file),
    contentOf: async (entry) =>
      entry.type === 'file' && entry.sha256 !== undefined
        ? { sha256: entry.sha256, bytes: entry.size ?? 0 }
        : { bytes: 0, why: unread.get(entry.name) ?? `it has no hash on ${name}` },
    discard: () => rmSync(file, { force: true }),
  });
}

async function* afterHeader(file: string): AsyncIterable<string> {
  let first = true;
  for await (const line of linesIn(file)) {
    if (!first) yield line;
    first = false;
  }
}
