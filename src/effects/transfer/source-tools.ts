import type { Machine } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Selection } from './selection.ts';

export type HashTool = 'openssl' | 'sha256sum' | 'shasum' | 'busybox';

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

/** Arguments of a SHA-256 program before its file names; it prints `<hash> <one character><name>`. */
export const hashCommand: { readonly [K in HashTool]: string } = {
  openssl: 'openssl dgst -sha256 -r',
  sha256sum: 'sha256sum --',
  shasum: 'shasum -a 256 --',
  busybox: 'busybox sha256sum --',
};

/**
 * openssl comes first because it uses the processor's SHA instructions where coreutils often does not (2.8 × faster where measured).
 * Each program has to hash `abc` rightly before it is believed.
 */
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
abc() { case $1 in
  openssl) printf abc | openssl dgst -sha256 -r ;;
  sha256sum) printf abc | sha256sum ;;
  shasum) printf abc | shasum -a 256 ;;
  busybox) printf abc | busybox sha256sum ;;
esac; }
for h in openssl sha256sum shasum busybox; do
  case $(abc "$h" 2>/dev/null) in
    ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad*) echo "hash $h"; break ;;
  esac
done
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
  const hash = after('hash')[0];
  return ok({
    tar: tar === 'gnu' || tar === 'bsd' || tar === 'other' ? tar : undefined,
    tarOptions: after('option'),
    hash: isHashTool(hash) ? hash : undefined,
    rsync: rsyncFound(after('rsync').join(' ')),
    findPrintf: words.includes('find'),
  });
}

const isHashTool = (word: string | undefined): word is HashTool =>
  word !== undefined && Object.hasOwn(hashCommand, word);

export const hashMissing = (where: string): Trouble =>
  trouble(
    'tool-missing',
    `${where} has no SHA-256 program`,
    'Install coreutils, openssl or busybox there (looked for: openssl, sha256sum, shasum, busybox), then try again.',
  );

export const toolMissing = (where: string, tool: string, pkg: string): Trouble =>
  trouble('tool-missing', `${where} has no ${tool}`, `Install ${pkg} there, then try again.`);
