import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { placeText } from '../../../core/place.ts';
import { fail, ok, type Result } from '../../../core/result.ts';
import { manifestChanged } from '../changed-copy.ts';
import type { HelperMachine } from '../deps.ts';
import { diskTrouble } from '../disk-trouble.ts';
import { shelfCommand } from './shelf.ts';

/** Brings the manifest of a copy on a helper here as a new file, if it is as long as was recorded. */
export async function bringManifest(
  helper: HelperMachine,
  path: string,
  bytes: number,
  file: string,
): Promise<Result<void>> {
  const command = shelfCommand(helper, 'give', path, String(bytes));
  if (!command.ok) return command;
  const stop = new AbortController();
  const started = await helper.machine.start(command.value, { signal: stop.signal });
  if (!started.ok) return started;
  const { stdin, stdout, stderr, ended } = started.value;
  stdin.end();
  stderr.resume();
  let come = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      come += chunk.length;
      if (come <= bytes) return done(null, chunk);
      stop.abort();
      return done(new Error('longer than it was said to be'));
    },
  });
  try {
    await pipeline(stdout, limit, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    stop.abort();
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return fail(diskTrouble(error, file));
  }
  const end = await ended;
  if (come < bytes && (end.how === 'lost' || end.how === 'aborted')) return fail(end.trouble);
  if (come === bytes) return ok(undefined);
  return fail(manifestChanged(placeText({ on: helper.name, path }), 'it has another length than was recorded'));
}
