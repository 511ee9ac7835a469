import { isWithin } from './within.ts';

/** A line of a mount table. */
export interface Mount {
  /** What is mounted: a device, a server's share, a dataset. */
  readonly source: string;
  readonly target: string;
  readonly type: string;
  /** Tells the file system from every other one that is mounted at the time: `254:0` of the kernel, else its source. */
  readonly device: string;
  /** The folder of the file system that is mounted: `/` for all of it. */
  readonly root: string;
  /** Something else was mounted over it, so that nothing can reach it by its path. */
  readonly hidden: boolean;
}

/** What of one file system is mounted, however often. */
export interface Mounted {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Where it can be reached, the shortest path first; empty where all of it is hidden. */
  readonly targets: readonly string[];
}

/**
 * Reads /proc/self/mountinfo, or /proc/mounts of kernels that lack it (before 2.6.26). Lines that are neither are in `strange`: something is mounted that
 * nobody understands. The kernel's octal escapes in paths are undone.
 */
export function readMounts(text: string): { readonly mounts: readonly Mount[]; readonly strange: readonly string[] } {
  const strange: string[] = [];
  const lines: (Omit<Mount, 'hidden'> & { readonly number: string; readonly parent: string })[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const info = /^(\d+) (\d+) (\d+:\d+) (\S+) (\/\S*) \S+ (?:\S+ )*?- (\S+) (\S*) \S+$/.exec(line);
    const plain = info === null ? /^(\S+) (\/\S*) (\S+) \S+ \d+ \d+$/.exec(line) : null;
    if (info !== null) {
      const [, number = '', parent = '', device = '', root = '', target = '', type = '', source = ''] = info;
      lines.push({ number, parent, device, type, ...unescaped({ source, target, root }) });
    } else if (plain !== null) {
      const [, source = '', target = '', type = ''] = plain;
      // Without numbers nothing tells what lies over what but their order.
      lines.push({ number: '', parent: '', device: source, type, ...unescaped({ source, target, root: '/' }) });
    } else strange.push(line);
  }
  const mounts = lines.map(({ number: _number, parent: _parent, ...mount }, at) => ({
    ...mount,
    hidden: lines.some(
      (other, place) => place !== at && covers(other, lines[at] as (typeof lines)[number], lines, place > at),
    ),
  }));
  return { mounts, strange };
}

interface Numbered {
  readonly number: string;
  readonly parent: string;
  readonly target: string;
}

/** Whether a mount lies over another one: at its path or above, and not below it in the tree of mounts. */
function covers(over: Numbered, under: Numbered, all: readonly Numbered[], later: boolean): boolean {
  if (!isWithin(under.target, over.target)) return false;
  if (under.number === '') return over.target === under.target && later;
  const seen = new Set<string>();
  for (let at: Numbered | undefined = under; at !== undefined && !seen.has(at.number); ) {
    if (at.number === over.number) return false;
    seen.add(at.number);
    const { parent }: Numbered = at;
    at = all.find(({ number }) => number === parent);
  }
  return true;
}

/**
 * The file systems of a mount table, each once: what is mounted of a folder of one that is mounted further up (a bind mount) is a part of that one. Subvolumes
 * are file systems of their own, as none holds the other.
 */
export function mountedOf(mounts: readonly Mount[]): readonly Mounted[] {
  const outermost = mounts.filter(
    (mount) =>
      !mounts.some(
        (other) => other.device === mount.device && other.root !== mount.root && isWithin(mount.root, other.root),
      ),
  );
  const found = new Map<string, Mount[]>();
  for (const mount of outermost) {
    const id = idOf(mount);
    found.set(id, [...(found.get(id) ?? []), mount]);
  }
  return [...found].map(([id, same]) => ({
    id,
    source: same[0]?.source ?? '',
    type: same[0]?.type ?? '',
    targets: same
      .filter(({ hidden }) => !hidden)
      .map(({ target }) => target)
      .sort((a, b) => a.length - b.length),
  }));
}

export const idOf = ({ device, root }: Pick<Mount, 'device' | 'root'>): string => `${device} ${root}`;

const unescaped = <T extends { readonly [key: string]: string }>(texts: T): T =>
  Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [
      key,
      text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    ]),
  ) as T;
