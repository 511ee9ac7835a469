import { type FileHandle, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Document, isCollection, isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import type { OperationHandlers, ProbeHandlers } from '../core/action.ts';
import type { Host, HostEntry } from '../core/host.ts';
import { jcs } from '../core/json.ts';
import type { Clock } from '../core/ports.ts';
import { fail, ok, type Result, seen, type Trouble, trouble, unseen } from '../core/result.ts';

export interface FileInventoryOptions {
  /** The hosts file. */
  readonly path: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly operator: string;
  /** The id of the run that retires a host. */
  readonly run: () => string;
}

export type FileInventory = Pick<ProbeHandlers, 'inventory'> &
  Pick<OperationHandlers, 'inventory.set'> & {
    /** Adds a host at the end of the file; makes the file where there is none. */
    addHost(host: Host): Promise<Result<void>>;
  };

type Status = NonNullable<HostEntry['status']>;
const statuses: readonly string[] = ['active', 'decommissioning', 'retired'] satisfies readonly Status[];

/**
 * The hosts file as an inventory that can be written. Only the lines concerned change: comments, order, quotes and line ends of all
 * others stay byte for byte, and the new text is read back and compared before it replaces the old file.
 */
export function fileInventory({ path, clock, operator, run }: FileInventoryOptions): FileInventory {
  return {
    inventory: async ({ host }) => {
      const text = await readText(path);
      if (!text.ok) return unseen(text.error);
      const entry = entryOf(parse(text.value), host);
      if (entry === undefined) return unseen(unknownHost(host, path));
      const status = entry.get('status') ?? 'active';
      if (isStatus(status)) return seen({ status });
      return unseen(
        trouble('inventory-unreadable', `${path}: the status of ${host} is "${status}"`, 'Correct it there.'),
      );
    },
    'inventory.set': async ({ host, status }) => {
      const at = clock
        .now()
        .toISOString()
        .replace(/\.\d+Z$/, 'Z');
      const retired = status === 'retired' ? { at, by: operator, run: run() } : undefined;
      const done = await edit(path, (text) => setStatus(text, path, host, status, retired));
      if (!done.ok) return { outcome: 'failed', trouble: done.error };
      return { outcome: 'done', receipt: { host, status, ...(retired === undefined ? {} : { at }) } };
    },
    addHost: (host) => edit(path, (text) => appendHost(text, path, host), ''),
  };
}

const isStatus = (value: unknown): value is Status => typeof value === 'string' && statuses.includes(value);
const unknownHost = (host: string, path: string): Trouble =>
  trouble('unknown-host', `there is no host "${host}" in ${path}`, 'Add it: decom host add NAME');

// Every scalar is text, so that comparing two readings compares what is written.
const parse = (text: string): Document => parseDocument(text, { schema: 'failsafe', version: '1.2' });

function hostsOf(document: Document): YAMLMap | undefined {
  const hosts = document.get('hosts');
  return document.errors.length === 0 && isMap(hosts) ? hosts : undefined;
}

function entryOf(document: Document, host: string): YAMLMap | undefined {
  const entry = hostsOf(document)?.get(host);
  return isMap(entry) ? entry : undefined;
}

type Tree = { readonly [key: string]: unknown };
const treeOf = (text: string): Tree => {
  const document = parse(text);
  return document.errors.length > 0 ? {} : ((document.toJS() as Tree | null) ?? {});
};
const hostsIn = (tree: Tree): { readonly [name: string]: Tree } =>
  typeof tree.hosts === 'object' && tree.hosts !== null ? (tree.hosts as { [name: string]: Tree }) : {};

interface Retired extends Tree {
  readonly at: string;
  readonly by: string;
  readonly run: string;
}

function setStatus(
  text: string,
  path: string,
  host: string,
  status: Status,
  retired: Retired | undefined,
): Result<string> {
  if (entryOf(parse(text), host) === undefined) return fail(unknownHost(host, path));
  const inline =
    retired && `{ at: "${retired.at}", by: ${JSON.stringify(retired.by)}, run: ${JSON.stringify(retired.run)} }`;
  const withStatus = setKey(text, host, 'status', status);
  const edited =
    inline === undefined ? removeKey(withStatus, host, 'retired') : setKey(withStatus, host, 'retired', inline);
  const before = treeOf(text);
  const { retired: _, ...entry } = hostsIn(before)[host] ?? {};
  const expected = { ...entry, status, ...(retired === undefined ? {} : { retired }) };
  return confirmed(edited, { ...before, hosts: { ...hostsIn(before), [host]: expected } }, path);
}

/** The edited text, if it reads as it should: an edit that went wrong must not reach the file. */
function confirmed(edited: string, expected: Tree, path: string): Result<string> {
  if (jcs(treeOf(edited)) === jcs(expected)) return ok(edited);
  const what = `${path} is written in a way that cannot be edited safely`;
  return fail(trouble('inventory-format', what, 'Make the change by hand, then resume.'));
}

const lineEnd = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');
const indentAt = (text: string, offset: number): string =>
  ' '.repeat(offset - (text.lastIndexOf('\n', offset - 1) + 1));
const replaced = (text: string, from: number, to: number, by: string): string =>
  text.slice(0, from) + by + text.slice(to);

interface Span {
  readonly key: string;
  readonly start: number;
  /** Where the value begins and ends, without what follows it. */
  readonly value: number;
  readonly end: number;
  /** Nothing nested by indentation: a new key can follow it. */
  readonly inline: boolean;
}

function spansOf(text: string, map: YAMLMap): readonly Span[] {
  return (map.items as Pair[]).flatMap(({ key, value }) => {
    if (!isScalar(key) || !key.range) return [];
    const from = rangeOf(value)?.[0] ?? key.range[1];
    const end = from + text.slice(from, rangeOf(value)?.[1] ?? from).trimEnd().length;
    const plain = isCollection(value) ? value.flow === true : isScalar(value) && !value.type?.startsWith('BLOCK');
    return [{ key: String(key.value), start: key.range[0], value: from, end, inline: plain }];
  });
}

const rangeOf = (node: unknown): readonly number[] | null | undefined =>
  isCollection(node) || isScalar(node) ? node.range : undefined;

function setKey(text: string, host: string, key: string, value: string): string {
  const map = entryOf(parse(text), host);
  if (map === undefined) return text;
  const spans = spansOf(text, map);
  const present = spans.find((span) => span.key === key);
  if (present !== undefined) return replaced(text, present.value, present.end, value);
  const [first] = spans;
  const last = spans.findLast((span) => span.inline);
  if (first === undefined) return text;
  if (map.flow) {
    const end = spans.at(-1)?.end ?? first.end;
    return replaced(text, end, end, `, ${key}: ${value}`);
  }
  const newLine = `${lineEnd(text)}${indentAt(text, first.start)}`;
  if (last === undefined) return replaced(text, first.start, first.start, `${key}: ${value}${newLine}`);
  const end = endOfLine(text, last.end);
  return replaced(text, end, end, `${newLine}${key}: ${value}`);
}

function removeKey(text: string, host: string, key: string): string {
  const map = entryOf(parse(text), host);
  const spans = map === undefined ? [] : spansOf(text, map);
  const i = spans.findIndex((span) => span.key === key);
  const span = spans[i];
  if (map === undefined || span === undefined) return text;
  if (map.flow) {
    const before = spans[i - 1];
    return before === undefined ? text : replaced(text, before.end, span.end, '');
  }
  const lineStart = text.lastIndexOf('\n', span.start) + 1;
  return replaced(text, lineStart, endOfLine(text, span.end) + lineEnd(text).length, '');
}

/** The end of the line without its line end, so that a comment at its end stays with it. */
function endOfLine(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  const end = newline === -1 ? text.length : newline;
  return text[end - 1] === '\r' ? end - 1 : end;
}

function appendHost(text: string, path: string, { name, ...entry }: Host): Result<string> {
  const document = parse(text);
  if (document.errors.length > 0) {
    const what = `${path} is not YAML: ${document.errors[0]?.message.split('\n', 1)[0]}`;
    return fail(trouble('inventory-format', what, 'Correct it: decom validate'));
  }
  const before = treeOf(text);
  if (Object.hasOwn(hostsIn(before), name)) {
    return fail(
      trouble('host-exists', `${path} has a host "${name}" already`, 'Choose another name, or edit the entry.'),
    );
  }
  const hosts = hostsOf(document);
  const firstKey = hosts?.items[0]?.key;
  const written = new Document({ [name]: entry }, { version: '1.2' });
  const serial = written.getIn([name, 'serial'], true);
  if (isScalar(serial)) serial.type = 'QUOTE_DOUBLE';
  const newLine = lineEnd(text);
  const indent = isScalar(firstKey) && firstKey.range && !hosts?.flow ? indentAt(text, firstKey.range[0]) : '  ';
  const lines = written
    .toString({ lineWidth: 0 })
    .trimEnd()
    .split('\n')
    .map((line) => `${indent}${line}${newLine}`)
    .join('');
  // `hosts: {}`, as a new workspace has it, takes no line below it.
  const braces = hosts?.flow && hosts.items.length === 0 && hosts.range ? hosts.range : undefined;
  const bare = braces === undefined ? text : `${text.slice(0, braces[0]).trimEnd()}${text.slice(braces[1])}`;
  const start = bare === '' || bare.endsWith('\n') ? bare : `${bare}${newLine}`;
  const edited = Object.hasOwn(before, 'hosts') ? `${start}${lines}` : `${start}hosts:${newLine}${lines}`;
  const added = hostsIn(treeOf(edited))[name] ?? {};
  return confirmed(edited, { ...before, hosts: { ...hostsIn(before), [name]: added } }, path);
}

async function readText(path: string): Promise<Result<string>> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path)));
  } catch (error) {
    return fail(diskTrouble(path, 'read', error));
  }
}

