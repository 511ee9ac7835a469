import { nameOf } from '../../core/mtree.ts';
import { fileSink, groups, type LineSink, type Lines, linesIn, mergeLines, sorter } from './lines.ts';

/** Collects entry lines in any order and gives them back sorted, each group of hard links tagged with its leader. */
export interface Listing extends LineSink {
  /** A line of something with more than one name; `inode` is any word that its names share. */
  writeLinked(inode: string, line: string): void;
  lines(): Lines;
  discard(): void;
}

/** A listing of what is told with its inodes (`find`, `lstat`). Only names within the listing make a group. */
export function listing(folder: string): Listing {
  const all = sorter(folder);
  const linked = sorter(folder);
  return {
    write: (line) => all.write(line),
    writeLinked: (inode, line) => linked.write(`${inode} ${line}`),
    async room() {
      await all.room();
      await linked.room();
    },
    async *lines() {
      for await (const { members } of groups(linked.sorted())) {
        let first: string | undefined;
        let leader: string | undefined;
        for await (const line of members) {
          if (first === undefined) {
            first = line;
            continue;
          }
          if (leader === undefined) {
            leader = nameOf(first);
            all.write(`${first} tags=${leader}`);
          }
          all.write(`${line} tags=${leader}`);
          await all.room();
        }
        if (first !== undefined && leader === undefined) all.write(first);
        await all.room();
      }
      yield* all.sorted();
    },
    discard() {
      all.discard();
      linked.discard();
    },
  };
}

/** A hard link names a member that the archive does not hold. */
export class DanglingLink extends Error {}

/**
 * Gives the hard links of a tar archive (`links`, sorted: `<target> <name>`) the attributes of their targets in `entries` (sorted),
 * and tags both. The leader is the first name in sorted order, which need not be the one that tar met first.
 */
export async function* resolveLinks(entries: Lines, links: Lines, folder: string): Lines {
  const copies = sorter(folder);
  const spool = `${folder}/tagged`;
  const kept = fileSink(spool);
  try {
    const targets = groups(links)[Symbol.asyncIterator]();
    let target = await targets.next();
    for await (const line of entries) {
      const name = nameOf(line);
      if (target.done || name < target.value.key) {
        kept.write(line);
      } else {
        if (name > target.value.key) throw new DanglingLink(target.value.key);
        let tag: string | undefined;
        const attributes = line.slice(name.length);
        for await (const link of target.value.members) {
          if (tag === undefined) {
            let leader = name;
            if (link < leader) leader = link;
            tag = ` tags=${leader}`;
            kept.write(line + tag);
          }
          copies.write(link + attributes + tag);
          await copies.room();
        }
        target = await targets.next();
      }
      await kept.room();
    }
    if (!target.done) throw new DanglingLink(target.value.key);
    await kept.end();
    yield* mergeLines(linesIn(spool), copies.sorted());
  } finally {
    copies.discard();
  }
}

/**
 * Gives every name of a group the hash that was taken of its leader. `waiting` holds `<leader> !<hash>` and `<leader> <line>`, sorted;
 * where the leader has no hash its other names have none, or are left out (`omit`).
 */
export async function* shareHashes(waiting: Lines, folder: string, omit: boolean): Lines {
  const shared = sorter(folder);
  try {
    for await (const { members } of groups(waiting)) {
      let hash: string | undefined;
      for await (const line of members) {
        if (line.startsWith('!')) hash = line.slice(1);
        else if (hash !== undefined) shared.write(`${line} sha256=${hash}`);
        else if (!omit) shared.write(line);
        await shared.room();
      }
    }
    yield* shared.sorted();
  } finally {
    shared.discard();
  }
}
