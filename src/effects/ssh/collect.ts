import type { Readable } from 'node:stream';
import type { CollectedOutput, RemoteProcess } from '../../core/ports.ts';

/** Reads a program to its end, keeping the first or last `limit` bytes of each stream and dropping the rest. */
export async function collect(
  process: RemoteProcess,
  limit: number,
  keep: 'first' | 'last' = 'first',
): Promise<CollectedOutput> {
  const [stdout, stderr] = [gather(process.stdout, limit, keep), gather(process.stderr, limit, keep)];
  const ended = await process.ended;
  return { ended, stdout: await stdout, stderr: await stderr };
}

function gather(stream: Readable, limit: number, keep: 'first' | 'last'): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    if (keep === 'first' && length >= limit) return;
    chunks.push(chunk);
    length += chunk.length;
    while (keep === 'last' && length - (chunks[0]?.length ?? 0) >= limit) length -= chunks.shift()?.length ?? 0;
  });
  return new Promise((resolve) => {
    stream.once('close', () => {
      const all = Buffer.concat(chunks);
      resolve(keep === 'first' ? all.subarray(0, limit) : all.subarray(Math.max(0, all.length - limit)));
    });
  });
}
