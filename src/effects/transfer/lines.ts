import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { nameOf } from '../../core/mtree.ts';

/** Lines of ASCII, without their newlines. */
export type Lines = AsyncIterable<string>;

/** Longer than any line about a file can be; what a host sends beyond it, so as to fill the memory here, is dropped. */
const longest = 256 << 10;

/** Splits a stream at a separator; a last piece without one counts. Pieces are cut at 256 KiB: whoever reads them finds them damaged. */
export async function* piecesOf(stream: Readable, separator: string): Lines {
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const pieces = (rest + chunk.toString('latin1')).split(separator);
    rest = (pieces.pop() ?? '').slice(0, longest);
    yield* pieces;
  }
  if (rest !== '') yield rest;
}

/** Splits a stream into lines, as `piecesOf` does. */
export const linesOf = (stream: Readable): Lines => piecesOf(stream, '\n');

export const linesIn = (file: string): Lines => linesOf(createReadStream(file, { highWaterMark: 256 << 10 }));

/** Somewhere to write lines. `write` never waits; wait for `room` now and then, or memory fills. */
export interface LineSink {
  write(line: string): void;
  room(): Promise<void>;
}

/** A sink over a stream, in pieces of 64 KiB. A failure of the stream is thrown by `room`. */
export function lineSink(stream: Writable): LineSink & { end(): Promise<void> } {
  let pending = '';
  let trouble: Error | undefined;
  stream.on('error', (error) => {
    trouble ??= error;
  });
  const flush = (): void => {
    if (pending !== '') stream.write(pending, 'latin1');
    pending = '';
  };
  const room = async (): Promise<void> => {
    while (trouble === undefined && stream.writableNeedDrain) await either(stream, 'drain');
    if (trouble !== undefined) throw trouble;
  };
  return {
    write(line) {
      pending += `${line}\n`;
      if (pending.length > 65_536) flush();
    },
    room,
    async end() {
      flush();
      await room();
      const finished = either(stream, 'finish');
      stream.end();
      await finished;
      if (trouble !== undefined) throw trouble;
    },
  };
}

/** Waits for an event of a stream, or for the end of all its events; leaves no listener behind. */
export function either(stream: Writable, event: 'drain' | 'finish'): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off(event, done);
      stream.off('close', done);
      resolve();
    };
    if (stream.destroyed) return resolve();
    stream.on(event, done);
    stream.on('close', done);
  });
}

/** Writes lines to a new file (0600). */
export function fileSink(file: string): LineSink & { end(): Promise<void> } {
  return lineSink(createWriteStream(file, { flags: 'w', mode: 0o600, highWaterMark: 1 << 20 }));
}

/** Lines given in any order, and given back in bytewise order. */
export interface Sorter extends LineSink {
  readonly count: () => number;
  /** Once, after the last write. */
  sorted(): Lines;
  /** Ends the program early; harmless afterwards. */
  discard(): void;
}

/** The `sort` program is missing, or failed: usually of a full disk. */
export class SortFailure extends Error {
  readonly missing: boolean;
  constructor(message: string, missing: boolean) {
    super(message);
    this.missing = missing;
  }
}

/**
 * Sorts by the `sort` program, which keeps to 64 MiB and spills into `folder`: a million names never lie in this process.
 * Throws a `SortFailure`.
 */
export function sorter(folder: string): Sorter {
  const child = spawn('sort', ['-S', '64M', '-T', folder], {
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  let missing = false;
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < 4096) complaint += chunk.toString();
  });
  const exit = new Promise<number | null>((resolve) => {
    child.on('close', (code) => resolve(code));
    child.on('error', (error) => {
      missing = 'code' in error && error.code === 'ENOENT';
      complaint += String(error);
      resolve(null);
    });
  });
  const failure = async (): Promise<SortFailure> => {
    const code = await exit;
    return new SortFailure(`sort ended with ${code}: ${complaint.trim()}`, missing);
  };
  const sink = lineSink(child.stdin);
  let count = 0;
  return {
    count: () => count,
    write(line) {
      count++;
      sink.write(line);
    },
    async room() {
      try {
        await sink.room();
      } catch {
        throw await failure();
      }
    },
    async *sorted() {
      const ended = sink.end().catch(() => undefined);
      yield* linesOf(child.stdout);
      await ended;
      if ((await exit) !== 0) throw await failure();
    },
    discard() {
      child.kill('SIGKILL');
    },
  };
}

/** Two sorted sequences of entry lines as one. */
export async function* mergeLines(a: Lines, b: Lines): Lines {
  const left = a[Symbol.asyncIterator]();
  const right = b[Symbol.asyncIterator]();
  let l = await left.next();
  let r = await right.next();
  while (!l.done || !r.done) {
    if (r.done || (!l.done && nameOf(l.value) <= nameOf(r.value))) {
      if (!l.done) yield l.value;
      l = await left.next();
    } else {
      yield r.value;
      r = await right.next();
    }
  }
}

/** Runs of lines that share their first word, which is cut off. Each group has to be read to its end before the next. */
export async function* groups(lines: Lines): AsyncIterable<{ readonly key: string; readonly members: Lines }> {
  const source = lines[Symbol.asyncIterator]();
  let current = await source.next();
  while (!current.done) {
    const key = nameOf(current.value);
    yield {
      key,
      members: (async function* () {
        while (!current.done && nameOf(current.value) === key) {
          yield current.value.slice(key.length + 1);
          current = await source.next();
        }
      })(),
    };
  }
}
