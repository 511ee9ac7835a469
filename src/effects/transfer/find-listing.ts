import type { Readable } from 'node:stream';
import { type EntryType, encodeName, formatEntry } from '../../core/mtree.ts';
import type { Machine } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { type Complaints, fromFind, hear } from './complaints.ts';
import type { Listing } from './hard-links.ts';
import { piecesOf } from './lines.ts';
import { literally, relative, type Selection } from './selection.ts';
import { nineDecimals } from './tar-reader.ts';

const fields = ['%p', '%y', '%m', '%U', '%G', '%s', '%T@', '%l', '%D:%i', '%n'];

/**
 * Lists the selection by GNU `find -printf` on the host, in records of NUL-ended fields, so that any name comes through.
 * Times are cut to whole seconds where rsync on the host tells no finer ones: the manifest claims only what was copied.
 */
export async function findListing(
  machine: Machine,
  root: boolean,
  selection: Selection,
  into: Listing,
  heard: Complaints,
  signal: AbortSignal,
  subseconds: boolean,
  directory = '/',
): Promise<Result<void>> {
  const left = selection.exclude.flatMap((path) => ['-path', literally(relative(path)), '-prune', '-o']);
  const argv = [
    ...['env', 'LC_ALL=C', 'find', ...selection.from.map(relative), ...left],
    ...['-printf', fields.map((field) => `${field}\\0`).join('')],
  ];
  const started = await machine.start({ argv, root, directory }, { signal });
  if (!started.ok) return started;
  const process = started.value;
  process.stdin.on('error', () => undefined);
  process.stdin.end();
  const hearing = hear(process.stderr, heard, fromFind).catch(() => undefined);
  for (const name of selection.parents) into.write(`${name} type=dir`);
  let since = 0;
  let odd: string | undefined;
  try {
    for await (const record of recordsOf(process.stdout)) {
      const entry = read(record, subseconds);
      if (entry === undefined) odd ??= record.join(' ').slice(0, 200);
      else if (entry.inode === undefined) into.write(entry.line);
      else into.writeLinked(entry.inode, entry.line);
      if (++since % 256 === 0) await into.room();
    }
  } catch (error) {
    process.stdout.destroy();
    const cut = await process.ended;
    if (cut.how === 'lost' || cut.how === 'aborted') return fail(cut.trouble);
    throw error;
  }
  const ended = await process.ended;
  await hearing;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  const explained = ended.how === 'exit' && (ended.code === 0 || heard.count() > 0);
  if (!explained || odd !== undefined) {
    return fail(
      trouble('find-failed', `find on ${machine.name} did not list everything`, 'Try again.', odd ?? heard.rest()),
    );
  }
  return ok(undefined);
}

async function* recordsOf(stream: Readable): AsyncIterable<readonly string[]> {
  let record: string[] = [];
  for await (const piece of piecesOf(stream, '\0')) {
    record.push(piece);
    if (record.length === fields.length) {
      yield record;
      record = [];
    }
  }
  if (record.length > 0) yield record;
}

const types: { readonly [letter: string]: EntryType } = {
  f: 'file',
  d: 'dir',
  l: 'link',
  p: 'fifo',
  s: 'socket',
  c: 'char',
  b: 'block',
};

function read(
  record: readonly string[],
  subseconds: boolean,
): { readonly line: string; readonly inode: string | undefined } | undefined {
  const [path, letter, mode, uid, gid, size, time, link, inode, names] = record;
  const type = types[letter ?? ''];
  const seconds = nineDecimals(time ?? '');
  if (path === undefined || type === undefined || seconds === undefined || names === undefined) return undefined;
  const line = formatEntry({
    name: encodeName(path.replace(/(?<=.)\/+$/, '')),
    type,
    ...(type === 'link' ? { link: encodeName(link ?? '') } : { mode: Number.parseInt(mode ?? '', 8) }),
    uid: Number(uid),
    gid: Number(gid),
    ...(type === 'file' ? { size: Number(size) } : {}),
    time: subseconds ? seconds : seconds.replace(/\d{9}$/, '000000000'),
  });
  return { line, inode: type !== 'dir' && names !== '1' ? inode : undefined };
}
