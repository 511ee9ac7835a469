import type { Readable } from 'node:stream';
import type { CollectedOutput, RemoteProcess } from '../../core/ports.ts';

/** Reads a program to its end, keeping the first `limit` bytes of each stream and dropping the rest. */
export async function collect(process: RemoteProcess, limit: number): Promise<CollectedOutput> {
  const [stdout, stderr] = [gather(process.stdout, limit), gather(process.stderr, limit)];
  const ended = await process.ended;
  return { ended, stdout: await stdout, stderr: await stderr };
}

function gather(stream: Readable, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    if (length >= limit) return;
    const piece = chunk.subarray(0, limit - length);
    length += piece.length;
    chunks.push(piece);
  });
  return new Promise((resolve) => {
    stream.once('close', () => resolve(Buffer.concat(chunks)));
    stream.once('error', () => undefined);
  });
}
