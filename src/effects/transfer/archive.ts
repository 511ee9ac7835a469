import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PerformContext } from '../../core/action.ts';
import type { BlobRef } from '../../core/blob.ts';
import { formatEntry } from '../../core/mtree.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import { placeOf, placeText } from '../../core/place.ts';
import type { RemoteProcess } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { type Complaints, complaints, fromTar, hear } from './complaints.ts';
import type { PartialCopy } from './copy-folder.ts';
import type { TransferDeps } from './deps.ts';
import { diskTrouble } from './disk-trouble.ts';
import { finishCopy } from './finish-copy.ts';
import { DanglingLink, resolveLinks } from './hard-links.ts';
import { pullArchive } from './helper/pull-archive.ts';
import type { Keeper, Sink } from './keeper.ts';
import { type Sorter, SortFailure, sorter } from './lines.ts';
import { atIntervals } from './progress.ts';
import { literally, relative, type Selection, select } from './selection.ts';
import { hashMissing, type SourceTools, sourceTools, toolMissing } from './source-tools.ts';
import { TarDamage, type TarMember, tarReader } from './tar-reader.ts';
import { damaged, tarFailed } from './tar-trouble.ts';

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
  const opened = await keeper.openPartial(placeOf(operation.to).path, {
    method: 'archive',
    host: deps.host.name,
    serial: deps.host.serial,
    from,
    exclude,
  });
  if (!opened.ok) return failed(opened.error);
  const partial = opened.value;

  const entries = sorter(partial.work);
  const links = sorter(partial.work);
  try {
    const began = deps.clock.now();
    const heard = complaints();
    const argv = tarCommand(tools.value, selection.value);
    if (straight) {
      const found = { selection: selection.value, argv, root: operation.root, heard };
      const pulled = await pullArchive(deps, keeper, partial, found, context);
      if (!pulled.ok) return failed(pulled.error);
      const { archive, listed } = pulled.value;
      try {
        const lines = listed.lines();
        return await finishCopy(deps, context, {
          ...{ method: 'archive', operation, keeper, partial, tool: hash, began, entries: lines, heard, archive },
        });
      } finally {
        listed.discard();
      }
    }
    const stop = new AbortController();
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const sink = await keeper.sink(partial, signal);
    if (!sink.ok) return failed(sink.error);
    const start = await machine.start({ argv, root: operation.root }, { signal });
    if (!start.ok) {
      stop.abort();
      sink.value.discard();
      return failed(start.error);
    }
    for (const name of selection.value.parents) entries.write(`${name} type=dir`);
    const to = sink.value;
    const received = await receive(start.value, { to, entries, links, heard, context, deps, on: keeper.on, stop });
    if (!received.ok) return failed(received.error);
    const kept = keeper.on === 'control' ? received : await keptWhole(keeper, partial, received.value, context);
    if (!kept.ok) return failed(kept.error);
    return await finishCopy(deps, context, {
      method: 'archive',
      operation,
      keeper,
      partial,
      tool: hash,
      began,
      entries: links.count() === 0 ? entries.sorted() : resolveLinks(entries.sorted(), links.sorted(), partial.work),
      heard,
      archive: received.value,
    });
  } catch (error) {
    if (error instanceof DanglingLink)
      return failed(damaged(machine.name, `a link to ${error.message}, which is not in it`, keeper.on));
    return failed(diskTrouble(error, operation.to));
  } finally {
    entries.discard();
    links.discard();
    keeper.leave(partial);
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

function tarCommand(tools: SourceTools, selection: Selection): readonly string[] {
  const options = tools.tar === 'bsd' ? ['--format=pax'] : tools.tarOptions;
  const exclude = selection.exclude.map(relative);
  const left =
    tools.tar === 'gnu'
      ? exclude.length === 0
        ? []
        : ['--anchored', '--no-wildcards', ...exclude.map((path) => `--exclude=${path}`)]
      : exclude.map((path) => `--exclude=${literally(path)}`);
  return [
    'env',
    'LC_ALL=C',
    'tar',
    '-c',
    '-f',
    '-',
    ...options,
    ...left,
    '-C',
    '/',
    '--',
    ...selection.from.map(relative),
  ];
}

interface Receiving {
  readonly to: Sink;
  readonly entries: Sorter;
  readonly links: Sorter;
  readonly heard: Complaints;
  readonly context: PerformContext;
  readonly deps: TransferDeps;
  readonly on: Keeper['on'];
  /** Ends tar at the source. */
  readonly stop: AbortController;
}

async function receive(process: RemoteProcess, r: Receiving): Promise<Result<BlobRef>> {
  const { machine, clock } = r.deps;
  const file = r.to.stream;
  const sha = createHash('sha256');
  let files = 0;
  const reader = tarReader((member) => {
    if (member.type === 'file' || member.type === 'hardlink') files++;
    if (member.type === 'hardlink') r.links.write(`${member.link} ${member.name}`);
    else r.entries.write(lineOf(member));
  });
  const tell = atIntervals(clock, r.context.progress);
  process.stdin.on('error', () => undefined);
  process.stdin.end();
  const hearing = hear(process.stderr, r.heard, fromTar).catch(() => undefined);
  let bytes = 0;
  try {
    await eachChunk(process.stdout, async (chunk) => {
      bytes += chunk.length;
      await keep(chunk, file, sha);
      reader.push(chunk);
      await r.entries.room();
      await r.links.room();
      tell(() => ({ what: 'copying', bytes, files }));
    });
  } catch (error) {
    const ours = error instanceof TarDamage || error instanceof SortFailure || file.errored === error;
    r.stop.abort();
    r.to.discard();
    process.stdout.destroy();
    const ended = await process.ended;
    if (error instanceof TarDamage) return fail(damaged(machine.name, error.message, r.on));
    if (ours) return fail(r.to.trouble(error));
    if (ended.how === 'lost' || (ended.how === 'aborted' && r.context.signal.aborted)) return fail(ended.trouble);
    return fail(cutOff(machine.name, String(error)));
  }
  const ended = await process.ended;
  await hearing;
  const closed = await r.to.close();
  switch (ended.how) {
    case 'lost':
    case 'aborted':
      return fail(ended.trouble);
    case 'signal':
      return fail(tarFailed(machine.name, `was ended by ${ended.signal}`, r.heard));
    case 'exit': {
      if (!reader.ended())
        return fail(tarFailed(machine.name, `ended with ${ended.code} before its archive was whole`, r.heard));
      // GNU tar: 1 is "some files differ", 2 is any error; of a whole archive, files that it could not read explain both.
      if (ended.code !== 0 && r.heard.count() === 0) {
        return fail(tarFailed(machine.name, `ended with ${ended.code} without naming a file`, r.heard));
      }
      return closed.ok ? ok({ sha256: sha.digest('hex'), bytes }) : closed;
    }
  }
}

/** Takes a stream chunk by chunk as it came. `for await` would first join whatever waits into one new buffer: a tenth of the pace. */
async function eachChunk(from: Readable, take: (chunk: Buffer) => Promise<void>): Promise<void> {
  const taker = new Writable({
    highWaterMark: 1 << 20,
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk).then(() => done(), done);
    },
  });
  await pipeline(from, taker);
}

async function keep(chunk: Buffer, file: Writable, sha: Hash): Promise<void> {
  if (file.errored) throw file.errored;
  const room = file.write(chunk);
  sha.update(chunk);
  if (!room) await once(file, 'drain');
}

const lineOf = (m: TarMember): string => {
  const { name, uid, gid, time } = m;
  switch (m.type) {
    case 'file':
      return formatEntry({ name, type: 'file', mode: m.mode, uid, gid, size: m.size, time });
    case 'link':
      return formatEntry({ name, type: 'link', uid, gid, time, link: m.link });
    case 'char':
    case 'block':
      return formatEntry({ name, type: m.type, mode: m.mode, uid, gid, time, device: m.device });
    case 'dir':
    case 'fifo':
    case 'socket':
      return formatEntry({ name, type: m.type, mode: m.mode, uid, gid, time });
    case 'hardlink':
      throw new Error('a hard link has no line of its own');
  }
};

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

const cutOff = (host: string, detail: string): Trouble =>
  trouble('connection-lost', `the stream from ${host} was cut`, 'Check that the host is up, then resume.', detail);
