import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { jcs } from '../../core/json.ts';
import type { Plan } from '../../core/plan.ts';
import type { RunFolder, RunStore } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
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
}

/** Runs as folders below `path`: `runs/<host>/<run>/`, `rehearsals/<host>/<run>/`, `locks/<host>`. */
export function runStore(options: RunStoreOptions): RunStore {
  const { path } = options;
  const attempt = <T>(what: string, act: () => T): Result<T> => {
    try {
      return ok(act());
    } catch (error) {
      return fail(stateTrouble(path, what, error as Error));
    }
  };
  return {
    path,
    prepare: () =>
      attempt('written', () => {
        // Node reports a read-only file system as ENOENT when it makes folders.
        if (existsSync(path)) accessSync(path, constants.W_OK);
        for (const folder of [path, join(path, 'runs')]) {
          if (existsSync(folder) && (statSync(folder).mode & 0o002) !== 0) {
            throw new Error(`everybody may write to ${folder}; close it: chmod o-w ${folder}`);
          }
        }
        for (const folder of ['runs', 'rehearsals', 'locks']) {
          makeFolder(join(path, folder), path);
          accessSync(join(path, folder), constants.W_OK);
        }
        if (idIn(path) === undefined) replaceFile(join(path, 'id'), Buffer.from(`${randomUUID()}\n`));
      }),
    id: () => idIn(path),
    list: () =>
      [...runsIn(options, 'runs'), ...runsIn(options, 'rehearsals')].sort((a, b) => bornAt(a).localeCompare(bornAt(b))),
    create(plan, run, rehearsal) {
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
      return attempt('written', () => {
        makeFolder(folder, path);
        replaceFile(join(folder, 'intent.json'), Buffer.from(jcs(plan.intent)));
        replaceFile(join(folder, 'verify.sh'), Buffer.from(verifyScript));
        replaceFile(join(folder, 'plan.json'), planBytes(plan));
        return runFolder(options, folder, host, run, rehearsal);
      });
    },
    lock(host) {
      try {
        return lockHost(join(path, 'locks', host), host, options.operator);
      } catch (error) {
        return fail(stateTrouble(path, 'written', error as Error));
      }
    },
  };
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

function runsIn(options: RunStoreOptions, kind: 'runs' | 'rehearsals'): readonly RunFolder[] {
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

function runFolder(options: RunStoreOptions, path: string, host: string, run: string, rehearsal: boolean): RunFolder {
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
  const guarded = <T>(act: () => T): Result<T> => {
    try {
      return ok(act());
    } catch (error) {
      return fail(stateTrouble(path, 'used', error as Error));
    }
  };
  return {
    run,
    host,
    rehearsal,
    path,
    firstPlan: () => planFile('plan.json'),
    plan(id) {
      for (const file of ['plan.json', ...amended()]) {
        const plan = planFile(file);
        if (!plan.ok || plan.value.intent.id === id) return plan;
      }
      return fail(
        trouble('plan-missing', `${path} has no plan ${id}`, 'Restore the file from a backup of the state folder.'),
      );
    },
    amendPlan: (plan) => guarded(() => replaceFile(join(path, `plan.${amended().length + 1}.json`), planBytes(plan))),
    log: (at) => guarded(() => readPart(log, at)),
    openJournal: () => guarded(() => fileJournal(log)),
    inbox: () => folderInbox(join(path, 'inbox')),
    blobs: () => fileBlobs(join(path, 'out'), options.redact),
    write: (name, text) =>
      guarded(() => {
        replaceFile(join(path, name), Buffer.from(text));
        return join(path, name);
      }),
  };
}
