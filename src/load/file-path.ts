import { fail, ok, type Result } from '../core/result.ts';

/** The folder of a file, with its final slash; empty for a bare name. */
export const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/') + 1);

/** A file named relative to another one, kept inside the folder tree of the entry file. */
export function relatedFile(
  used: string,
  by: string,
  entry: string,
): Result<string, { readonly what: string; readonly fix: string }> {
  const home = folderOf(entry);
  const outside = {
    what: `"${used}" leaves the runbook's folder.`,
    fix: 'Keep phase files beside or below the runbook.',
  };
  if (used.startsWith('/') || used.includes('\\')) return fail(outside);
  const below = folderOf(by)
    .slice(home.length)
    .split('/')
    .filter((part) => part !== '');
  for (const part of used.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') below.push(part);
    else if (below.pop() === undefined) return fail(outside);
  }
  return ok(`${home}${below.join('/')}`);
}
