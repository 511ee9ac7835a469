import { fail, type Result, trouble } from '../core/result.ts';
import { maxStatement, readStatement, type SignedStatement } from '../core/statement.ts';
import { readPlainFile } from './compose.ts';

/** Reads a statement that somebody handed over as a file. */
export function readHanded(path: string): Result<SignedStatement> {
  try {
    return readStatement(readPlainFile(path, maxStatement), path);
  } catch (error) {
    return fail(trouble('not-a-statement', `${path} cannot be read: ${(error as Error).message}`, 'Name the file.'));
  }
}
