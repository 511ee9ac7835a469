import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BlobRef } from '../../core/blob.ts';
import { sha256 } from '../../core/json.ts';
import { type BlobStore, JournalTrouble } from '../../core/ports.ts';
import { trouble } from '../../core/result.ts';
import { type Access, ownerOnly } from './access.ts';
import { makeFolder, replaceFile } from './durable.ts';

/** Blobs in `folder/<sha256>`, 0600. What is put is redacted before it is hashed, so no secret is ever kept. `put` throws `JournalTrouble` as the log does. */
export function fileBlobs(folder: string, redact: (text: string) => string, access: Access = ownerOnly): BlobStore {
  return {
    put(data) {
      const bytes = Buffer.from(typeof data === 'string' ? redact(data) : data);
      const hash = sha256(bytes);
      const path = join(folder, hash);
      try {
        if (!existsSync(folder)) makeFolder(folder, dirname(folder), access);
        if (!existsSync(path)) replaceFile(path, bytes, access);
      } catch (error) {
        throw new JournalTrouble(
          trouble(
            'log-not-written',
            `${path}: writing what the audit log refers to failed: ${(error as Error).message}. Nothing more was begun`,
            'Make room or mend the disk, then see what is known with: decom status; and go on with: decom resume',
          ),
          error,
        );
      }
      return { sha256: hash, bytes: bytes.length };
    },
    get(ref) {
      const bytes = contentOf(folder, ref);
      if (bytes === undefined || sha256(bytes) !== ref.sha256)
        throw new Error(`${join(folder, ref.sha256)} is not what the log refers to`);
      return bytes;
    },
    check(ref) {
      let bytes: Uint8Array | undefined;
      try {
        bytes = contentOf(folder, ref);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unreadable';
      }
      return bytes !== undefined && sha256(bytes) === ref.sha256 ? 'whole' : 'different';
    },
    names: () => (existsSync(folder) ? readdirSync(folder).sort() : []),
  };
}

/**
 * The bytes of a blob; undefined for what cannot be it. A log that somebody else wrote may name any path, and what lies there may be a link, a
 * pipe that nobody writes to, or larger than the memory.
 */
function contentOf(folder: string, { sha256: name, bytes }: BlobRef): Uint8Array | undefined {
  if (!/^[0-9a-f]{64}$/.test(name)) return undefined;
  let fd: number;
  try {
    fd = openSync(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw error;
  }
  try {
    const { size, mode } = fstatSync(fd);
    const isFile = (mode & constants.S_IFMT) === constants.S_IFREG;
    return isFile && size === bytes ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Blobs that are only kept while a plan is made. */
export function memoryBlobs(): BlobStore {
  const kept = new Map<string, Uint8Array>();
  return {
    put(data) {
      const bytes = Buffer.from(data);
      const hash = sha256(bytes);
      kept.set(hash, bytes);
      return { sha256: hash, bytes: bytes.length };
    },
    get(ref) {
      const bytes = kept.get(ref.sha256);
      if (bytes === undefined) throw new Error(`no blob ${ref.sha256}`);
      return bytes;
    },
    check: (ref) => (kept.get(ref.sha256)?.length === ref.bytes ? 'whole' : 'missing'),
    names: () => [...kept.keys()],
  };
}
