import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type JournalStore, JournalTrouble } from '../../core/ports.ts';
import { trouble } from '../../core/result.ts';
import { type Access, openBeyond, ownerOnly, shareFile } from './access.ts';
import { replaceFile, syncFolder, writeAll } from './durable.ts';
import { readPart } from './read-part.ts';

/** Through no symbolic link, and nothing but a file: else lines would go where whoever made the link wants them. */
function openLog(path: string, access: Access): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
  const fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, access.file);
  try {
    const stat = fstatSync(fd);
    const isFile = (stat.mode & constants.S_IFMT) === constants.S_IFREG;
    if (access.group === undefined) {
      if (isFile && (stat.mode & 0o022) === 0) return fd;
      throw new Error(`${path} is not a file that only its owner writes to`);
    }
    const beyond = isFile ? openBeyond(stat, access) : 'it is no file';
    if (beyond !== undefined) throw new Error(`${path}: ${beyond}`);
    shareFile(fd, access);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * The log as a file, opened for append. Every append is synced to the disk before it returns; a failed sync is never tried again,
 * because the kernel may have dropped the pages that it could not write (fsyncgate, 2018). Throws `JournalTrouble` then and for ever.
 */
export function fileJournal(path: string, access: Access = ownerOnly): JournalStore {
  const fd = openLog(path, access);
  syncFolder(dirname(path));
  let broken: JournalTrouble | undefined;
  const guarded = (what: string, act: () => void): void => {
    if (broken !== undefined) throw broken;
    try {
      act();
    } catch (error) {
      broken = new JournalTrouble(
        trouble(
          'log-not-written',
          `${path}: ${what} failed: ${(error as Error).message}. Nothing more was begun`,
          'Make room or mend the disk, then see what is known with: decom status; and go on with: decom resume',
        ),
        error,
      );
      throw broken;
    }
  };
  return {
    read: (at) => readPart(path, at),
    append: (bytes) =>
      guarded('writing to the audit log', () => {
        writeAll(fd, bytes);
        fdatasyncSync(fd);
      }),
    cut(length) {
      let kept = '';
      guarded('repairing the audit log', () => {
        const whole = readFileSync(path);
        const size = fstatSync(fd).size;
        kept = `audit.torn.${length}-${size}`;
        replaceFile(join(dirname(path), kept), whole.subarray(length), access);
        ftruncateSync(fd, length);
        fsyncSync(fd);
      });
      return kept;
    },
    close: () => closeSync(fd),
  };
}
