import type { AnyAction } from '../core/action.ts';
import { backupArchive } from './backup/archive.ts';
import { backupPostgres } from './backup/postgres.ts';
import { backupRsync } from './backup/rsync.ts';
import { bmcLocate } from './bmc/locate.ts';
import { bmcReset } from './bmc/reset.ts';
import { checklist } from './checklist.ts';
import { commandRun } from './command/run.ts';
import { confirm } from './confirm.ts';
import { diskDestroy } from './disk/destroy.ts';
import { diskErase } from './disk/erase.ts';
import { hostSurvey } from './host/survey.ts';
import { identityAttest } from './identity/attest.ts';
import { identityCheck } from './identity/check.ts';
import { inventoryRetire } from './inventory/retire.ts';
import { networkCheck } from './network/check.ts';
import { networkIsolate } from './network/isolate.ts';
import { powerCut } from './power/cut.ts';
import { powerOff } from './power/off.ts';
import { powerStatus } from './power/status.ts';
import { restoreVerify } from './restore/verify.ts';
import { serviceStart } from './service/start.ts';
import { serviceStop } from './service/stop.ts';
import { useCheck } from './use/check.ts';
import { wait } from './wait.ts';

/** Every kind of step there is. A file of `actions/` that is not in this list (but for `parts/`) fails the build. */
export const actions: readonly AnyAction[] = [
  backupArchive,
  backupPostgres,
  backupRsync,
  bmcLocate,
  bmcReset,
  checklist,
  commandRun,
  confirm,
  diskDestroy,
  diskErase,
  hostSurvey,
  identityAttest,
  identityCheck,
  inventoryRetire,
  networkCheck,
  networkIsolate,
  powerCut,
  powerOff,
  powerStatus,
  restoreVerify,
  serviceStart,
  serviceStop,
  useCheck,
  wait,
];
