import { createHash } from 'node:crypto';
import type { BlobRef } from '../../core/blob.ts';
import { manifestHeader, nameOf } from '../../core/mtree.ts';
import type { Progress } from '../../core/operation.ts';
import type { Clock, Machine } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble } from '../../core/result.ts';
import { shareHashes } from './hard-links.ts';
import type { HashTool } from './hash-tool.ts';
import { fileSink, type Lines, linesIn, mergeLines, sorter } from './lines.ts';
import { atIntervals } from './progress.ts';
import { sourceHashes } from './source-hashes.ts';

export interface ManifestTaken {
  readonly manifest: BlobRef;
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
}

interface Request {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly root: boolean;
  /** Where the names start; `/` if absent. */
  readonly directory?: string;
  readonly tool: HashTool;
  /** The sorted entries, hard links tagged, hashes lacking. */
  readonly entries: Lines;
  readonly file: string;
  readonly work: string;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
  /** Whether such a file's line is left out, instead of standing without a hash. */
  readonly omitUnreadable: boolean;
  /** Told of each file (encoded name) whose content the host could not read. */
  readonly unreadable: (name: string, gone: boolean) => void;
}

const isFile = (line: string): boolean => line.includes(' type=file');
const wordOf = (line: string, key: string): string | undefined => new RegExp(` ${key}=([^ ]*)`).exec(line)?.[1];

/** The tag's leader is hashed for its whole group; its other names only wait for that. */
const waitsForLeader = (line: string): string | undefined => {
  const leader = wordOf(line, 'tags');
  return leader === undefined || leader === nameOf(line) ? undefined : leader;
};

/** Hashes every file at the source and writes the manifest. Memory does not grow with the number of entries. */
export async function takeManifest(request: Request): Promise<Result<ManifestTaken>> {
  const opened = await sourceHashes(request.machine, request.root, request.tool, request.signal, request.directory);
  if (!opened.ok) return opened;
  const source = opened.value;
  const waiting = sorter(request.work);
  const spool = `${request.work}/hashed`;
  const hashed = fileSink(spool);
  const tell = atIntervals(request.clock, request.progress);
  let files = 0;
  let bytes = 0;
  try {
    const underWay: { readonly batch: Batch; readonly result: Promise<Result<readonly (string | undefined)[]>> }[] = [];
    const settle = async (): Promise<Trouble | undefined> => {
      const first = underWay.shift();
      if (first === undefined) return undefined;
      const result = await first.result;
      if (!result.ok) return result.error;
      const lacking = first.batch.names.filter((_, i) => result.value[i] === undefined);
      const gone = lacking.length === 0 ? ok([]) : await source.gone(lacking);
      if (!gone.ok) return gone.error;
      for (const [i, name] of lacking.entries()) request.unreadable(name, gone.value[i] === true);
      let next = 0;
      for (const line of first.batch.lines) {
        if (!isFile(line)) {
          hashed.write(line);
          continue;
        }
        files++;
        const leader = waitsForLeader(line);
        if (leader !== undefined) {
          waiting.write(`${leader} ${line}`);
          continue;
        }
        const hash = result.value[next++];
        bytes += Number(wordOf(line, 'size') ?? 0);
        if (hash !== undefined) hashed.write(`${line} sha256=${hash}`);
        else if (!request.omitUnreadable) hashed.write(line);
        if (hash !== undefined && wordOf(line, 'tags') !== undefined) waiting.write(`${nameOf(line)} !${hash}`);
      }
      await hashed.room();
      await waiting.room();
      tell(() => ({ what: 'taking the manifest at the source', bytes, files }));
      return undefined;
    };
    for await (const batch of batches(request.entries)) {
      underWay.push({ batch, result: batch.names.length === 0 ? nothing : source.hash(batch.names) });
      if (underWay.length > window) {
        const failure = await settle();
        if (failure !== undefined) return fail(failure);
      }
    }
    while (underWay.length > 0) {
      const failure = await settle();
      if (failure !== undefined) return fail(failure);
    }
    const closed = await source.close();
    if (!closed.ok) return closed;
    await hashed.end();
    const all =
      waiting.count() === 0
        ? linesIn(spool)
        : mergeLines(linesIn(spool), shareHashes(waiting.sorted(), request.work, request.omitUnreadable));
    return ok({ ...(await writeManifest(request.file, all)), files, bytes });
  } finally {
    waiting.discard();
    void source.close();
  }
}

interface Batch {
  readonly lines: readonly string[];
  readonly names: readonly string[];
}

/** How many batches are under way at once; hides the round trip. */
const window = 4;
const nothing: Promise<Result<readonly string[]>> = Promise.resolve(ok([]));

/** At most 512 entries and 24 KiB of names: far below what any system allows in an argument list. */
async function* batches(entries: Lines): AsyncIterable<Batch> {
  let lines: string[] = [];
  let names: string[] = [];
  let length = 0;
  for await (const line of entries) {
    lines.push(line);
    if (isFile(line) && waitsForLeader(line) === undefined) {
      const name = nameOf(line);
      names.push(name);
      length += name.length + 3;
    }
    if (lines.length >= 512 || length > 24_576) {
      yield { lines, names };
      lines = [];
      names = [];
      length = 0;
    }
  }
  if (lines.length > 0) yield { lines, names };
}

async function writeManifest(
  file: string,
  lines: Lines,
): Promise<{ readonly manifest: BlobRef; readonly entries: number }> {
  const hash = createHash('sha256');
  const sink = fileSink(file);
  let bytes = 0;
  let entries = 0;
  const write = (line: string): void => {
    hash.update(`${line}\n`);
    bytes += line.length + 1;
    sink.write(line);
  };
  write(manifestHeader);
  for await (const line of lines) {
    entries++;
    write(line);
    if (entries % 256 === 0) await sink.room();
  }
  await sink.end();
  return { manifest: { sha256: hash.digest('hex'), bytes }, entries };
}