function diskTrouble(path: string, verb: 'read' | 'written', error: unknown): Trouble {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: { readonly [code: string]: string } = {
    ENOENT: 'there is no such file',
    ENOSPC: 'the disk is full',
    EROFS: 'the disk is read-only',
    EACCES: 'permission denied',
  };
  const why = known[code ?? ''] ?? code ?? message;
  return trouble('inventory-disk', `${path} could not be ${verb}: ${why}`, 'Correct that, then try again.');
}

/**
 * Replaces the file in one step: a crash leaves the old text or the new one. The new file is made first and is the lock as well,
 * so that of two runs of different hosts neither undoes the other's change. `absent` stands for a file that is not there.
 */
async function edit(path: string, change: (text: string) => Result<string>, absent?: string): Promise<Result<void>> {
  const target = await realpath(path).catch(() => path);
  const fresh = join(dirname(target), `.${basename(target)}.new`);
  let held = false;
  try {
    const file = await claim(fresh);
    if (file === undefined) {
      const fix = `Try again. If no other run is at work: rm ${fresh}`;
      return fail(trouble('inventory-busy', `${path} is being written by another run`, fix));
    }
    held = true;
    try {
      const old = await stat(target).catch(() => undefined);
      const before = old === undefined && absent !== undefined ? ok(absent) : await readText(path);
      if (!before.ok) return before;
      const edited = change(before.value);
      if (!edited.ok) return edited;
      if (old !== undefined && edited.value === before.value) return ok(undefined);
      await file.chmod(old === undefined ? 0o644 : old.mode & 0o7777);
      // Only root may give a file away; for others it is theirs already, or stays with them.
      if (old !== undefined) await file.chown(old.uid, old.gid).catch(() => undefined);
      await file.writeFile(edited.value);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, target);
    held = false;
    const folder = await open(dirname(target), 'r');
    await folder.sync().finally(() => folder.close());
    return ok(undefined);
  } catch (error) {
    return fail(diskTrouble(path, 'written', error));
  } finally {
    if (held) await rm(fresh, { force: true });
  }
}

/** Makes a file that must not be there, and waits up to ten seconds for another's to go; one a minute old is left from a crash. */
async function claim(path: string): Promise<FileHandle | undefined> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      return await open(path, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > 60_000) await rm(path, { force: true });
    else await sleep(20);
  }
  return undefined;
}
