import { createHash } from 'node:crypto';
import type { PerformContext } from '../../core/action.ts';
import type { BlobRef } from '../../core/blob.ts';
import { formatEntry } from '../../core/mtree.ts';
import type { RemoteProcess } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { type Complaints, fromTar, hear } from './complaints.ts';
import type { TransferDeps } from './deps.ts';
import { diskTrouble } from './disk-trouble.ts';
import type { Keeper, Sink } from './keeper.ts';
import { type Sorter, SortFailure } from './lines.ts';
import { atIntervals } from './progress.ts';
import { cutOff, eachChunk, keep, SinkClosed } from './take-stream.ts';
import { TarDamage, type TarMember, tarReader } from './tar-reader.ts';
import { damaged, tarFailed } from './tar-trouble.ts';

interface Receiving {
  readonly to: Sink;
  readonly entries: Sorter;
  readonly links: Sorter;
  /** The folder here that the sorters write to. */
  readonly work: string;
  readonly heard: Complaints;
  readonly context: PerformContext;
  readonly deps: TransferDeps;
  readonly on: Keeper['on'];
  /** Ends tar at the source. */
  readonly stop: AbortController;
}

/** Takes the archive as tar at the source sends it: keeps it, hashes it, and lists what is in it. */
export async function receiveTar(process: RemoteProcess, r: Receiving): Promise<Result<BlobRef>> {
  const { machine, clock } = r.deps;
  const file = r.to.stream;
  const sha = createHash('sha256');
  let files = 0;
  const reader = tarReader((member) => {
    if (member.type === 'file' || member.type === 'hardlink') files++;
    if (member.type === 'hardlink') r.links.write(`${member.link} ${member.name}`);
    else r.entries.write(lineOf(member));
  });
  const tell = atIntervals(clock, r.context.progress);
  process.stdin.on('error', () => undefined);
  process.stdin.end();
  const hearing = hear(process.stderr, r.heard, fromTar).catch(() => undefined);
  let bytes = 0;
  try {
    await eachChunk(process.stdout, async (chunk) => {
      bytes += chunk.length;
      await keep(chunk, file, sha);
      reader.push(chunk);
      await r.entries.room();
      await r.links.room();
      tell(() => ({ what: 'copying', bytes, files }));
    });
  } catch (error) {
    const refused = error instanceof SinkClosed ? await r.to.close() : undefined;
    r.stop.abort();
    r.to.discard();
    process.stdout.destroy();
    const ended = await process.ended;
    if (refused?.ok === false) return refused;
    if (error instanceof TarDamage) return fail(damaged(machine.name, error.message, r.on));
    if (error instanceof SortFailure) return fail(diskTrouble(error, r.work));
    if (ended.how === 'lost' || (ended.how === 'aborted' && r.context.signal.aborted)) return fail(ended.trouble);
    return fail(cutOff(machine.name, String(error)));
  }
  const ended = await process.ended;
  await hearing;
  const closed = await r.to.close();
  switch (ended.how) {
    case 'lost':
    case 'aborted':
      return fail(ended.trouble);
    case 'signal':
      return fail(tarFailed(machine.name, `was ended by ${ended.signal}`, r.heard));
    case 'exit': {
      if (!reader.ended())
        return fail(tarFailed(machine.name, `ended with ${ended.code} before its archive was whole`, r.heard));
      // GNU tar: 1 is "some files differ", 2 is any error; of a whole archive, files that it could not read explain both.
      if (ended.code !== 0 && r.heard.count() === 0) {
        return fail(tarFailed(machine.name, `ended with ${ended.code} without naming a file`, r.heard));
      }
      return closed.ok ? ok({ sha256: sha.digest('hex'), bytes }) : closed;
    }
  }
}

const lineOf = (m: TarMember): string => {
  const { name, uid, gid, time } = m;
  switch (m.type) {
    case 'file':
      return formatEntry({ name, type: 'file', mode: m.mode, uid, gid, size: m.size, time });
    case 'link':
      return formatEntry({ name, type: 'link', uid, gid, time, link: m.link });
    case 'char':
    case 'block':
      return formatEntry({ name, type: m.type, mode: m.mode, uid, gid, time, device: m.device });
    case 'dir':
    case 'fifo':
    case 'socket':
      return formatEntry({ name, type: m.type, mode: m.mode, uid, gid, time });
    case 'hardlink':
      throw new Error('a hard link has no line of its own');
  }
};
