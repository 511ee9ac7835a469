import { readFileSync, statSync } from 'node:fs';
import { fail, type Result, trouble } from '../core/result.ts';
import { maxStatement, readStatement, type SignedStatement } from '../core/statement.ts';

/** Reads a statement that somebody handed over as a file. */
export function readHanded(path: string): Result<SignedStatement> {
  try {
    const { size } = statSync(path);
    if (size > maxStatement) throw new Error(`it has ${size} bytes, and ${maxStatement} are allowed`);
    return readStatement(readFileSync(path), path);
  } catch (error) {
    return fail(trouble('not-a-statement', `${path} cannot be read: ${(error as Error).message}`, 'Name the file.'));
  }
}
