import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Why a file is not read: a folder, a pipe or a device, or one that holds more than is allowed. */
export class UnfitFile extends Error {}

/**
 * Reads a plain file of no more than `most` bytes, however it grows meanwhile; a pipe is never waited for. `follow`: a symbolic link is. Throws `UnfitFile`, or what the
 * system says.
 */
export function readPlainFile(path: string, most: number, { follow = true } = {}): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW));
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new UnfitFile('it is no plain file');
    if (stat.size > most) throw new UnfitFile(`it has ${stat.size} bytes, and ${most} are allowed`);
    const bytes = Buffer.alloc(Math.min(most, stat.size) + 1);
    let length = 0;
    for (let more = 1; more > 0 && length < bytes.length; length += more)
      more = readSync(fd, bytes, length, bytes.length - length, null);
    if (length > stat.size) throw new UnfitFile('it grew while it was read');
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}
