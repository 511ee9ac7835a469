import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jcs, sha256 } from '../../core/json.ts';
import type { Plan } from '../../core/plan.ts';
import type { RunFolder, RunStore } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { statementFile, statementName } from '../../core/statement.ts';
import { type Access, groupAccess, notShared, openBeyond, ownerOnly, shareFolder } from './access.ts';
import { fileBlobs } from './blob-store.ts';
import { makeFolder, replaceFile } from './durable.ts';
import { lockHost } from './host-lock.ts';
import { folderInbox } from './inbox.ts';
import { fileJournal } from './journal-store.ts';
import { readPart } from './read-part.ts';
import { verifyScript } from './verify-script.ts';

export interface RunStoreOptions {
  readonly path: string;
  readonly operator: string;
  readonly redact: (text: string) => string;
  /** The group that shares the folder; undefined: its owner alone. */
  readonly group?: string;
}

/** The options, and who may write; looked up when it is first needed. */
interface Shelf extends RunStoreOptions {
  readonly access: () => Result<Access>;
}

/** Runs as folders below `path`: `runs/<host>/<run>/`, `rehearsals/<host>/<run>/`, `locks/<host>`. */
export function runStore(options: RunStoreOptions): RunStore {
  const { path, group } = options;
  let known: Result<Access> | undefined;
  const access = (): Result<Access> => {
    known ??= group === undefined ? ok(ownerOnly) : groupAccess(group);
    return known;
  };
  const shelf: Shelf = { ...options, access };
  const attempt = <T>(what: string, act: (access: Access) => T): Result<T> => attempted(shelf, path, what, act);
  return {
    path,
    prepare: () =>
      attempt('written', (access) => {
        // Node reports a read-only file system as ENOENT when it makes folders.
        if (existsSync(path)) accessSync(path, constants.W_OK);
        for (const folder of [path, join(path, 'runs')]) {
          if (existsSync(folder) && (statSync(folder).mode & 0o002) !== 0) {
            throw new Error(`everybody may write to ${folder}; close it: chmod o-w ${folder}`);
          }
        }
        if (access.group !== undefined) {
          makeFolder(path, dirname(path), access);
          // One that its owner made by hand, or that a killed process has just made.
          if (statSync(path).uid === process.geteuid?.() && readdirSync(path).length === 0) shareFolder(path, access);
        }
        // What a proof restores is its maker's alone; the folder that it is restored in is everybody's who shares this one.
        const shared = access.group === undefined ? [] : ['scratch'];
        for (const folder of ['runs', 'rehearsals', 'locks', ...shared]) {
          makeFolder(join(path, folder), path, access);
          accessSync(join(path, folder), constants.W_OK);
        }
        for (const folder of access.group === undefined
          ? []
          : [path, ...['runs', 'rehearsals', 'locks', 'scratch'].map((name) => join(path, name))])
          asShared(folder, access);
        if (idIn(path) === undefined) replaceFile(join(path, 'id'), Buffer.from(`${randomUUID()}\n`), access);
      }),
    id: () => idIn(path),
    list: () =>
      [...runsIn(shelf, 'runs'), ...runsIn(shelf, 'rehearsals')].sort((a, b) => bornAt(a).localeCompare(bornAt(b))),
    create(plan, run, rehearsal, said = []) {
      const host = plan.intent.host.name;
      const folder = join(path, rehearsal ? 'rehearsals' : 'runs', host, run);
      // A folder without a plan is what a full disk left: nothing was begun from it.
      if (existsSync(join(folder, 'plan.json'))) {
        return fail(
          trouble(
            'plan-used',
            `plan ${run} was used before: a plan is used once`,
            `See what came of it: decom status ${run}; make a new one: decom plan ${host} -o FILE`,
          ),
        );
      }
      return attempt('written', (access) => {
        makeFolder(folder, path, access);
        replaceFile(join(folder, 'intent.json'), Buffer.from(jcs(plan.intent)), access);
        replaceFile(join(folder, 'verify.sh'), Buffer.from(verifyScript), access);
        // Before the plan, which makes a run of it: whoever approved it has not to be asked again because the process was killed.
        const inbox = join(folder, 'inbox');
        if (said.length > 0) makeFolder(inbox, folder, access);
        for (const one of said) replaceFile(join(inbox, statementName(one.statement)), statementFile(one), access);
        replaceFile(join(folder, 'plan.json'), planBytes(plan), access);
        return runFolder(shelf, folder, host, run, rehearsal);
      });
    },
    lock(host) {
      const locked = attempt('written', (access) =>
        lockHost(join(path, 'locks', host), host, options.operator, access),
      );
      return locked.ok ? locked.value : locked;
    },
  };
}

/** Does something in the state folder, with the access that its makers have; what fails is told as trouble with it. */
function attempted<T>({ access }: Shelf, path: string, what: string, act: (access: Access) => T): Result<T> {
  const known = access();
  if (!known.ok) return known;
  try {
    return ok(act(known.value));
  } catch (error) {
    const { group } = known.value;
    const { code } = error as NodeJS.ErrnoException;
    // A full or broken disk is no matter of who may write.
    if (group === undefined || (code !== undefined && code !== 'EACCES' && code !== 'EPERM'))
      return fail(stateTrouble(path, what, error as Error));
    return fail(notShared(path, (error as Error).message, group.name));
  }
}

