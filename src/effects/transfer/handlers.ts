import type { OperationHandlers, PerformContext, ProbeHandlers } from '../../core/action.ts';
import type { Outcome } from '../../core/operation.ts';
import { placeOf } from '../../core/place.ts';
import { ok, type Result, type Seen, seen, unseen } from '../../core/result.ts';
import { copyArchive } from './archive.ts';
import { compareTree } from './compare.ts';
import { compareDatabases } from './databases/compare-databases.ts';
import { copyDatabases } from './databases/copy-databases.ts';
import { endLeftServer } from './databases/left-server.ts';
import { lookAt, seenOf } from './databases/look.ts';
import { restoreDatabases } from './databases/restore-databases.ts';
import { serversHere } from './databases/servers-here.ts';
import type { TransferDeps } from './deps.ts';
import { dismissHelpers } from './helper/entrance.ts';
import { helperKeeper } from './helper/helper-keeper.ts';
import { wayToHost } from './helper/way-to-host.ts';
import { here } from './here.ts';
import type { Keeper } from './keeper.ts';
import { listCopies } from './place.ts';
import { restoreCopy } from './restore.ts';
import { copyRsync } from './rsync.ts';

export { dismissHelpers };

type TransferOperations = 'copy.archive' | 'copy.rsync' | 'copy.databases' | 'copy.restore' | 'scratch.remove';
type TransferQuestions =
  | 'place'
  | 'copies'
  | 'copy'
  | 'tree.compare'
  | 'databases'
  | 'databases.here'
  | 'databases.compare'
  | 'helper.way';

/** The machine that a place is on. */
async function keeperOf(deps: TransferDeps, place: string): Promise<Result<Keeper>> {
  const { on } = placeOf(place);
  if (on === 'control') return ok(here);
  const helper = await deps.helper(on);
  return helper.ok ? ok(helperKeeper(helper.value, deps.clock)) : helper;
}

/** Copies the host's files to a place, and brings them back into a scratch folder beside it. Every one of these may be done again. */
export const transferHandlers = (deps: TransferDeps): Pick<OperationHandlers, TransferOperations> => {
  const at = async (place: string, act: (keeper: Keeper) => Promise<Outcome>): Promise<Outcome> => {
    const keeper = await keeperOf(deps, place);
    return keeper.ok ? act(keeper.value) : { outcome: 'failed', trouble: keeper.error };
  };
  return {
    'copy.archive': (operation, context) => at(operation.to, (keeper) => copyArchive(deps, keeper, operation, context)),
    'copy.rsync': (operation, context) => copyRsync(deps, operation, context),
    'copy.databases': (operation, context) => copyDatabases(deps, operation, context),
    'copy.restore': (operation, context) =>
      at(operation.copy, async (keeper) => {
        const read = keeper.on === 'control' ? await keeper.read(operation.copy) : undefined;
        return read?.known === true && read.value.description?.databases !== undefined
          ? restoreDatabases(deps, operation, context)
          : restoreCopy(deps, keeper, operation, context);
      }),
    'scratch.remove': ({ scratch }) =>
      at(scratch, async (keeper) => {
        const ended = keeper.on === 'control' ? await endLeftServer(scratch) : ok(undefined);
        const removed = ended.ok ? await keeper.removeScratch(placeOf(scratch).path) : ended;
        return removed.ok ? { outcome: 'done', receipt: { scratch } } : { outcome: 'failed', trouble: removed.error };
      }),
  };
};

/** Looks at places and copies, here and on helpers; none of it changes anything. */
export const transferProbes = (deps: TransferDeps): Pick<ProbeHandlers, TransferQuestions> => {
  const at = async <T>(place: string, ask: (keeper: Keeper, path: string) => Promise<Seen<T>>): Promise<Seen<T>> => {
    const keeper = await keeperOf(deps, place);
    return keeper.ok ? ask(keeper.value, placeOf(place).path) : unseen(keeper.error);
  };
  return {
    place: ({ path }) => at(path, (keeper, plain) => keeper.look(plain)),
    copies: async ({ folder, method }) => listCopies(folder, deps.host, method),
    copy: ({ copy }) => at(copy, (keeper, plain) => keeper.read(plain)),
    'tree.compare': (question, context?: PerformContext) =>
      at(question.copy, (keeper) => compareTree(deps, keeper, question, context)),
    databases: async ({ access, root }, context) => seenOf(await lookAt(deps.machine, access, root, context?.signal)),
    'databases.here': async ({ server }) => seen(await serversHere(server)),
    'databases.compare': (question, context) => compareDatabases(question, context),
    'helper.way': async ({ helper }) => {
      const found = await deps.helper(helper);
      return found.ok ? wayToHost(found.value, deps) : unseen(found.error);
    },
  };
};
