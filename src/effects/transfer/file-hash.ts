import { createHash } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';

export interface FileHash {
  readonly sha256: string;
  readonly bytes: number;
}

const piece = 1 << 20;

/**
 * SHA-256 of a file's content; `path` may hold any bytes. Follows no symlink and waits for no fifo.
 * Reads one piece ahead while it hashes the one before. Throws the system's error.
 */
export async function hashFile(
  path: string | Buffer,
  each: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<FileHash> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = createHash('sha256');
    const buffers: [Buffer, Buffer] = [Buffer.allocUnsafe(piece), Buffer.allocUnsafe(piece)];
    let bytes = 0;
    let turn: 0 | 1 = 0;
    let got = await readInto(file, buffers[turn]);
    while (got > 0) {
      signal?.throwIfAborted();
      const full = buffers[turn].subarray(0, got);
      turn = turn === 0 ? 1 : 0;
      const next = readInto(file, buffers[turn]);
      hash.update(full);
      bytes += got;
      each(got);
      got = await next;
    }
    return { sha256: hash.digest('hex'), bytes };
  } finally {
    await file.close();
  }
}

const readInto = async (file: FileHandle, buffer: Buffer): Promise<number> =>
  (await file.read(buffer, 0, buffer.length, null)).bytesRead;
