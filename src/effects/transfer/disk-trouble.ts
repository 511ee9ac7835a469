import { type Place, whereWords } from '../../core/place.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { SortFailure } from './lines.ts';

/** A failed system call on a path here, as trouble. Throws what is no system error: that is a bug. */
export function diskTrouble(error: unknown, path: string): Trouble {
  if (error instanceof SortFailure) return sortTrouble(error, path);
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(path, error.message);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return trouble(
        'not-writable',
        `${path} cannot be written or read here (${error.code})`,
        'Give this user the right to it, or choose another folder.',
        error.message,
      );
    default:
      return trouble(
        'disk-failed',
        `${path}: ${error.message}`,
        'Check the file system here, then try again.',
        error.message,
      );
  }
}

/** `on`: the helper whose disk it is. */
export const diskFull = (path: string, detail?: string, on: Place['on'] = 'control'): Trouble =>
  trouble(
    'disk-full',
    `the disk is full ${whereWords(on)}, at ${path}`,
    'Free some room or choose another place, then resume.',
    detail,
  );

function sortTrouble(failure: SortFailure, path: string): Trouble {
  if (failure.missing)
    return trouble('tool-missing', 'this machine has no sort', 'Install coreutils here, then try again.');
  if (saysFull(failure.message)) return diskFull(path, failure.message);
  return trouble(
    'sort-failed',
    'sort, which puts names in order here, failed',
    'Read what it said, then try again.',
    failure.message,
  );
}

/** Whether a program said that the disk is full. */
export const saysFull = (text: string): boolean => /No space left on device|Disk quota exceeded/.test(text);
