import type { Machine } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { type HashTool, hashToolIn, hashToolScript } from './hash-tool.ts';
import type { Selection } from './selection.ts';

/** What the host has for copying, and whether the folders to copy are there. */
export interface SourceTools {
  readonly tar: 'gnu' | 'bsd' | 'other' | undefined;
  /** Options that its tar takes, of those in `wished`. */
  readonly tarOptions: readonly string[];
  readonly hash: HashTool | undefined;
  readonly rsync: RsyncFound | undefined;
  readonly findPrintf: boolean;
}

/** What an rsync was built with. */
export interface RsyncFound {
  readonly acls: boolean;
  readonly xattrs: boolean;
  /** Whether it tells times finer than a second (protocol 31, rsync 3.1). */
  readonly subseconds: boolean;
}

/** Reads `rsync --version`; undefined for a text that is none. */
export function rsyncFound(version: string): RsyncFound | undefined {
  if (!version.includes('rsync')) return undefined;
  const has = (word: string): boolean => version.includes(word) && !version.includes(`no ${word}`);
  const protocol = Number(/protocol version (\d+)/.exec(version)?.[1] ?? 0);
  return { acls: has('ACLs'), xattrs: has('xattrs'), subseconds: protocol >= 31 };
}

/** What tar is asked to do beyond its standard, where it can. */
const wished = [
  '--format=posix',
  '--sparse',
  '--acls',
  '--xattrs',
  '--xattrs-include=*',
  '--numeric-owner',
  '--quoting-style=c',
  '--pax-option=delete=atime,delete=ctime',
];

const script = `
LC_ALL=C; export LC_ALL; set -f
if command -v tar >/dev/null 2>&1; then
  case $(tar --version 2>/dev/null) in
    *'GNU tar'*) echo 'tar gnu'; for o in ${wished.map((o) => `'${o}'`).join(' ')}; do
      tar "$o" --version >/dev/null 2>&1 </dev/null && echo "option $o"; done ;;
    *bsdtar*) echo 'tar bsd' ;;
    *) echo 'tar other' ;;
  esac
fi
if command -v rsync >/dev/null 2>&1; then
  v=$(rsync --version 2>/dev/null </dev/null)
  echo rsync rsync $v
fi
case $(find / -maxdepth 0 -printf ok 2>/dev/null) in ok) echo find ;; esac
${hashToolScript}
h=$(hash_tool) && echo "hash $h"
n=0
for p; do n=$((n+1)); if [ -e "$p" ] || [ -L "$p" ]; then :; else echo "missing $n"; fi; done
echo end
`;

/** Asks the host once, before anything is made here. */
export async function sourceTools(
  machine: Machine,
  root: boolean,
  selection: Selection,
  signal: AbortSignal,
): Promise<Result<SourceTools>> {
  const answer = await machine.exec({ argv: ['sh', '-c', script, 'sh', ...selection.from], root }, { signal });
  if (!answer.ok) return answer;
  const { ended, stdout, stderr } = answer.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  const words = Buffer.from(stdout).toString('utf8').split('\n');
  if (!words.includes('end')) {
    return fail(
      trouble(
        'source-unclear',
        `${machine.name} could not be asked what it has for copying`,
        'Check that sh works there for this login.',
        Buffer.from(stderr).toString('utf8').slice(0, 2000),
      ),
    );
  }
  const after = (word: string): readonly string[] =>
    words.filter((w) => w.startsWith(`${word} `)).map((w) => w.slice(word.length + 1));
  const missing = after('missing').map((n) => selection.from[Number(n) - 1] ?? n);
  if (missing.length > 0) {
    return fail(
      trouble(
        'source-missing',
        `${machine.name} has no ${missing.join(', ')}`,
        'Correct `from` in the runbook; a folder that is gone is not left out by itself.',
      ),
    );
  }
  const tar = after('tar')[0];
  return ok({
    tar: tar === 'gnu' || tar === 'bsd' || tar === 'other' ? tar : undefined,
    tarOptions: after('option'),
    hash: hashToolIn(words),
    rsync: rsyncFound(after('rsync').join(' ')),
    findPrintf: words.includes('find'),
  });
}

export const toolMissing = (where: string, tool: string, pkg: string): Trouble =>
  trouble('tool-missing', `${where} has no ${tool}`, `Install ${pkg} there, then try again.`);
