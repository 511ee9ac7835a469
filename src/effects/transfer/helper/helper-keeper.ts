import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { belowFolder } from '../../../core/helper.ts';
import { jcs } from '../../../core/json.ts';
import { placeText } from '../../../core/place.ts';
import type { Clock } from '../../../core/ports.ts';
import type { CopySeen, PlaceSeen } from '../../../core/probe.ts';
import { fail, ok, type Result, type Seen, seen, type Trouble, trouble, unseen } from '../../../core/result.ts';
import { manifestChanged } from '../changed-copy.ts';
import { complaints } from '../complaints.ts';
import { type PartialCopy, parseDescription } from '../copy-folder.ts';
import type { HelperMachine } from '../deps.ts';
import { diskTrouble } from '../disk-trouble.ts';
import { findListing } from '../find-listing.ts';
import { listing } from '../hard-links.ts';
import type { Keeper, Sink, TreeListing } from '../keeper.ts';
import { linesIn } from '../lines.ts';
import { takeManifest } from '../manifest.ts';
import { type HashTool, hashMissing, sourceTools } from '../source-tools.ts';
import { parted, runThere, shelf, shelfArgv } from './helper-shell.ts';

/** Copies that are kept on a helper, each step done there by small scripts that never leave its declared folder. */
export function helperKeeper(helper: HelperMachine, clock: Clock): Keeper {
  const { name } = helper;
  const never = new AbortController().signal;
  let known: Promise<Result<HashTool>> | undefined;
  const hashTool = (): Promise<Result<HashTool>> => {
    known ??= findHash(helper);
    return known;
  };
  /** One mode of the script for a path that is split into its folder and its name. */
  const named = async (mode: string, path: string, ...rest: readonly string[]): Promise<Result<readonly string[]>> => {
    const below = belowFolder(helper, path);
    if (!below.ok) return below;
    const { at, name: last } = parted(below.value);
    return shelf(helper, [mode, at, last, ...rest]);
  };

  const put = async (folder: string, file: string, content: string | Uint8Array): Promise<Result<void>> => {
    const below = belowFolder(helper, folder);
    if (!below.ok) return below;
    const tool = await hashTool();
    if (!tool.ok) return tool;
    const sha = createHash('sha256').update(content).digest('hex');
    const done = await shelf(helper, ['put', below.value, file, tool.value, sha], { stdin: content });
    return done.ok ? ok(undefined) : done;
  };

  return {
    on: name,
    name,
    async look(path): Promise<Seen<PlaceSeen>> {
      const below = belowFolder(helper, path);
      if (!below.ok) return unseen(below.error);
      const said = await shelf(helper, ['look', below.value]);
      if (!said.ok) return unseen(said.error);
      const value = (word: string): string | undefined =>
        said.value.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
      const free = Number(value('free'));
      if (!Number.isSafeInteger(free)) return unseen(unclear(helper, path));
      return seen({
        exists: value('exists') === '1',
        empty: value('empty') === '1',
        writable: value('writable') === '1',
        free: free * 1024,
      });
    },
    async read(copy): Promise<Seen<CopySeen>> {
      const said = await named('read', copy);
      if (!said.ok) return unseen(said.error);
      const [state, ...rest] = said.value;
      if (state !== 'state complete') {
        return seen({ state: state === 'state missing' ? 'missing' : 'partial', description: null });
      }
      const description = parseDescription(rest.join('\n'));
      return seen(
        description === undefined ? { state: 'partial', description: null } : { state: 'complete', description },
      );
    },
    async isRoot() {
      const said = await shelf(helper, ['about']);
      return said.ok ? ok(said.value.includes('uid 0')) : said;
    },
    run: (argv, options) => runThere(helper, '', '', argv, options),
    async hash(file, _each, signal) {
      const below = belowFolder(helper, file);
      if (!below.ok) return below;
      const tool = await hashTool();
      if (!tool.ok) return tool;
      const { at, name: last } = parted(below.value);
      const options = signal === undefined ? {} : { signal };
      const said = await shelf(helper, ['hash', at, last, tool.value], options);
      if (!said.ok) return said;
      const sha256 = /^hash ([0-9a-f]{64})$/m.exec(said.value.join('\n'))?.[1];
      const bytes = Number(/^bytes (\d+)$/m.exec(said.value.join('\n'))?.[1]);
      return sha256 === undefined || !Number.isSafeInteger(bytes) ? fail(unclear(helper, file)) : ok({ sha256, bytes });
    },
    async openPartial(to, intent): Promise<Result<PartialCopy>> {
      const below = belowFolder(helper, to);
      if (!below.ok) return below;
      const { at, name: last } = parted(below.value);
      const said = await shelf(helper, ['open', at, last], { stdin: jcs(intent) });
      if (!said.ok) return said;
      const folder = `${to}.partial`;
      const work = mkdtempSync(join(tmpdir(), 'decom-helper-'));
      return ok({ folder, work, data: `${folder}/data.tar`, manifest: join(work, 'manifest.mtree') });
    },
    sink: (partial, signal) => sinkThere(helper, partial, signal),
    async seal(partial, to, description) {
      const manifest = await send(helper, partial, description.manifest.sha256, hashTool);
      if (!manifest.ok) return manifest;
      const described = await put(partial.folder, 'copy.json', `${JSON.stringify(description, null, 2)}\n`);
      if (!described.ok) return described;
      const sealed = await named('seal', to);
      return sealed.ok ? ok(undefined) : sealed;
    },
    leave: (partial) => rmSync(partial.work, { recursive: true, force: true }),
    async openScratch(scratch) {
      const opened = await named('scratch', scratch);
      return opened.ok ? ok(undefined) : opened;
    },
    async removeScratch(scratch) {
      const removed = await named('unscratch', scratch);
      return removed.ok ? ok(undefined) : removed;
    },
    async manifest(copy, { bytes }, work) {
      const file = join(work, 'brought.mtree');
      const brought = await bring(helper, posix.join(copy, 'manifest.mtree'), bytes, file);
      return brought.ok ? ok(file) : brought;
    },
    async tree(tree, work, signal, progress): Promise<Result<TreeListing>> {
      const below = belowFolder(helper, tree);
      if (!below.ok) return below;
      const tool = await hashTool();
      if (!tool.ok) return tool;
      const found = listing(work);
      const heard = complaints();
      const everything = { from: ['/'], exclude: [], parents: [] };
      const listed = await findListing(helper.machine, false, everything, found, heard, signal ?? never, true, tree);
      if (!listed.ok) {
        found.discard();
        return listed;
      }
      const file = join(work, 'restored.mtree');
      const unread = new Map<string, string>();
      const taken = await takeManifest({
        ...{ machine: helper.machine, clock, root: false, directory: tree, tool: tool.value, file, work },
        entries: found.lines(),
        signal: signal ?? never,
        progress: ({ bytes = 0, files = 0 }) => progress({ what: 'comparing', bytes, files }),
        omitUnreadable: false,
        unreadable: (entry) => unread.set(entry, `it could not be read on ${name}`),
      });
      found.discard();
      if (!taken.ok) return taken;
      return ok({
        lines: () => afterHeader(file),
        contentOf: async (entry) =>
          entry.type === 'file' && entry.sha256 !== undefined
            ? { sha256: entry.sha256, bytes: entry.size ?? 0 }
            : { bytes: 0, why: unread.get(entry.name) ?? `it has no hash on ${name}` },
        discard: () => rmSync(file, { force: true }),
      });
    },
  };
}

