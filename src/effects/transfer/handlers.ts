import type { OperationHandlers, ProbeHandlers } from '../../core/action.ts';
import { seen, unseen } from '../../core/result.ts';
import { copyArchive } from './archive.ts';
import { compareTree } from './compare.ts';
import { readCopy } from './copy-folder.ts';
import type { TransferDeps } from './deps.ts';
import { diskTrouble } from './disk-trouble.ts';
import { listCopies, lookAtPlace } from './place.ts';
import { restoreCopy } from './restore.ts';
import { copyRsync } from './rsync.ts';
import { removeScratch } from './scratch.ts';

type TransferOperations = 'copy.archive' | 'copy.rsync' | 'copy.restore' | 'scratch.remove';
type TransferQuestions = 'place' | 'copies' | 'copy' | 'tree.compare';

/** Copies the host's files to a folder here, and brings them back into a scratch folder. Every one of these may be done again. */
export const transferHandlers = (deps: TransferDeps): Pick<OperationHandlers, TransferOperations> => ({
  'copy.archive': (operation, context) => copyArchive(deps, operation, context),
  'copy.rsync': (operation, context) => copyRsync(deps, operation, context),
  'copy.restore': (operation, context) => restoreCopy(deps, operation, context),
  'scratch.remove': (operation) => removeScratch(operation.scratch),
});

/** Looks at places and copies here; none of it touches the host. */
export const transferProbes = (deps: TransferDeps): Pick<ProbeHandlers, TransferQuestions> => ({
  place: async ({ path }) => lookAtPlace(path),
  copies: async ({ folder, method }) => listCopies(folder, deps.host, method),
  copy: async ({ copy }) => {
    try {
      return seen(readCopy(copy));
    } catch (error) {
      return unseen(diskTrouble(error, copy));
    }
  },
  'tree.compare': (question, context) => compareTree(deps, question, context),
});
