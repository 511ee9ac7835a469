import { basename, dirname } from 'node:path';
import { bytesIn, type Call, pathsIn } from './trace.ts';

/** What a cut of the power leaves of each change that was not synced, from 0 (nothing) to 1 (all), asked anew for each. */
export type Leaves = () => number;

/**
 * A disk as POSIX promises it and no better: what was written to a file is there after a power cut once that file was synced, and a name
 * once its folder was. Everything else may be there or not, in any order, a write by sectors of 512 bytes; where a later one is there and
 * an earlier one is not, that one reads as zeros.
 */
export interface Disk {
  /** Does what a system call did. Calls that failed, or change nothing that lies on this disk, are passed over. */
  apply(call: Call): void;
  /** What is there after a power cut: files by their paths. */
  afterPowerCut(leaves: Leaves): ReadonlyMap<string, Buffer>;
  /** What is there as long as the power is. */
  now(): ReadonlyMap<string, Buffer>;
}

type Change =
  | { readonly at: number; readonly bytes: Buffer }
  /** The file is cut to this length. */
  | { readonly length: number };

interface File {
  readonly kind: 'file';
  content: Buffer;
  safe: Buffer;
  pending: Change[];
}

/** One rename is one change: a journaling file system does both halves or neither. */
type Renaming = readonly (readonly [name: string, node: Node | undefined])[];

interface Folder {
  readonly kind: 'folder';
  names: Map<string, Node>;
  safe: Map<string, Node>;
  pending: Renaming[];
}

type Node = File | Folder;

const sector = 512;
const newFile = (): File => ({ kind: 'file', content: Buffer.alloc(0), safe: Buffer.alloc(0), pending: [] });
const newFolder = (): Folder => ({ kind: 'folder', names: new Map(), safe: new Map(), pending: [] });

/** An empty folder at `root` that is on the disk itself. Calls elsewhere are passed over. */
export function emptyDisk(root: string): Disk {
  const top = newFolder();
  const nodeAt = (path: string): Node | undefined => {
    if (path !== root && !path.startsWith(`${root}/`)) return undefined;
    let node: Node | undefined = top;
    for (const name of path.slice(root.length).split('/').filter(Boolean)) {
      node = node?.kind === 'folder' ? node.names.get(name) : undefined;
    }
    return node;
  };
  const rename = (path: string, node: Node | undefined): void => {
    const folder = nodeAt(dirname(path));
    if (path === root || folder?.kind !== 'folder') return;
    put(folder, [[basename(path), node]]);
  };
  const put = (folder: Folder, names: Renaming): void => {
    for (const [name, node] of names) {
      if (node === undefined) folder.names.delete(name);
      else folder.names.set(name, node);
    }
    folder.pending.push(names);
  };
  const change = (file: File, to: Change): void => {
    file.content = changed(file.content, to);
    file.pending.push(to);
  };

  return {
    apply({ name, args, on, result, error }) {
      if (error !== undefined || result === undefined) return;
      const paths = pathsIn(args);
      const [first = '', second = ''] = paths;
      switch (name) {
        case 'openat': {
          if (!args.includes('O_CREAT') && !args.includes('O_TRUNC')) return;
          const there = nodeAt(first);
          if (there === undefined) rename(first, newFile());
          else if (there.kind === 'file' && args.includes('O_TRUNC')) change(there, { length: 0 });
          return;
        }
        case 'write': {
          const file = nodeAt(on);
          if (file?.kind === 'file')
            change(file, { at: file.content.length, bytes: bytesIn(args).subarray(0, result) });
          return;
        }
        case 'ftruncate': {
          const file = nodeAt(on);
          if (file?.kind === 'file') change(file, { length: Number(/, (\d+)$/.exec(args)?.[1]) });
          return;
        }
        case 'fdatasync':
        case 'fsync': {
          const node = nodeAt(on);
          if (node?.kind === 'file') node.safe = node.content;
          else if (node !== undefined) node.safe = new Map(node.names);
          if (node !== undefined) node.pending = [];
          return;
        }
        case 'mkdir':
          if (nodeAt(first) === undefined) rename(first, newFolder());
          return;
        case 'link':
          rename(second, nodeAt(first));
          return;
        case 'unlink':
        case 'rmdir':
          rename(first, undefined);
          return;
        case 'rename': {
          const node = nodeAt(first);
          const folder = nodeAt(dirname(first));
          if (dirname(first) === dirname(second) && folder?.kind === 'folder') {
            put(folder, [
              [basename(first), undefined],
              [basename(second), node],
            ]);
          } else {
            rename(second, node);
            rename(first, undefined);
          }
        }
      }
    },
    now: () =>
      filesIn(
        top,
        root,
        (folder) => folder.names,
        (file) => file.content,
      ),
    afterPowerCut: (leaves) =>
      filesIn(
        top,
        root,
        (folder) => {
          const names = new Map(folder.safe);
          for (const change of folder.pending) {
            if (leaves() < 0.5) continue;
            for (const [name, node] of change) {
              if (node === undefined) names.delete(name);
              else names.set(name, node);
            }
          }
          return names;
        },
        (file) => file.pending.reduce<Buffer>((content, to) => halfChanged(content, to, leaves), file.safe),
      ),
  };
}

function changed(content: Buffer, to: Change): Buffer {
  if ('length' in to)
    return Buffer.concat([content.subarray(0, to.length), Buffer.alloc(Math.max(0, to.length - content.length))]);
  const grown = Buffer.alloc(Math.max(content.length, to.at + to.bytes.length));
  content.copy(grown);
  to.bytes.copy(grown, to.at);
  return grown;
}

/** A write of which some sectors came to the disk. */
function halfChanged(content: Buffer, to: Change, leaves: Leaves): Buffer {
  const much = leaves();
  if (much === 0) return content;
  if ('length' in to) return much < 0.5 ? content : changed(content, to);
  if (much === 1) return changed(content, to);
  let half = content;
  const end = to.at + to.bytes.length;
  for (let at = to.at; at < end; ) {
    const next = Math.min(end, at - (at % sector) + sector);
    if (leaves() < 0.5) half = changed(half, { at, bytes: to.bytes.subarray(at - to.at, next - to.at) });
    at = next;
  }
  // The length may be on the disk before what is to stand there is.
  return half.length < end && leaves() < 0.5 ? changed(half, { length: end }) : half;
}

function filesIn(
  folder: Folder,
  path: string,
  names: (folder: Folder) => ReadonlyMap<string, Node>,
  content: (file: File) => Buffer,
): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [name, node] of names(folder)) {
    if (node.kind === 'file') found.set(`${path}/${name}`, content(node));
    else for (const [below, bytes] of filesIn(node, `${path}/${name}`, names, content)) found.set(below, bytes);
  }
  return found;
}
