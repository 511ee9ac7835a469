/** What an entry of a manifest is, by mtree(5)'s own words. */
export type EntryType = 'file' | 'dir' | 'link' | 'fifo' | 'socket' | 'char' | 'block';

/**
 * One line of a manifest. Names are *encoded* (`./srv/a\040b`): pure ASCII, one spelling for each sequence of bytes, and the
 * name of a file everywhere in this program. An attribute that is absent is not claimed.
 */
export interface Entry {
  readonly name: string;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky. Absent for symlinks, whose mode means nothing. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Bytes; files only. */
  readonly size?: number;
  /** Seconds since 1970 with nine decimals. */
  readonly time?: string;
  /** Target of a symlink, encoded like a name. */
  readonly link?: string;
  /** `linux,<major>,<minor>`; char and block only. */
  readonly device?: string;
  /** Files only. */
  readonly sha256?: string;
  /** First name, in sorted order, of the group of hard links that this one belongs to; the leader names itself. */
  readonly tags?: string;
}

/** The first line of a manifest; the `mtree` program reads it as a comment. */
export const manifestHeader = '#mtree';

const plain = /^[A-Za-z0-9._/+@:%-]*$/;
const special = /[^A-Za-z0-9._/+@:%-]/g;

/**
 * A name's bytes (one character each, as `latin1` gives them) in vis(3) octal. Everything that mtree reads as a pattern, a comment,
 * a separator of tags or white space is escaped, so that no name can be taken for anything else.
 */
export function encodeName(latin1: string): string {
  if (plain.test(latin1)) return latin1;
  return latin1.replace(special, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** The bytes of an encoded name, one character each (`latin1`). */
export function decodeName(name: string): string {
  if (!name.includes('\\')) return name;
  return name.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The encoded name of an ordinary path, as it stands in a runbook. */
export const encodePath = (path: string): string => encodeName(Buffer.from(path).toString('latin1'));

/** An encoded name for people: as UTF-8 where that is well formed and printable, otherwise as it stands. */
export function readableName(name: string): string {
  const text = Buffer.from(decodeName(name), 'latin1').toString('utf8');
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/.test(text) ? name : text;
}

/** The line of an entry, without a newline. Lines sort bytewise (LC_ALL=C) as their names do, a folder before what is in it. */
export function formatEntry(e: Entry): string {
  let line = `${e.name} type=${e.type}`;
  if (e.mode !== undefined) line += ` mode=${e.mode.toString(8).padStart(4, '0')}`;
  if (e.uid !== undefined) line += ` uid=${e.uid}`;
  if (e.gid !== undefined) line += ` gid=${e.gid}`;
  if (e.size !== undefined) line += ` size=${e.size}`;
  if (e.time !== undefined) line += ` time=${e.time}`;
  if (e.link !== undefined) line += ` link=${e.link}`;
  if (e.device !== undefined) line += ` device=${e.device}`;
  if (e.tags !== undefined) line += ` tags=${e.tags}`;
  if (e.sha256 !== undefined) line += ` sha256=${e.sha256}`;
  return line;
}

/** The name that a line begins with. */
export function nameOf(line: string): string {
  const space = line.indexOf(' ');
  return space === -1 ? line : line.slice(0, space);
}

/** Reads a line that `formatEntry` wrote; undefined if it is anything else. */
export function parseEntry(line: string): Entry | undefined {
  const [name, ...words] = line.split(' ');
  if (name === undefined || !/^\.(\/|$)/.test(name)) return undefined;
  const values = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) return undefined;
    values.set(word.slice(0, at), word.slice(at + 1));
  }
  const type = values.get('type');
  if (!isType(type)) return undefined;
  const entry: { -readonly [K in keyof Entry]: Entry[K] } = { name, type };
  for (const [key, value] of values) {
    switch (key) {
      case 'type':
        break;
      case 'mode':
        if (!/^[0-7]{4}$/.test(value)) return undefined;
        entry.mode = Number.parseInt(value, 8);
        break;
      case 'uid':
      case 'gid':
      case 'size': {
        const number = Number(value);
        if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) return undefined;
        entry[key] = number;
        break;
      }
      case 'time':
        if (!/^-?\d+\.\d{9}$/.test(value)) return undefined;
        entry.time = value;
        break;
      case 'sha256':
        if (!/^[0-9a-f]{64}$/.test(value)) return undefined;
        entry.sha256 = value;
        break;
      case 'link':
      case 'device':
      case 'tags':
        entry[key] = value;
        break;
      default:
        return undefined;
    }
  }
  return entry;
}

const types: readonly string[] = ['file', 'dir', 'link', 'fifo', 'socket', 'char', 'block'];
const isType = (word: string | undefined): word is EntryType => word !== undefined && types.includes(word);
