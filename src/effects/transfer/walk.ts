import { type Dir, lstatSync, opendirSync, readlinkSync } from 'node:fs';
import { type EntryType, encodeName, formatEntry } from '../../core/mtree.ts';
import type { Listing } from './hard-links.ts';

/** How many folders are held open at once; deeper ones wait their turn as names. */
const deepest = 64;

/** Lists a tree here into `into`, without hashes, and without ever holding more than a few names. Throws the system's error. */
export async function walk(root: string, into: Listing, signal: AbortSignal | undefined): Promise<void> {
  const base = Buffer.from(`${root.replace(/\/+$/, '')}/`);
  const waiting: Buffer[] = [Buffer.alloc(0)];
  let since = 0;

  const enter = (below: Buffer): Dir =>
    opendirSync(Buffer.concat([base, below]), { encoding: 'latin1', bufferSize: 256 });

  into.write(lineOf(base, Buffer.alloc(0)).line);
  for (let start = waiting.pop(); start !== undefined; start = waiting.pop()) {
    const open = [{ below: start, dir: enter(start) }];
    try {
      for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
        const child = here.dir.readSync();
        if (child === null) {
          here.dir.closeSync();
          open.pop();
          continue;
        }
        const below = Buffer.concat([here.below, Buffer.from(child.name, 'latin1')]);
        const { line, inode, type } = lineOf(base, below);
        if (inode === undefined) into.write(line);
        else into.writeLinked(inode, line);
        if (type === 'dir') {
          const folder = Buffer.concat([below, slash]);
          if (open.length < deepest) open.push({ below: folder, dir: enter(folder) });
          else waiting.push(folder);
        }
        if (++since % 256 === 0) {
          signal?.throwIfAborted();
          await into.room();
        }
      }
    } finally {
      for (const { dir } of open) dir.closeSync();
    }
  }
}

const slash = Buffer.from('/');

function lineOf(base: Buffer, below: Buffer): { line: string; inode: string | undefined; type: EntryType } {
  const path = Buffer.concat([base, below]);
  const s = lstatSync(path, { bigint: true });
  const name = below.length === 0 ? '.' : `./${encodeName(below.toString('latin1'))}`;
  const type: EntryType = s.isFile()
    ? 'file'
    : s.isDirectory()
      ? 'dir'
      : s.isSymbolicLink()
        ? 'link'
        : s.isFIFO()
          ? 'fifo'
          : s.isSocket()
            ? 'socket'
            : s.isCharacterDevice()
              ? 'char'
              : 'block';
  const line = formatEntry({
    name,
    type,
    ...(type === 'link' ? { link: encodeName(readlinkSync(path, { encoding: 'buffer' }).toString('latin1')) } : {}),
    ...(type === 'link' ? {} : { mode: Number(s.mode & 0o7777n) }),
    uid: Number(s.uid),
    gid: Number(s.gid),
    ...(type === 'file' ? { size: Number(s.size) } : {}),
    time: decimal(s.mtimeNs),
    ...(type === 'char' || type === 'block' ? { device: device(s.rdev) } : {}),
  });
  return { line, inode: type !== 'dir' && s.nlink > 1n ? `${s.dev}:${s.ino}` : undefined, type };
}

/** Nanoseconds as seconds with nine decimals; before 1970 with a minus in front of the whole. */
function decimal(ns: bigint): string {
  const positive = ns < 0n ? -ns : ns;
  const fraction = String(positive % 1_000_000_000n).padStart(9, '0');
  return `${ns < 0n ? '-' : ''}${positive / 1_000_000_000n}.${fraction}`;
}

/** Linux keeps twelve bits of the major and twenty of the minor number interleaved (glibc's `gnu_dev_major`). */
function device(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `linux,${major},${minor & 0xffffffffn}`;
}
