import { type EntryType, encodeName } from '../../core/mtree.ts';

/** A member of a tar archive as its headers describe it; `hardlink` names an earlier member in `link`. Names are encoded. */
export interface TarMember {
  readonly name: string;
  readonly type: EntryType | 'hardlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file's content, holes included. */
  readonly size: number;
  /** Seconds since 1970 with nine decimals. */
  readonly time: string;
  readonly link: string;
  readonly device: string;
}

/** Reads the headers of a tar stream as it passes by. The chunks are only looked at, never kept. */
export interface TarReader {
  /** Throws a `TarDamage` where the stream is not a tar archive. */
  push(chunk: Buffer): void;
  /** Whether the end-of-archive mark was seen: without it the stream was cut. */
  ended(): boolean;
}

/** The stream is not what tar writes. */
export class TarDamage extends Error {}

/** Longest extended header that is believed; a real one holds names, ACLs and extended attributes of one file. */
const greatestHeader = 64 << 20;
const block = 512;

/**
 * Understands ustar, GNU (`L`, `K`, `S`, base-256 numbers) and pax (`x`, `g`, GNU sparse 0.0, 0.1 and 1.0).
 * Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, appendix D.
 */
export function tarReader(member: (member: TarMember) => void): TarReader {
  const header = Buffer.alloc(block);
  let filled = 0;
  let skip = 0;
  let inSparseMap = false;
  let ended = false;
  let body: { readonly type: string; readonly chunks: Buffer[]; left: number; pad: number } | undefined;
  let longName: string | undefined;
  let longLink: string | undefined;
  let globals: PaxRecords = new Map();
  let locals: PaxRecords = new Map();
  let sparseMember: { readonly stored: number } | undefined;

  function takeBody(): void {
    if (body === undefined) return;
    const data = Buffer.concat(body.chunks);
    switch (body.type) {
      case 'L':
        longName = untilNul(data);
        break;
      case 'K':
        longLink = untilNul(data);
        break;
      case 'g':
        globals = new Map([...globals, ...paxRecords(data)]);
        break;
      default:
        locals = new Map([...locals, ...paxRecords(data)]);
    }
    skip = body.pad;
    body = undefined;
  }

  function takeHeader(): void {
    if (inSparseMap) {
      inSparseMap = header[504] === 1;
      if (!inSparseMap) skip = sparseMember?.stored ?? 0;
      return;
    }
    if (isZero(header)) {
      ended = true;
      return;
    }
    checkSum(header);
    const type = header[156] === 0 ? '0' : String.fromCharCode(header[156] ?? 0);
    if ('LKxgX'.includes(type)) {
      const size = number(header, 124, 12);
      if (size > greatestHeader) throw new TarDamage(`an extended header of ${size} bytes`);
      body = { type, chunks: [], left: size, pad: padding(size) };
      if (size === 0) takeBody();
      return;
    }
    const records = new Map([...globals, ...locals]);
    const pax = (key: string): string | undefined => {
      const value = records.get(key);
      return value === '' ? undefined : value;
    };
    const stored = paxNumber(pax('size')) ?? number(header, 124, 12);
    const oldSparse = type === 'S';
    const size =
      paxNumber(pax('GNU.sparse.realsize')) ??
      paxNumber(pax('GNU.sparse.size')) ??
      (oldSparse ? number(header, 483, 12) : stored);
    const rawName = pax('GNU.sparse.name') ?? pax('path') ?? longName ?? headerName(header);
    const rawLink = pax('linkpath') ?? longLink ?? text(header, 157, 100);
    const kind = rawName.endsWith('/') && '07'.includes(type) && size === 0 ? 'dir' : kinds[type];
    const data = kind === 'link' || kind === 'dir' ? 0 : stored;
    longName = undefined;
    longLink = undefined;
    locals = new Map();
    if (oldSparse && header[482] === 1) {
      inSparseMap = true;
      sparseMember = { stored: data + padding(data) };
    } else {
      skip = data + padding(data);
    }
    if (kind === undefined) return;
    member({
      name: canonical(rawName),
      type: kind,
      mode: number(header, 100, 8) & 0o7777,
      uid: paxNumber(pax('uid')) ?? number(header, 108, 8),
      gid: paxNumber(pax('gid')) ?? number(header, 116, 8),
      size: kind === 'file' ? size : 0,
      time: paxTime(pax('mtime')) ?? `${number(header, 136, 12)}.000000000`,
      link: kind === 'hardlink' ? canonical(rawLink) : encodeName(rawLink),
      device: kind === 'char' || kind === 'block' ? `linux,${number(header, 329, 8)},${number(header, 337, 8)}` : '',
    });
  }

  return {
    push(chunk) {
      let at = 0;
      while (at < chunk.length && !ended) {
        const rest = chunk.length - at;
        if (skip > 0) {
          const step = Math.min(skip, rest);
          skip -= step;
          at += step;
        } else if (body !== undefined) {
          const step = Math.min(body.left, rest);
          body.chunks.push(Buffer.from(chunk.subarray(at, at + step)));
          body.left -= step;
          at += step;
          if (body.left === 0) takeBody();
        } else {
          const step = Math.min(block - filled, rest);
          chunk.copy(header, filled, at, at + step);
          filled += step;
          at += step;
          if (filled === block) {
            filled = 0;
            takeHeader();
          }
        }
      }
    },
    ended: () => ended,
  };
}

