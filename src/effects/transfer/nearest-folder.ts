import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The path itself, or the nearest one above it that exists here. */
export function nearestFolder(path: string): string {
  let there = path;
  while (statSync(there, { throwIfNoEntry: false }) === undefined && dirname(there) !== there) there = dirname(there);
  return there;
}
