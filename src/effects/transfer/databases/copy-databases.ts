import { join } from 'node:path';
import type { PerformContext } from '../../../core/action.ts';
import { compareReleases, releaseOf } from '../../../core/databases.ts';
import { keptFrom } from '../../../core/keep.ts';
import type { OperationOf, Outcome } from '../../../core/operation.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import { openPartial, type PartialCopy, seal, sync } from '../copy-folder.ts';
import type { TransferDeps } from '../deps.ts';
import { diskTrouble } from '../disk-trouble.ts';
import { asLogin } from './as-login.ts';
import { answerTo, countRows, lines, silent } from './ask-server.ts';
import type { Dialect, ServerLooked } from './dialect.ts';
import { type DumpsManifest, writeManifest } from './dumps-manifest.ts';
import { dialects, lookAt } from './look.ts';
import { type Receiving, receiveDump } from './receive-dump.ts';
import { talkTo } from './talk.ts';

interface Copying extends Receiving {
  readonly operation: OperationOf<'copy.databases'>;
  readonly looked: ServerLooked;
  readonly dialect: Dialect;
  readonly connect: readonly string[];
}

/** Dumps databases one after the other into a copy folder here. Copying again is safe, so nothing is ever in doubt. */
export async function copyDatabases(
  deps: TransferDeps,
  operation: OperationOf<'copy.databases'>,
  context: PerformContext,
): Promise<Outcome> {
  const made = await copy(deps, operation, context);
  return made.ok ? made.value : { outcome: 'failed', trouble: made.error };
}

async function copy(
  deps: TransferDeps,
  operation: OperationOf<'copy.databases'>,
  context: PerformContext,
): Promise<Result<Outcome>> {
  const { access, databases, to } = operation;
  const { machine, clock, host } = deps;
  const began = clock.now();
  const looked = await lookAt(machine, access, operation.root, context.signal);
  if (!looked.ok) return looked;
  const wrong = unfit(looked.value, databases, machine.name);
  if (wrong !== undefined) return fail(wrong);
  const of = { method: access.server, host: host.name, serial: host.serial, from: [], exclude: [] } as const;
  const opened = await openPartial(to, of);
  if (!opened.ok) return opened;
  const partial = opened.value;
  const dialect = dialects[access.server];
  const copying: Copying = {
    ...{ deps, operation, context, folder: partial.data, looked: looked.value, dialect },
    ...{ connect: dialect.connect(access), server: `${looked.value.product} on ${machine.name}` },
  };
  try {
    const written = await dumpAll(copying, partial);
    if (!written.ok) return written;
    const after = await lookAt(machine, access, operation.root, context.signal);
    if (!after.ok) return after;
    const manifest = writeManifest(partial.manifest, written.value);
    sync(partial.data);
    const each = written.value.databases.map(({ name, dump, tables }) => ({
      ...{ name, bytes: dump.bytes, tables: tables.length },
      on_disk: looked.value.databases.find((one) => one.name === name)?.bytes ?? 0,
      rows: tables.reduce((sum, [, rows]) => sum + rows, 0),
    }));
    const bytes = each.reduce((sum, one) => sum + one.bytes, written.value.globals.bytes);
    const tables = each.reduce((sum, one) => sum + one.tables, 0);
    const { product, version, sessions: before } = looked.value;
    const sealed = await seal(partial, to, {
      ...{ format: 1, ...of, manifest_started: began.toISOString(), manifest_taken: clock.now().toISOString() },
      ...{ manifest, files: each.length + 1, entries: each.length + tables, bytes, archive: null, unread: [] },
      ...(operation.keep === undefined ? {} : { kept: keptFrom(operation.keep, clock.now()) }),
      databases: {
        ...{ product, version, each, asked: operation.ask.length },
        sessions: { before, after: after.value.sessions },
      },
    });
    if (!sealed.ok) return sealed;
    return ok({
      outcome: 'done',
      receipt: { copy: to, databases: each.length, tables, bytes, manifest: manifest.sha256 },
    });
  } catch (error) {
    return fail(diskTrouble(error, to));
  }
}

function unfit(
  { product, version, tool, databases }: ServerLooked,
  wanted: readonly string[],
  host: string,
): Trouble | undefined {
  if (tool === null || compareReleases(releaseOf(tool), releaseOf(version)) < 0) {
    return trouble(
      'tool-too-old',
      `${host} has ${product} ${version}, and the program there that dumps is ${tool === null ? 'of an unknown version' : `of ${tool}`}`,
      `Install the client programs of ${product} ${releaseOf(version)} there.`,
    );
  }
  const gone = wanted.filter((name) => !databases.some((one) => one.name === name));
  return gone.length === 0
    ? undefined
    : trouble('database-gone', `${product} on ${host} has no database ${gone.join(', ')}`, 'Plan anew: decom replan.');
}

async function dumpAll(copying: Copying, partial: PartialCopy): Promise<Result<DumpsManifest>> {
  const { operation, looked, dialect, connect } = copying;
  const { user } = operation.access;
  const globals = await receiveDump(
    copying,
    'globals.sql',
    { argv: asLogin(user, dialect.globals(looked, connect)), root: operation.root },
    { what: 'reading logins and their rights', database: '' },
  );
  if (!globals.ok) return globals;
  const databases: DumpsManifest['databases'][number][] = [];
  for (const [i, name] of operation.databases.entries()) {
    const one = await dumpOne(copying, name, `${i}.dump`);
    if (!one.ok) return one;
    databases.push(one.value);
  }
  const { product, version, owner } = looked;
  sync(join(partial.folder, 'dumps'));
  return ok({ format: 1, product, version, owner, globals: globals.value, databases });
}

/** One session holds the moment open: what it counts, what it answers and what is dumped are of it. */
async function dumpOne(
  copying: Copying,
  name: string,
  file: string,
): Promise<Result<DumpsManifest['databases'][number]>> {
  const { operation, looked, dialect, connect, deps, context, server } = copying;
  const { access, root } = operation;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const argv = asLogin(access.user, dialect.session({ client: looked.client, connect }, name));
  const started = await deps.machine.start({ argv, root }, { signal });
  if (!started.ok) return started;
  const talk = talkTo(started.value, dialect.mark);
  const asked = { server, database: name };
  let whole = false;
  try {
    context.progress({ what: `counting the rows of ${name}` });
    const begun = await lines(talk, dialect.begin, asked);
    if (!begun.ok) return begun;
    const moment = deps.clock.now().toISOString();
    const tables = await countRows(talk, dialect, asked);
    if (!tables.ok) return tables;
    const answers: DumpsManifest['databases'][number]['answers'][number][] = [];
    for (const { sql } of operation.ask.filter(({ database }) => database === name)) {
      const answer = await answerTo(talk, dialect, sql, asked);
      if (!answer.ok) return answer;
      answers.push({ sql, ...answer.value });
    }
    const dump = await receiveDump(
      copying,
      file,
      { argv: asLogin(access.user, dialect.dump(looked, connect, name, begun.value.at(-1) ?? '')), root },
      { what: `dumping ${name}`, database: name },
    );
    if (!dump.ok) return dump;
    // The moment has to have been held to the end: a session that was lost meanwhile held nothing.
    const silence = await talk.end(dialect.end);
    whole = silence === undefined;
    if (silence !== undefined) return fail(silent(silence, asked));
    return ok({ name, moment, dump: dump.value, tables: tables.value, answers });
  } finally {
    if (!whole) stop.abort();
  }
}
