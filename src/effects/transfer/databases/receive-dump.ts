import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { PerformContext } from '../../../core/action.ts';
import type { Command } from '../../../core/ports.ts';
import { fail, ok, type Result } from '../../../core/result.ts';
import type { TransferDeps } from '../deps.ts';
import { diskTrouble } from '../disk-trouble.ts';
import { sinkHere } from '../here.ts';
import { hearStderr } from '../program.ts';
import { atIntervals } from '../progress.ts';
import { cutOff, eachChunk, keep } from '../take-stream.ts';
import { endedBadly } from './ask-server.ts';
import type { Dumped } from './dumps-manifest.ts';

export interface Receiving {
  readonly deps: TransferDeps;
  readonly context: PerformContext;
  /** Where dumps are written. */
  readonly folder: string;
  /** For people: `PostgreSQL on web01`. */
  readonly server: string;
}

/** Writes what a program of the host prints into a file here, and hashes it on the way. It counts only if that program ended well. */
export async function receiveDump(
  { deps, context, folder, server }: Receiving,
  file: string,
  command: Command,
  { what, database }: { readonly what: string; readonly database: string },
): Promise<Result<Dumped>> {
  const path = join(folder, file);
  const sink = sinkHere(path);
  if (!sink.ok) return sink;
  const stop = new AbortController();
  const started = await deps.machine.start(command, { signal: AbortSignal.any([context.signal, stop.signal]) });
  if (!started.ok) {
    sink.value.discard();
    return started;
  }
  const process = started.value;
  process.stdin.on('error', () => undefined);
  process.stdin.end();
  const stderr = hearStderr(process.stderr, undefined);
  const sha = createHash('sha256');
  const tell = atIntervals(deps.clock, context.progress);
  let bytes = 0;
  try {
    await eachChunk(process.stdout, async (chunk) => {
      bytes += chunk.length;
      await keep(chunk, sink.value.stream, sha);
      tell(() => ({ what, bytes }));
    });
  } catch (error) {
    const { errored } = sink.value.stream;
    stop.abort();
    sink.value.discard();
    process.stdout.destroy();
    const ended = await process.ended;
    if (errored) return fail(diskTrouble(errored, path));
    if (ended.how === 'lost' || (ended.how === 'aborted' && context.signal.aborted)) return fail(ended.trouble);
    return fail(cutOff(deps.machine.name, String(error)));
  }
  const ended = await process.ended;
  const closed = await sink.value.close();
  if (ended.how !== 'exit' || ended.code !== 0) {
    return fail(
      endedBadly(ended, stderr.text(), { server, database }, database === '' ? 'asked for its logins' : 'dumped'),
    );
  }
  return closed.ok ? ok({ file, sha256: sha.digest('hex'), bytes }) : closed;
}
