import type { Hash } from 'node:crypto';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Trouble, trouble } from '../../core/result.ts';
import { either } from './lines.ts';

/** Takes a stream chunk by chunk as it came. `for await` would first join whatever waits into one new buffer: a tenth of the pace. */
export async function eachChunk(from: Readable, take: (chunk: Buffer) => Promise<void>): Promise<void> {
  const taker = new Writable({
    highWaterMark: 1 << 20,
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk).then(() => done(), done);
    },
  });
  await pipeline(from, taker);
}

/** Writes a chunk where it is kept, and waits for room there. */
export async function keep(chunk: Buffer, file: Writable, sha: Hash): Promise<void> {
  if (file.destroyed) throw new SinkClosed();
  const room = file.write(chunk);
  sha.update(chunk);
  if (!room) await either(file, 'drain');
}

/** Where the archive is kept takes no more of it: a full disk, or the end of what writes there. */
export class SinkClosed extends Error {}

/** A stream ended before its time, and nothing else says why. */
export const cutOff = (host: string, detail: string): Trouble =>
  trouble('connection-lost', `the stream from ${host} was cut`, 'Check that the host is up, then resume.', detail);
