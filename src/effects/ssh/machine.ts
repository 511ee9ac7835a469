import type { Machine } from '../../core/ports.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Carrier } from './carrier.ts';
import { openConnection } from './connect.ts';
import type { Connection } from './connection.ts';
import { machineOver } from './machine-over.ts';
import { newShared } from './shared.ts';
import { ssh2Carrier } from './ssh2-carrier.ts';
import { type Patience, type SshAround, type SshDeps, type SshTarget, usualPatience } from './target.ts';
import { canReach } from './way.ts';

/**
 * A machine behind SSH, spoken by ssh2. Troubles: those of `openConnection` and of `machineOver`. `otherwise` opens it where there is no
 * algorithm in common; nothing was begun then.
 */
export function sshMachine(
  target: SshTarget,
  deps: SshDeps,
  otherwise?: (patience: Patience, signal: AbortSignal) => Promise<Result<Carrier>>,
): Machine {
  const patience = { ...usualPatience, ...deps.patience };
  const around: SshAround = { ...deps, shared: deps.shared ?? newShared() };
  const open = (to: SshTarget, signal: AbortSignal): Promise<Result<Connection>> =>
    openConnection(to, around, patience, signal);
  return machineOver(
    target,
    patience,
    async (signal) => {
      const opened = await open(target, signal);
      if (opened.ok) return ok(ssh2Carrier(opened.value));
      if (otherwise === undefined || opened.error.code !== 'no-common-algorithm') return opened;
      const byProgram = await otherwise(patience, signal);
      // Without an ssh program here, the first trouble says more.
      return !byProgram.ok && byProgram.error.code === 'no-ssh-program' ? opened : byProgram;
    },
    { reach: (within) => canReach(target, around, within, open), secrets: deps.secrets },
  );
}