async function* afterHeader(file: string): AsyncIterable<string> {
  let first = true;
  for await (const line of linesIn(file)) {
    if (!first) yield line;
    first = false;
  }
}

async function findHash({ name, folder, machine }: HelperMachine): Promise<Result<HashTool>> {
  const tools = await sourceTools(
    machine,
    false,
    { from: [folder], exclude: [], parents: [] },
    new AbortController().signal,
  );
  if (!tools.ok) return tools;
  return tools.value.hash === undefined ? fail(hashMissing(name)) : ok(tools.value.hash);
}

const unclear = ({ name }: HelperMachine, path: string): Trouble =>
  trouble('helper-unclear', `what ${name} said of ${path} could not be understood`, 'Check that sh and df work there.');

/** Writes an archive on the helper as it comes. */
async function sinkThere(helper: HelperMachine, partial: PartialCopy, signal: AbortSignal): Promise<Result<Sink>> {
  const below = belowFolder(helper, partial.folder);
  if (!below.ok) return below;
  const argv = shelfArgv(helper, ['take', below.value, 'data.tar']);
  const started = await helper.machine.start({ argv, root: false }, { signal });
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
  let broken: Error | undefined;
  stdin.on('error', (error) => {
    broken ??= error;
  });
  const meant = (): Trouble =>
    trouble(
      'helper-failed',
      `${placeText({ on: helper.name, path: partial.data })} could not be written`,
      `Look at the folder on ${helper.name}: its rights, its disk. Then try again.`,
      said || broken?.message,
    );
  return ok({
    stream: stdin,
    async close() {
      stdin.end();
      const end = await ended;
      if (end.how === 'lost' || end.how === 'aborted') return fail(end.trouble);
      return /(^|\n)done\n$/.test(last) ? ok(undefined) : fail(meant());
    },
    trouble: meant,
    discard: () => stdin.destroy(),
  });
}

/** Sends the manifest, which was made here, to where the copy is. */
async function send(
  helper: HelperMachine,
  partial: PartialCopy,
  sha: string,
  hashTool: () => Promise<Result<HashTool>>,
): Promise<Result<void>> {
  const sent = await helperFile(helper, partial, 'manifest.mtree');
  if (!sent.ok) return sent;
  const { stdin, ended, stdout, stderr } = sent.value;
  stdout.resume();
  stderr.resume();
  await pipeline(createReadStream(partial.manifest), stdin).catch(() => undefined);
  const end = await ended;
  if (end.how === 'lost' || end.how === 'aborted') return fail(end.trouble);
  const tool = await hashTool();
  if (!tool.ok) return tool;
  const below = belowFolder(helper, partial.folder);
  if (!below.ok) return below;
  const said = await shelf(helper, ['hash', below.value, 'manifest.mtree', tool.value]);
  if (!said.ok) return said;
  return said.value.includes(`hash ${sha}`)
    ? ok(undefined)
    : fail(trouble('connection-lost', `the manifest did not arrive whole on ${helper.name}`, 'Try again.'));
}

async function helperFile(helper: HelperMachine, { folder }: PartialCopy, file: string) {
  const below = belowFolder(helper, folder);
  if (!below.ok) return below;
  return helper.machine.start({ argv: shelfArgv(helper, ['take', below.value, file]), root: false });
}

/** Brings a file of a helper here, if it is no longer than it is said to be. */
async function bring(helper: HelperMachine, path: string, bytes: number, file: string): Promise<Result<void>> {
  const below = belowFolder(helper, path);
  if (!below.ok) return below;
  const { at, name } = parted(below.value);
  const stop = new AbortController();
  const argv = shelfArgv(helper, ['give', at, name, String(bytes)]);
  const started = await helper.machine.start({ argv, root: false }, { signal: stop.signal });
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
