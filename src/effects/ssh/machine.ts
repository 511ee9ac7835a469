import type { Machine } from '../../core/ports.ts';
import { ok, type Result } from '../../core/result.ts';
import { openConnection } from './connect.ts';
import type { Connection } from './connection.ts';
import { machineOver } from './machine-over.ts';
import { newShared } from './shared.ts';
import { ssh2Carrier } from './ssh2-carrier.ts';
import { type SshAround, type SshDeps, type SshTarget, usualPatience } from './target.ts';
import { canReach } from './way.ts';

export { processShared } from './shared.ts';

/** A machine behind SSH, spoken by ssh2. Troubles: those of `openConnection` and of `machineOver`. */
export function sshMachine(target: SshTarget, deps: SshDeps): Machine {
  const patience = { ...usualPatience, ...deps.patience };
  const around: SshAround = { ...deps, shared: deps.shared ?? newShared() };
  const open = (to: SshTarget, signal: AbortSignal): Promise<Result<Connection>> =>
    openConnection(to, around, patience, signal);
  return machineOver(
    target,
    patience,
    async (signal) => {
      const opened = await open(target, signal);
      return opened.ok ? ok(ssh2Carrier(opened.value)) : opened;
    },
    { reach: (within) => canReach(target, around, within, open), secrets: deps.secrets },
  );
}
