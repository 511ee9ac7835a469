import { accessSync, constants, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CopyDescription, PlaceSeen } from '../../core/probe.ts';
import { type Seen, seen, trouble, unseen } from '../../core/result.ts';
import { readCopy } from './copy-folder.ts';
import { diskTrouble } from './disk-trouble.ts';
import { nearestFolder } from './nearest-folder.ts';

/** Looks at a folder here, or at the nearest one above it that exists. */
export function lookAtPlace(path: string): Seen<PlaceSeen> {
  try {
    const there = nearestFolder(path);
    if (!statSync(there).isDirectory()) {
      return unseen(trouble('not-a-folder', `${there} is not a folder`, 'Choose another place.'));
    }
    const { bavail, bsize } = statfsSync(there, { bigint: true });
    return seen({
      exists: there === path,
      empty: there !== path || readdirSync(path).length === 0,
      writable: isWritable(there),
      free: Number(bavail * bsize),
      ...(there === path ? {} : { above: there }),
    });
  } catch (error) {
    return unseen(diskTrouble(error, path));
  }
}

/** Paths of complete copies of a host directly below a folder, newest first. */
export function listCopies(
  folder: string,
  host: { readonly name: string; readonly serial: string },
  method: CopyDescription['method'],
): Seen<readonly string[]> {
  try {
    if (!exists(folder)) return seen([]);
    const found: { readonly path: string; readonly taken: string }[] = [];
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const copy = readCopy(path).description;
      if (
        copy?.method === method &&
        copy.host === host.name &&
        copy.serial === host.serial &&
        !name.endsWith('.partial')
      ) {
        found.push({ path, taken: copy.manifest_taken });
      }
    }
    return seen(found.sort((a, b) => (a.taken < b.taken ? 1 : -1)).map((f) => f.path));
  } catch (error) {
    return unseen(diskTrouble(error, folder));
  }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