type PaxRecords = Map<string, string>;

const kinds: { readonly [type: string]: TarMember['type'] } = {
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'link',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
};

const padding = (size: number): number => (block - (size % block)) % block;
const isZero = (bytes: Buffer): boolean => bytes.every((b) => b === 0);

function text(header: Buffer, at: number, length: number): string {
  return untilNul(header.subarray(at, at + length));
}

function untilNul(data: Buffer): string {
  const end = data.indexOf(0);
  return data.toString('latin1', 0, end === -1 ? data.length : end);
}

function headerName(header: Buffer): string {
  const name = text(header, 0, 100);
  // GNU's own format keeps times where ustar keeps the prefix; its magic ends in two blanks.
  const ustar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = ustar ? text(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** `./a/b` without an ending slash, whatever spelling the host's tar chose; encoded. */
function canonical(raw: string): string {
  const bare = raw.replace(/\/+$/, '').replace(/^(?:\.?\/+)+/, '');
  return bare === '' || bare === '.' ? '.' : `./${encodeName(bare)}`;
}

/** An octal number, or GNU's base-256 with the top bit set (negative ones count as 0: only times before 1970 have them). */
function number(header: Buffer, at: number, length: number): number {
  const first = header[at] ?? 0;
  if ((first & 0x80) !== 0) {
    if ((first & 0x40) !== 0) return 0;
    let value = first & 0x3f;
    for (let i = 1; i < length; i++) value = value * 256 + (header[at + i] ?? 0);
    return value;
  }
  const digits = text(header, at, length).trim();
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw new TarDamage(`"${digits}" where a number should be`);
  return Number.parseInt(digits, 8);
}

function checkSum(header: Buffer): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) sum += header[i] ?? 0;
  if (number(header, 148, 8) !== sum) throw new TarDamage('a header whose checksum is wrong');
}

/** Records of the form `<length> <key>=<value>\n`; values may hold any byte, newlines too. */
function paxRecords(data: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(data.toString('latin1', at, space));
    const end = at + length;
    if (!Number.isSafeInteger(length) || end > data.length || end <= space)
      throw new TarDamage('a pax record of bad length');
    const record = data.toString('latin1', space + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals === -1) throw new TarDamage('a pax record without "="');
    const key = record.slice(0, equals);
    // ACLs and extended attributes stay in the archive; the manifest has no place for them.
    if (!key.startsWith('SCHILY.')) records.set(key, record.slice(equals + 1));
    at = end;
  }
  return records;
}

const paxNumber = (value: string | undefined): number | undefined =>
  value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;

/** A decimal of seconds with exactly nine places: how times are written everywhere here. */
export function nineDecimals(value: string): string | undefined {
  const parts = /^(-?\d+)(?:\.(\d*))?$/.exec(value);
  return parts === null ? undefined : `${parts[1]}.${(parts[2] ?? '').slice(0, 9).padEnd(9, '0')}`;
}

const paxTime = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : nineDecimals(value);
