import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';

export interface FileHash {
  readonly sha256: string;
  readonly bytes: number;
}

/** Files below this are read at once: a million small ones cost no turns of the event loop and no memory. */
const small = 64 << 10;
const piece = 1 << 20;
const start = Buffer.allocUnsafeSlow(small);
const readPiece = promisify(read);

/**
 * SHA-256 of a file's content; `path` may hold any bytes. Follows no symlink and waits for no fifo.
 * Of large files it reads one piece ahead while it hashes the one before. Throws the system's error.
 */
export async function hashFile(
  path: string | Buffer,
  each: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<FileHash> {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = createHash('sha256');
    const first = readSync(file, start, 0, small, null);
    hash.update(start.subarray(0, first));
    each(first);
    const bytes = first < small ? first : first + (await hashRest(file, (data) => hash.update(data), each, signal));
    return { sha256: hash.digest('hex'), bytes };
  } finally {
    closeSync(file);
  }
}

async function hashRest(
  file: number,
  update: (data: Buffer) => void,
  each: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  const next = async (buffer: Buffer): Promise<Buffer> =>
    buffer.subarray(0, (await readPiece(file, buffer, 0, piece, null)).bytesRead);
  let [now, then] = [Buffer.allocUnsafe(piece), Buffer.allocUnsafe(piece)];
  let bytes = 0;
  let full = await next(now);
  while (full.length > 0) {
    const ahead = next(then);
    try {
      signal?.throwIfAborted();
      update(full);
    } finally {
      // The file is not closed under a read.
      await ahead.catch(() => undefined);
    }
    bytes += full.length;
    each(full.length);
    full = await ahead;
    [now, then] = [then, now];
  }
  return bytes;
}
