import { closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type JournalStore, JournalTrouble } from '../../core/ports.ts';
import { trouble } from '../../core/result.ts';
import { replaceFile, syncFolder, writeAll } from './durable.ts';

/**
 * The log as a file, opened for append. Every append is synced to the disk before it returns; a failed sync is never tried again,
 * because the kernel may have dropped the pages that it could not write (fsyncgate, 2018). Throws `JournalTrouble` then and for ever.
 */
export function fileJournal(path: string): JournalStore {
  const fd = openSync(path, 'a+', 0o600);
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
    read: () => readFileSync(path),
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
        replaceFile(join(dirname(path), kept), whole.subarray(length));
        ftruncateSync(fd, length);
        fsyncSync(fd);
      });
      return kept;
    },
    close: () => closeSync(fd),
  };
}
