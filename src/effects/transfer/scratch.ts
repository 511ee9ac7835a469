import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { sync } from './copy-folder.ts';
import { diskTrouble } from './disk-trouble.ts';
import { removeTree } from './remove-tree.ts';

/** Lies beside a scratch folder, never in it, and names it by device and inode: another folder at the same path is not it. */
const markerOf = (scratch: string): string => `${scratch}.decom-scratch`;

/** Makes an empty scratch folder; one that an earlier attempt left is emptied, anybody else's is refused. */
export async function openScratch(scratch: string): Promise<Result<void>> {
  try {
    if (existsSync(scratch)) {
      if (readdirSync(scratch).length === 0) mark(scratch);
      else if (!isMarked(scratch)) return fail(notOurs(scratch));
      else {
        const removed = await removeTree(scratch);
        if (!removed.ok) return removed;
      }
    }
    if (!existsSync(scratch)) {
      mkdirSync(dirname(scratch), { recursive: true, mode: 0o700 });
      mkdirSync(scratch, { mode: 0o700 });
      mark(scratch);
    }
    return ok(undefined);
  } catch (error) {
    return fail(diskTrouble(error, scratch));
  }
}

/** Removes a scratch folder that `openScratch` made, and nothing else. One that is gone already is fine. */
export async function removeScratch(scratch: string): Promise<Result<void>> {
  try {
    if (existsSync(scratch)) {
      if (!isMarked(scratch)) return fail(notOurs(scratch));
      const removed = await removeTree(scratch);
      if (!removed.ok) return removed;
    }
    rmSync(markerOf(scratch), { force: true });
    return ok(undefined);
  } catch (error) {
    return fail(diskTrouble(error, scratch));
  }
}

const identity = (scratch: string): string => {
  const { dev, ino } = lstatSync(scratch, { bigint: true });
  return `decom scratch ${dev}:${ino}\n`;
};

function mark(scratch: string): void {
  writeFileSync(markerOf(scratch), identity(scratch), { mode: 0o600 });
  sync(markerOf(scratch));
}

const isMarked = (scratch: string): boolean =>
  lstatSync(scratch).isDirectory() &&
  existsSync(markerOf(scratch)) &&
  readFileSync(markerOf(scratch), 'utf8') === identity(scratch);

const notOurs = (scratch: string): Trouble =>
  trouble(
    'not-ours',
    `${scratch} is not an empty folder, nor a scratch folder that decom made`,
    'Look at what is in it, then move it away or choose another place.',
  );
