import { createReadStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PerformContext } from '../../../core/action.ts';
import type { OperationOf, Outcome } from '../../../core/operation.ts';
import type { Ended } from '../../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import { archiveChanged } from '../changed-copy.ts';
import type { TransferDeps } from '../deps.ts';
import { diskFull, diskTrouble, saysFull } from '../disk-trouble.ts';
import { hashFile } from '../file-hash.ts';
import { atIntervals } from '../progress.ts';
import { openScratch } from '../scratch.ts';
import { type Drill, dumpFile, openDrill } from './drill.ts';
import { endLeftServer } from './left-server.ts';
import { firstLine } from './look.ts';
import { runToEnd, startHere } from './start-here.ts';
import { startThrowAway } from './throw-away.ts';

/** Makes a server in the scratch folder, restores every dump into it, and stops it. The dumps have to be what was written. */
export async function restoreDatabases(
  deps: Pick<TransferDeps, 'clock'>,
  { copy, scratch }: OperationOf<'copy.restore'>,
  context: PerformContext,
): Promise<Outcome> {
  try {
    const drill = await openDrill(copy, scratch);
    if (!drill.ok) return { outcome: 'failed', trouble: drill.error };
    const restored = await restore(deps, drill.value, context);
    if (!restored.ok) return { outcome: 'failed', trouble: restored.error };
    const { bytes, entries } = drill.value.description;
    return { outcome: 'done', receipt: { copy, scratch, bytes, entries, server: drill.value.server } };
  } catch (error) {
    if (context.signal.aborted) return { outcome: 'failed', trouble: aborted };
    return { outcome: 'failed', trouble: diskTrouble(error, scratch) };
  }
}

const aborted = trouble('aborted', 'restoring was stopped', 'Resume to restore again from the beginning.');

async function restore(
  deps: Pick<TransferDeps, 'clock'>,
  drill: Drill,
  context: PerformContext,
): Promise<Result<void>> {
  const { manifest, scratch, view, dialect, folder } = drill;
  const { signal } = context;
  const whole = await checkDumps(deps, drill, context);
  if (!whole.ok) return whole;
  const ended = await endLeftServer(scratch);
  if (!ended.ok) return ended;
  const opened = await openScratch(scratch);
  if (!opened.ok) return opened;
  view.give(scratch);
  context.progress({ what: `starting ${drill.server} here` });
  const made = await runToEnd(view.wrap(dialect.here.make(folder, view.scratch, manifest.owner)), signal);
  if (signal.aborted) return fail(aborted);
  if (made.ended.how !== 'exit' || made.ended.code !== 0) {
    return fail(notRestored(drill, 'a new server could not be made', `${made.stderr}\n${made.stdout}`));
  }
  const server = await startThrowAway(dialect.here, folder, scratch, view, signal);
  if (!server.ok) return server;
  const taken = await takeDumps(deps, drill, context);
  const stopped = await server.value.stop();
  return taken.ok ? stopped : taken;
}

async function checkDumps(
  deps: Pick<TransferDeps, 'clock'>,
  drill: Drill,
  { signal, progress }: PerformContext,
): Promise<Result<void>> {
  const tell = atIntervals(deps.clock, progress);
  let bytes = 0;
  for (const dump of [drill.manifest.globals, ...drill.manifest.databases.map((one) => one.dump)]) {
    const path = dumpFile(drill, dump.file);
    const found = await hashFile(
      path,
      (more) => {
        bytes += more;
        tell(() => ({ what: 'checking the dumps', bytes, totalBytes: drill.description.bytes }));
      },
      signal,
    );
    if (found.sha256 !== dump.sha256 || found.bytes !== dump.bytes) return fail(archiveChanged(path, found, dump));
  }
  return ok(undefined);
}

async function takeDumps(
  deps: Pick<TransferDeps, 'clock'>,
  drill: Drill,
  { signal, progress }: PerformContext,
): Promise<Result<void>> {
  const { manifest, dialect, way, view, folder } = drill;
  let folders = 0;
  const folderFor = (): string => {
    const name = `space-${folders++}`;
    mkdirSync(join(drill.scratch, name), { mode: 0o700 });
    view.give(join(drill.scratch, name));
    return `${view.scratch}/${name}`;
  };
  const text = readFileSync(dumpFile(drill, manifest.globals.file), 'utf8');
  const logins = await feed(
    view.wrap(dialect.here.takeGlobals(way)),
    [dialect.here.globals(text, manifest.owner, folderFor)],
    signal,
  );
  if (logins !== undefined) return fail(notRestored(drill, 'logins and their rights', logins));
  const tell = atIntervals(deps.clock, progress);
  let bytes = 0;
  for (const { name, dump } of manifest.databases) {
    const file = createReadStream(dumpFile(drill, dump.file), { highWaterMark: 1 << 20 });
    file.on('data', (chunk) => {
      bytes += chunk.length;
      tell(() => ({ what: `restoring ${name}`, bytes, totalBytes: drill.description.bytes }));
    });
    const said = await feed(view.wrap(dialect.here.restore(folder, way, name)), file, signal);
    if (said !== undefined) return fail(notRestored(drill, `"${name}"`, said));
  }
  return ok(undefined);
}

/** Hands a program its input; what it said where it did not end well. */
async function feed(
  argv: readonly string[],
  input: Readable | readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const program = startHere(argv, signal);
  let said = '';
  program.stdout.resume();
  program.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 1 << 16) said += chunk.toString();
  });
  // One that has failed reads no more of it, and says why itself.
  await pipeline(input, program.stdin).catch(() => undefined);
  const ended: Ended = await program.ended;
  if (signal.aborted) throw new Error('aborted');
  return ended.how === 'exit' && ended.code === 0 ? undefined : said;
}

function notRestored({ copy, scratch, server }: Drill, what: string, said: string): Trouble {
  if (saysFull(said)) return diskFull(scratch, said);
  const extension = /extension "([^"]+)" is not available|could not access file "([^"]+)"/.exec(said);
  if (extension !== null) {
    const name = extension[1] ?? extension[2];
    return trouble(
      'extension-missing',
      `${server} here has no extension "${name}", which the source has: ${what} of ${copy} cannot be restored`,
      'Install the package of that extension here, then try again.',
      said,
    );
  }
  if (/invalid (?:LC_\w+ )?locale|invalid locale name|not compatible with the encoding/i.test(said)) {
    return trouble(
      'locale-missing',
      `this machine lacks a locale of the source: ${firstLine(said)}`,
      'Generate that locale here (locale-gen), then try again.',
      said,
    );
  }
  return trouble(
    'restore-failed',
    `${what} of ${copy} could not be restored into ${server} here: ${firstLine(said)}`,
    'The copy proves nothing. Read what the server said; make the copy again if it is damaged.',
    said,
  );
}
