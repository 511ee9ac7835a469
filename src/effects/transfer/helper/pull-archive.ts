import type { PerformContext } from '../../../core/action.ts';
import type { BlobRef } from '../../../core/blob.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import { type Complaints, fromTar } from '../complaints.ts';
import type { PartialCopy } from '../copy-folder.ts';
import type { HelperMachine, TransferDeps } from '../deps.ts';
import { diskFull, saysFull } from '../disk-trouble.ts';
import { findListing } from '../find-listing.ts';
import { type Listing, listing } from '../hard-links.ts';
import type { Keeper } from '../keeper.ts';
import { atIntervals } from '../progress.ts';
import type { Selection } from '../selection.ts';
import { damaged, tarFailed } from '../tar-trouble.ts';
import { type Entrance, openEntrance } from './entrance.ts';
import { runThere } from './run-there.ts';
import { shelf } from './shelf.ts';

interface Wanted {
  readonly selection: Selection;
  readonly argv: readonly string[];
  readonly root: boolean;
  readonly heard: Complaints;
}

/** Has a helper fetch the archive straight from the host, then lists at the source what should be in it. */
export async function pullArchive(
  deps: TransferDeps,
  keeper: Keeper,
  partial: PartialCopy,
  { selection, argv, root, heard }: Wanted,
  { signal, progress }: PerformContext,
): Promise<Result<{ readonly archive: BlobRef; readonly listed: Listing }>> {
  const host = deps.machine.name;
  const found = await deps.helper(keeper.on);
  if (!found.ok) return found;
  const helper = found.value;
  const entrance = await openEntrance(deps, helper, partial, { argv, root }, signal);
  if (!entrance.ok) return entrance;
  const tell = atIntervals(deps.clock, progress);
  const showing = (bytes: number): void => tell(() => ({ what: `copying to ${helper.name}`, bytes }));
  const fetched = await fetchData(helper, entrance.value, showing, { partial, heard, host, signal });
  const left = await entrance.value.close();
  if (!fetched.ok) return left === undefined ? fetched : fail(withLeft(fetched.error, left));
  // Whoever could still be let in is told now, and not with the next trouble: the copy is made anew once it is put right.
  if (left !== undefined) return fail(left);
  const whole = await shelf(helper, 'whole', partial.data, { signal });
  if (!whole.ok) return whole;
  if (whole.value.includes('talks')) return fail(loginTalks(host));
  if (!whole.value.includes('whole')) return fail(damaged(host, 'its last blocks are missing', helper.name));
  progress({ what: `hashing the archive on ${helper.name}` });
  const archive = await keeper.hash(partial.data, () => undefined, signal);
  if (!archive.ok) return archive;
  const listed = listing(partial.work);
  const done = await findListing(deps.machine, root, selection, listed, heard, signal, true);
  if (done.ok) return ok({ archive: archive.value, listed });
  listed.discard();
  return done;
}

interface Fetching {
  readonly partial: PartialCopy;
  readonly heard: Complaints;
  readonly host: string;
  readonly signal: AbortSignal;
}

async function fetchData(
  helper: HelperMachine,
  entrance: Entrance,
  bytes: (bytes: number) => void,
  { partial, heard, host, signal }: Fetching,
): Promise<Result<void>> {
  const pulled = await runThere(helper, entrance.ssh, {
    into: partial.data,
    signal,
    pkg: 'openssh-client',
    stdout: (chunk) => {
      const told = /bytes (\d+)\s*$/.exec(chunk.toString('latin1'))?.[1];
      if (told !== undefined) bytes(Number(told));
    },
    stderrLine: (line) => {
      const unread = fromTar(line);
      if (unread === undefined) heard.note(line);
      else if (unread !== 'ignore') heard.add(unread);
    },
  });
  if (!pulled.ok) return pulled;
  const { code, stderr } = pulled.value;
  // ssh ends as it does of a lost connection where it cannot write.
  if (saysFull(stderr)) return fail(diskFull(partial.data, stderr, helper.name));
  const lost = entrance.trouble(code, stderr);
  if (lost !== undefined) return fail(lost);
  // GNU tar: 1 is "some files differ", 2 is any error; of a whole archive, files that it could not read explain both.
  if (code === null || code > 2 || (code !== 0 && heard.count() === 0)) {
    return fail(tarFailed(host, `ended with ${code ?? 'a signal'} without naming a file`, heard));
  }
  return ok(undefined);
}

const withLeft = (why: Trouble, left: Trouble): Trouble => ({
  ...why,
  detail: [why.detail, `${left.what}. ${left.fix}`].filter((part) => part !== undefined).join('\n'),
});

const loginTalks = (host: string): Trouble =>
  trouble(
    'login-talks',
    `what came from ${host} does not begin as an archive does: a start-up file of its login shell may print something`,
    'Have its start-up files print nothing where nobody is at the terminal; or use backup.archive with `relay: true`.',
  );
