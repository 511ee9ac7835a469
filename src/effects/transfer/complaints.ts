import type { Readable } from 'node:stream';
import { encodeName } from '../../core/mtree.ts';
import { linesOf } from './lines.ts';

/** What the source could not give: a name (encoded; empty where the program named none) and why. */
export interface Unread {
  readonly name: string;
  readonly why: string;
}

/** Why a file that was copied has no hash of the source. */
export const vanished = 'it vanished before its hash was taken';

/** Names beyond this many are only counted. */
export const mostUnread = 1000;

/** Collects what could not be read, whatever tells of it. */
export interface Complaints {
  add(unread: Unread): void;
  list(): readonly Unread[];
  count(): number;
  /** The last lines of the program that nothing else explains, for people. */
  rest(): string;
  note(line: string): void;
}

export function complaints(): Complaints {
  const list: Unread[] = [];
  const rest: string[] = [];
  let count = 0;
  return {
    add(unread) {
      // The same file may be complained of by the copy, by the listing and by the hashing.
      if (list.some((known) => known.name === unread.name)) return;
      count++;
      if (list.length < mostUnread) list.push(unread);
    },
    list: () => list,
    count: () => count,
    note(line) {
      rest.push(line.slice(0, 500));
      if (rest.length > 20) rest.shift();
    },
    rest: () => rest.join('\n'),
  };
}

/** Reads the messages of a program; `understand` finds the file that one speaks of. */
export async function hear(
  stderr: Readable,
  into: Complaints,
  understand: (line: string) => Unread | 'ignore' | undefined,
): Promise<void> {
  for await (const line of linesOf(stderr)) {
    const unread = understand(line);
    if (unread === undefined) into.note(line);
    else if (unread !== 'ignore') into.add(unread);
  }
}

/** GNU tar with `--quoting-style=c`: `tar: "./srv/a b": Cannot open: Permission denied`. Other tars do not quote. */
export function fromTar(line: string): Unread | 'ignore' | undefined {
  if (/ (Exiting with failure status|Error exit delayed|error exit delayed)/.test(line)) return 'ignore';
  const quoted = /^[^:]+: "((?:[^"\\]|\\.)*)": (.*)$/.exec(line);
  if (quoted !== null) return { name: nameFromC(quoted[1] ?? ''), why: quoted[2] ?? '' };
  const opened = /^tar: can't open '(.*)': (.*)$/.exec(line);
  if (opened !== null) return { name: encodeName(opened[1] ?? ''), why: opened[2] ?? '' };
  const plain = /^[^:]*tar: (\.\/[^:]*): (.*)$/.exec(line);
  if (plain !== null) return { name: encodeName(plain[1] ?? ''), why: plain[2] ?? '' };
  return undefined;
}

/** rsync, with the paths it was given: `rsync: [sender] send_files failed to open "/srv/x": Permission denied (13)`. */
export function fromRsync(line: string): Unread | 'ignore' | undefined {
  if (line === '' || line.startsWith('rsync error: some files') || line.startsWith('rsync warning: some files'))
    return 'ignore';
  if (line.startsWith('IO error encountered -- skipping file deletion')) return 'ignore';
  const failed =
    /^rsync: (?:\[sender\] )?(?:send_files failed to open|opendir|readlink_stat|link_stat|get_xattr_names|read errors mapping)\s?\(?"(.*)"\)?(?: failed)?: (.*)$/.exec(
      line,
    );
  if (failed !== null) return { name: nameFromRsync(failed[1] ?? ''), why: failed[2] ?? '' };
  const vanished = /^file has vanished: "(.*)"$/.exec(line);
  if (vanished !== null) return { name: nameFromRsync(vanished[1] ?? ''), why: 'it vanished while it was copied' };
  return undefined;
}

/** GNU find in the C locale: `find: './srv/x': Permission denied`, unprintable bytes as in C. */
export function fromFind(line: string): Unread | undefined {
  const found = /^find: '(.*)': (.*)$/.exec(line);
  return found === null ? undefined : { name: nameFromC(found[1] ?? ''), why: found[2] ?? '' };
}

/** C-style escapes, as GNU's `quotearg` writes them. */
function nameFromC(text: string): string {
  const letters: { readonly [letter: string]: string } = {
    a: '\x07',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
  };
  return encodeName(
    text.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (letters[code] ?? code),
    ),
  );
}

/** rsync writes unprintable bytes as `\#ooo`. */
const nameFromRsync = (text: string): string =>
  encodeName(`.${text.replace(/\\#([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))}`);
