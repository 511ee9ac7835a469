import type { Machine } from '../../core/ports.ts';
import { ok } from '../../core/result.ts';
import { openConnection } from './connect.ts';
import { machineOver } from './machine-over.ts';
import { ssh2Carrier } from './ssh2-carrier.ts';
import { type SshDeps, type SshTarget, usualPatience } from './target.ts';

/** A machine behind SSH, spoken by ssh2. Troubles: those of `openConnection` and of `machineOver`. */
export function sshMachine(target: SshTarget, deps: SshDeps): Machine {
  const patience = { ...usualPatience, ...deps.patience };
  return machineOver(target, patience, async (signal) => {
    const opened = await openConnection(target, deps, patience, signal);
    return opened.ok ? ok(ssh2Carrier(opened.value)) : opened;
  });
}
