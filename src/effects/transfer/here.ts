import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { decodeName, readableName } from '../../core/mtree.ts';
import { fail, ok, type Result, seen, unseen } from '../../core/result.ts';
import { openPartial, readCopy, seal, sync } from './copy-folder.ts';
import { diskTrouble } from './disk-trouble.ts';
import { hashFile } from './file-hash.ts';
import { listing } from './hard-links.ts';
import type { Keeper, Sink, TreeListing } from './keeper.ts';
import { runHere } from './local-program.ts';
import { lookAtPlace } from './place.ts';
import { openScratch, removeScratch } from './scratch.ts';
import { walk } from './walk.ts';

const isRoot = (): boolean => process.getuid?.() === 0;

/** Copies that are kept on this machine: on a disk of its own, or a mounted one. */
export const here: Keeper = {
  on: 'control',
  name: 'this machine',
  look: async (path) => lookAtPlace(path),
  async read(copy) {
    try {
      return seen(readCopy(copy));
    } catch (error) {
      return unseen(diskTrouble(error, copy));
    }
  },
  isRoot: async () => ok(isRoot()),
  run: runHere,
  async hash(file, each, signal) {
    try {
      return ok(await hashFile(file, each, signal));
    } catch (error) {
      return fail(diskTrouble(error, file));
    }
  },
  openPartial,
  sink: async (partial) => sinkHere(partial.data),
  seal,
  leave: () => undefined,
  openScratch,
  removeScratch,
  manifest: async (copy) => ok(join(copy, 'manifest.mtree')),
  tree: (tree, work, signal) => treeHere(tree, work, signal),
};

/** A file here that does not exist yet. */
export function sinkHere(path: string): Result<Sink> {
  // One MiB waits at most. Of four, much outlived two collections of the young, and the whole heap was collected every 20 MB: a quarter
  // of the pace (measured on Node 20.20, 2026-11).
  const stream = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: 1 << 20 });
  // A full disk may be told between two writes, when nobody waits for it; `errored` keeps it until the next one asks.
  stream.on('error', () => undefined);
  return ok({
    stream,
    async close() {
      try {
        if (stream.errored) throw stream.errored;
        stream.end();
        await once(stream, 'close');
        if (stream.errored) throw stream.errored;
        sync(path);
        return ok(undefined);
      } catch (error) {
        return fail(diskTrouble(error, path));
      }
    },
    discard: () => stream.destroy(),
  });
}

async function treeHere(tree: string, work: string, signal: AbortSignal | undefined): Promise<Result<TreeListing>> {
  const found = listing(work);
  try {
    await walk(tree, found, signal);
  } catch (error) {
    found.discard();
    return fail(diskTrouble(error, tree));
  }
  return ok({
    lines: () => found.lines(),
    async contentOf({ name }) {
      try {
        const path = Buffer.concat([Buffer.from(tree), Buffer.from(decodeName(name.slice(1)), 'latin1')]);
        return await hashFile(path, () => undefined, signal);
      } catch (error) {
        return { bytes: 0, why: `${readableName(name)} could not be read: ${diskTrouble(error, tree).what}` };
      }
    },
    discard: () => found.discard(),
  });
}
