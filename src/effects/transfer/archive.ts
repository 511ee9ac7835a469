import type { PerformContext } from '../../core/action.ts';
import type { BlobRef } from '../../core/blob.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import { placeOf, placeText } from '../../core/place.ts';
import type { CopiedFileSystem } from '../../core/probe.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { type Complaints, complaints } from './complaints.ts';
import type { PartialCopy } from './copy-folder.ts';
import type { TransferDeps } from './deps.ts';
import { diskTrouble } from './disk-trouble.ts';
import { finishCopy } from './finish-copy.ts';
import { DanglingLink, resolveLinks } from './hard-links.ts';
import { type HashTool, hashMissing } from './hash-tool.ts';
import { pullArchive } from './helper/pull-archive.ts';
import type { Keeper } from './keeper.ts';
import { sorter } from './lines.ts';
import { mountedAt } from './mounted-at.ts';
import { receiveTar } from './receive-tar.ts';
import { type Selection, select } from './selection.ts';
import { sourceTools, toolMissing } from './source-tools.ts';
import { tarCommand } from './tar-command.ts';
import { damaged } from './tar-trouble.ts';

/** Streams `tar` of the host into `data.tar`, and takes the manifest. Copying again is safe, so nothing is ever in doubt. */
export async function copyArchive(
  deps: TransferDeps,
  keeper: Keeper,
  operation: OperationOf<'copy.archive'>,
  context: PerformContext,
): Promise<Outcome> {
  const failed = (why: Trouble): Outcome => ({ outcome: 'failed', trouble: why });
  const { machine } = deps;
  const selection = select(operation.from, operation.exclude);
  if (!selection.ok) return failed(selection.error);
  const tools = await sourceTools(machine, operation.root, selection.value, context.signal);
  if (!tools.ok) return failed(tools.error);
  const { tar, hash } = tools.value;
  if (tar === undefined) return failed(toolMissing(machine.name, 'tar', 'tar'));
  if (hash === undefined) return failed(hashMissing(machine.name));
  const { from, exclude } = operation;
  if (exclude.length > 0 && tar === 'other') return failed(noExclude(machine.name));
  const straight = keeper.on !== 'control' && operation.relay !== true;
  if (straight && !tools.value.findPrintf) return failed(noFind(machine.name));
  const mounted = await mountedAt(machine, operation, context.signal);
  if (!mounted.ok) return failed(mounted.error);
  const opened = await keeper.openPartial(placeOf(operation.to).path, {
    method: 'archive',
    host: deps.host.name,
    serial: deps.host.serial,
    from,
    exclude,
  });
  if (!opened.ok) return failed(opened.error);
  const partial = opened.value;

  const making: Making = {
    ...{ deps, keeper, operation, context, partial, selection: selection.value },
    ...{ argv: tarCommand(tools.value, selection.value), tool: hash, began: deps.clock.now(), heard: complaints() },
    mounted: mounted.value,
  };
  try {
    const made = straight ? await fetchStraight(making) : await receiveHere(making);
    return made.ok ? made.value : failed(made.error);
  } catch (error) {
    if (error instanceof DanglingLink)
      return failed(damaged(machine.name, `a link to ${error.message}, which is not in it`, keeper.on));
    return failed(diskTrouble(error, keeper.on === 'control' ? operation.to : partial.work));
  } finally {
    keeper.leave(partial);
  }
}

interface Making {
  readonly deps: TransferDeps;
  readonly keeper: Keeper;
  readonly operation: OperationOf<'copy.archive'>;
  readonly context: PerformContext;
  readonly partial: PartialCopy;
  readonly selection: Selection;
  /** What writes the archive at the source. */
  readonly argv: readonly string[];
  readonly tool: HashTool;
  readonly began: Date;
  readonly heard: Complaints;
  readonly mounted: readonly CopiedFileSystem[];
}

/** The helper that keeps the copy fetches it; what should be in it is listed at the source. */
async function fetchStraight(making: Making): Promise<Result<Outcome>> {
  const { deps, keeper, operation, context, partial, selection, argv, heard } = making;
  const wanted = { selection, argv, root: operation.root, heard };
  const pulled = await pullArchive(deps, keeper, partial, wanted, context);
  if (!pulled.ok) return pulled;
  const { archive, listed } = pulled.value;
  try {
    return ok(await finishCopy(deps, context, { ...making, method: 'archive', entries: listed.lines(), archive }));
  } finally {
    listed.discard();
  }
}

/** The archive comes to this machine, and is listed as it passes by to where it is kept. */
async function receiveHere(making: Making): Promise<Result<Outcome>> {
  const { deps, keeper, operation, context, partial, selection, argv, heard } = making;
  const { work } = partial;
  const entries = sorter(work);
  const links = sorter(work);
  try {
    const stop = new AbortController();
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const sink = await keeper.sink(partial, signal);
    if (!sink.ok) return sink;
    const start = await deps.machine.start({ argv, root: operation.root }, { signal });
    if (!start.ok) {
      stop.abort();
      sink.value.discard();
      return start;
    }
    for (const name of selection.parents) entries.write(`${name} type=dir`);
    const received = await receiveTar(start.value, {
      ...{ to: sink.value, entries, links, work, heard, context, deps, on: keeper.on, stop },
    });
    if (!received.ok) return received;
    const kept = keeper.on === 'control' ? received : await keptWhole(keeper, partial, received.value, context);
    if (!kept.ok) return kept;
    const sorted = entries.sorted();
    const lines = links.count() === 0 ? sorted : resolveLinks(sorted, links.sorted(), work);
    const archive = received.value;
    return ok(await finishCopy(deps, context, { ...making, method: 'archive', entries: lines, archive }));
  } finally {
    entries.discard();
    links.discard();
  }
}

/** What went through this machine is read once more where it is kept: the two have to be one. */
async function keptWhole(
  keeper: Keeper,
  { data }: PartialCopy,
  sent: BlobRef,
  { signal }: PerformContext,
): Promise<Result<BlobRef>> {
  const found = await keeper.hash(data, () => undefined, signal);
  if (!found.ok || (found.value.sha256 === sent.sha256 && found.value.bytes === sent.bytes)) return found;
  return fail(
    trouble(
      'archive-changed',
      `${placeText({ on: keeper.on, path: data })} is not what was sent: its SHA-256 is ${found.value.sha256} (${found.value.bytes} bytes), sent was ${sent.sha256} (${sent.bytes} bytes)`,
      'Check the disk there, then try again.',
    ),
  );
}

const noFind = (host: string): Trouble =>
  trouble(
    'tool-missing',
    `${host} has no find with -printf, by which what goes straight to a helper is listed`,
    'Set `relay: true` in the step, so that the archive is read on its way through this machine, or install findutils there.',
  );

/** BusyBox has no `--exclude`, or one that leaves out whatever ends in the same names. */
const noExclude = (host: string): Trouble =>
  trouble(
    'tar-no-exclude',
    `tar on ${host} cannot be told to leave out exactly what is named`,
    'Install GNU tar or bsdtar there, or take `exclude` off the step.',
  );
