import { encodePath } from '../../core/mtree.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { isWithin, tidyPath } from '../../core/within.ts';

/**
 * What is copied. `from` and `exclude` are absolute paths on the host, without wildcards. An exclusion leaves out exactly that file
 * or folder and all below it, in both methods alike.
 */
export interface Selection {
  /** Sorted; none lies below another. */
  readonly from: readonly string[];
  readonly exclude: readonly string[];
  /** Encoded names of the folders that lead to `from`: they have to exist, and nothing else is claimed of them. */
  readonly parents: readonly string[];
}

/** Tidies the paths of an operation; trouble where one cannot be meant. */
export function select(from: readonly string[], exclude: readonly string[]): Result<Selection> {
  if (from.length === 0) return fail(bad('there is nothing to copy: `from` is empty', 'Name at least one folder.'));
  for (const path of [...from, ...exclude]) {
    if (!path.startsWith('/') || path.includes('\0')) {
      return fail(bad(`"${path}" is not an absolute path`, 'Write it from the root, as in /srv.'));
    }
    if (path.split('/').some((part) => part === '.' || part === '..')) {
      return fail(bad(`"${path}" holds "." or ".."`, 'Write the path out in full.'));
    }
  }
  const wanted = outermost(from.map(tidyPath));
  const left = outermost(exclude.map(tidyPath));
  for (const path of wanted) {
    if (left.some((x) => isWithin(path, x))) {
      return fail(bad(`${path} is to be copied and left out`, 'Remove it from `from` or from `exclude`.'));
    }
  }
  const parents = new Set<string>();
  for (const path of wanted) {
    const parts = path.split('/').slice(1, -1);
    if (path !== '/') for (let i = 0; i <= parts.length; i++) parents.add(relative(`/${parts.slice(0, i).join('/')}`));
  }
  return ok({
    from: wanted,
    exclude: left.filter((x) => wanted.some((path) => isWithin(x, path))),
    parents: [...parents].map(encodePath),
  });
}

/** `/srv/a` as tar and find are told it from the root folder: `./srv/a`. */
export const relative = (path: string): string => (path === '/' ? '.' : `.${path}`);

/** A path as a pattern that matches only itself, for programs whose patterns escape by backslash. */
export const literally = (path: string): string => path.replace(/[\\*?[\]]/g, '\\$&');

function outermost(paths: readonly string[]): readonly string[] {
  const sorted = [...new Set(paths)].sort();
  return sorted.filter((path) => !sorted.some((other) => other !== path && isWithin(path, other)));
}

const bad = (what: string, fix: string) => trouble('bad-selection', what, fix);
