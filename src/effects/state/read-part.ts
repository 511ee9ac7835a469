import { closeSync, openSync, readSync } from 'node:fs';

/** A reader of logs needs room for a line at least; more than a MiB at once makes it no faster. */
const part = 1024 * 1024;

/** The bytes of a file from a place on: a MiB of them unless it ends before; none if there is no such file. Throws what reading throws. */
export function readPart(path: string, at: number): Uint8Array {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array();
    throw error;
  }
  try {
    const bytes = Buffer.allocUnsafe(part);
    let length = 0;
    for (let read = -1; read !== 0 && length < part; length += read) {
      read = readSync(fd, bytes, length, part - length, at + length);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}
