import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { placeText } from '../../../core/place.ts';
import { fail, ok, type Result, trouble } from '../../../core/result.ts';
import type { HelperMachine } from '../deps.ts';
import type { Sink } from '../keeper.ts';
import { hashThere } from './hash-there.ts';
import { refusal, shelf, shelfCommand } from './shelf.ts';

/** Writes a small file on a helper, and has it make sure that it came whole. */
export async function writeThere(
  helper: HelperMachine,
  path: string,
  content: string | Uint8Array,
): Promise<Result<void>> {
  const sha = createHash('sha256').update(content).digest('hex');
  const done = await shelf(helper, 'put', path, { rest: [sha], stdin: content });
  return done.ok ? ok(undefined) : done;
}

/** Writes a file on a helper as it comes. */
export async function sinkThere(
  helper: HelperMachine,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Result<Sink>> {
  const command = shelfCommand(helper, 'take', path);
  if (!command.ok) return command;
  const started = await helper.machine.start(command.value, signal === undefined ? {} : { signal });
  if (!started.ok) return started;
  const { stdin, stdout, stderr, ended } = started.value;
  let said = '';
  let last = '';
  stdout.on('data', (chunk: Buffer) => {
    last = (last + chunk.toString()).slice(-200);
  });
  stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  // Why it could not be written is told by the end.
  stdin.on('error', () => undefined);
  return ok({
    stream: stdin,
    async close() {
      stdin.end();
      const end = await ended;
      if (end.how === 'lost' || end.how === 'aborted') return fail(end.trouble);
      const word = last.trimEnd().split('\n').at(-1) ?? '';
      return word === 'done' ? ok(undefined) : fail(refusal(helper, path, word, said));
    },
    discard: () => stdin.destroy(),
  });
}

/** Sends a file that was made here to a helper. */
export async function sendThere(
  helper: HelperMachine,
  file: string,
  path: string,
  sha256: string,
): Promise<Result<void>> {
  const sink = await sinkThere(helper, path, undefined);
  if (!sink.ok) return sink;
  // Why a write failed is told when it is closed; that all came is seen by the hash.
  await pipeline(createReadStream(file), sink.value.stream, { end: false }).catch(() => undefined);
  const closed = await sink.value.close();
  if (!closed.ok) return closed;
  const found = await hashThere(helper, path, undefined);
  if (!found.ok) return found;
  if (found.value.sha256 === sha256) return ok(undefined);
  const what = `what was written to ${placeText({ on: helper.name, path })} did not arrive whole`;
  return fail(trouble('connection-lost', what, 'Try again.'));
}
