import { existsSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from '../../core/json.ts';
import type { Inbox, Waiting } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { maxStatement } from '../../core/statement.ts';
import { type Access, ownerOnly } from './access.ts';
import { makeFolder, replaceFile, syncFolder } from './durable.ts';
import { readPlainFile, UnfitFile } from './plain-file.ts';

/**
 * The inbox of a run: `<run>/inbox/*.json`. A file comes by a rename, so that nobody ever reads half of one. What is no plain file is unfit:
 * a link could name any file of this machine, and a pipe would never end. A file that cannot be moved away is not told of again: it is on record, and
 * a run does not end for it.
 */
export function folderInbox(path: string, access: Result<Access> = ok(ownerOnly)): Inbox {
  const names = (): readonly string[] =>
    existsSync(path) && statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
          .sort()
      : [];
  const stuck = new Set<string>();
  const away = (name: string, move: () => void): void => {
    try {
      move();
      syncFolder(path);
    } catch {
      stuck.add(name);
    }
  };
  const told = (): readonly string[] => names().filter((name) => !stuck.has(name));
  return {
    *waiting() {
      for (const name of told()) yield* read(join(path, name), name);
    },
    count: () => told().length,
    drop(name, bytes) {
      if (!access.ok) return access;
      try {
        makeFolder(path, dirname(path), access.value);
        replaceFile(join(path, name), bytes, access.value);
        return ok(join(path, name));
      } catch (error) {
        return fail(
          trouble(
            'inbox-not-writable',
            `${path} cannot be written: ${(error as Error).message}`,
            'Write the file elsewhere with -o FILE, and have whoever drives the run take it: decom inbox add RUN FILE',
          ),
        );
      }
    },
    taken: (name) => away(name, () => unlinkSync(join(path, name))),
    refused: (name) =>
      away(name, () => {
        makeFolder(join(path, 'refused'), path, access.ok ? access.value : ownerOnly);
        renameSync(join(path, name), join(path, 'refused', name));
      }),
  };
}

/** Nothing where the file has gone since: somebody else took it. */
function read(path: string, name: string): readonly Waiting[] {
  const unfit = (why: string): readonly Waiting[] => [{ name, content: { ok: false, unfit: why, sha256: sha256('') } }];
  try {
    return [{ name, content: { ok: true, bytes: readPlainFile(path, maxStatement, { follow: false }) } }];
  } catch (error) {
    if (error instanceof UnfitFile) return unfit(error.message);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    return unfit(code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be read: ${(error as Error).message}`);
  }
}