/** Without access to the folder only its reader is of use: a writer was refused before. */
function accessOr({ access }: Shelf): Access {
  const known = access();
  return known.ok ? known.value : ownerOnly;
}

/** Throws where a folder that was there before is not the group's, and nobody else's. */
function asShared(folder: string, access: Access): void {
  const stat = statSync(folder);
  const beyond = openBeyond(stat, access);
  if (beyond !== undefined) throw new Error(`${folder}: ${beyond}`);
  if (stat.gid !== access.group?.id || (stat.mode & 0o2770) !== 0o2770)
    throw new Error(`${folder} has the mode ${(stat.mode & 0o7777).toString(8)} and the group number ${stat.gid}`);
}

function idIn(path: string): string | undefined {
  try {
    return /^[0-9a-f-]{36}$/.exec(readFileSync(join(path, 'id'), 'utf8').trim())?.[0];
  } catch {
    return undefined;
  }
}

/** The outer shape; that it is the very plan of the run is told by its digest in the log. */
function isPlan(value: unknown): value is Plan {
  const { intent, facts } = (value ?? {}) as { intent?: Partial<Plan['intent']>; facts?: Partial<Plan['facts']> };
  return (
    typeof intent?.id === 'string' &&
    typeof intent.host?.name === 'string' &&
    typeof intent.host.serial === 'string' &&
    Array.isArray(intent.runbook?.sources) &&
    [intent.phases, intent.steps, facts?.blockers].every(
      (list) => Array.isArray(list) && list.every((item) => typeof item === 'object' && item !== null),
    )
  );
}

const planBytes = (plan: Plan): Uint8Array => Buffer.from(`${JSON.stringify(plan, null, 2)}\n`);

const stateTrouble = (path: string, what: string, error: Error): Trouble =>
  trouble(
    'state-not-writable',
    `the state folder ${path} cannot be ${what}: ${error.message}`,
    'Give a folder that can be written, by "state:" in decom.yaml or DECOM_STATE_DIR.',
  );

function runsIn(options: Shelf, kind: 'runs' | 'rehearsals'): readonly RunFolder[] {
  const names = (folder: string): readonly string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  const root = join(options.path, kind);
  return names(root).flatMap((host) =>
    names(join(root, host))
      .filter((run) => existsSync(join(root, host, run, 'plan.json')))
      .map((run) => runFolder(options, join(root, host, run), host, run, kind === 'rehearsals')),
  );
}

/** Runs are ordered by when their first plan was written. */
const bornAt = (folder: RunFolder): string => statSync(join(folder.path, 'plan.json')).mtime.toISOString();

function runFolder(options: Shelf, path: string, host: string, run: string, rehearsal: boolean): RunFolder {
  const planFile = (file: string): Result<Plan> => {
    try {
      const plan: unknown = JSON.parse(readFileSync(join(path, file), 'utf8'));
      if (!isPlan(plan)) throw new Error('it is no plan');
      return ok(plan);
    } catch (error) {
      return fail(
        trouble(
          'plan-unreadable',
          `${join(path, file)} cannot be read: ${(error as Error).message}`,
          'Restore the file from a backup of the state folder.',
        ),
      );
    }
  };
  const amended = (): readonly string[] => readdirSync(path).filter((name) => /^plan\.\d+\.json$/.test(name));
  const log = join(path, 'audit.jsonl');
  const guarded = <T>(act: (access: Access) => T): Result<T> => attempted(options, path, 'used', act);
  return {
    run,
    host,
    rehearsal,
    path,
    firstPlan: () => planFile('plan.json'),
    intents() {
      try {
        const files = readdirSync(path).filter((name) => /^intent(\.\d+)?\.json$/.test(name));
        return new Set(files.map((name) => sha256(readFileSync(join(path, name)))));
      } catch {
        return new Set();
      }
    },
    plan(id) {
      for (const file of ['plan.json', ...amended()]) {
        const plan = planFile(file);
        if (!plan.ok || plan.value.intent.id === id) return plan;
      }
      return fail(
        trouble('plan-missing', `${path} has no plan ${id}`, 'Restore the file from a backup of the state folder.'),
      );
    },
    amendPlan: (plan) =>
      guarded((access) => {
        const n = amended().length + 1;
        replaceFile(join(path, `intent.${n}.json`), Buffer.from(jcs(plan.intent)), access);
        replaceFile(join(path, `plan.${n}.json`), planBytes(plan), access);
      }),
    log(at) {
      try {
        return ok(readPart(log, at));
      } catch (error) {
        return fail(stateTrouble(path, 'used', error as Error));
      }
    },
    openJournal: () =>
      guarded((access) => {
        if (access.group !== undefined) asShared(path, access);
        return fileJournal(log, access);
      }),
    inbox: () => folderInbox(join(path, 'inbox'), options.access()),
    blobs: () => fileBlobs(join(path, 'out'), options.redact, accessOr(options)),
    write: (name, text) =>
      guarded((access) => {
        replaceFile(join(path, name), Buffer.from(text), access);
        return join(path, name);
      }),
  };
}
