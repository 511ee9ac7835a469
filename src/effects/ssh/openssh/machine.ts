import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Machine } from '../../../core/ports.ts';
import { fail, type Result, type Seen, seen, trouble, unseen } from '../../../core/result.ts';
import type { Carrier } from '../carrier.ts';
import { closedMeanwhile } from '../connect-trouble.ts';
import { machineOver } from '../machine-over.ts';
import { newShared } from '../shared.ts';
import { type Patience, placeOf, type SshAround, type SshDeps, type SshTarget, usualPatience } from '../target.ts';
import { openMaster } from './master.ts';
import type { OpenSshSettings } from './settings.ts';

/** As with ssh2: an sshd under load drops connections before the login, and nothing was begun. */
const attempts = 5;

/** A machine behind SSH, spoken by the `ssh` program (OpenSSH 8.5 or later). Troubles: see `machineOver` and `explain`. */
export function opensshMachine(target: SshTarget, settings: OpenSshSettings, deps: SshDeps): Machine {
  const patience = { ...usualPatience, ...deps.patience };
  const shared = deps.shared ?? newShared();
  return machineOver(
    target,
    patience,
    (signal) => openByProgram(target, settings, { ...deps, shared }, patience, signal),
    {
      secrets: deps.secrets,
      ...(target.proxied === true || target.jumps !== undefined
        ? { reach: (within) => reachByProgram(target, settings, { ...deps, shared }, patience, within) }
        : {}),
    },
  );
}

/** Troubles of a server that answered. */
const answered: readonly string[] = ['auth-refused', 'host-key-changed', 'host-key-revoked', 'host-key-unknown'];

/** Where only the ssh program knows the way, a login tells that the host answers. That it does not says nothing: the way may be broken. */
async function reachByProgram(
  target: SshTarget,
  settings: OpenSshSettings,
  deps: SshAround,
  patience: Patience,
  within: number,
): Promise<Seen<'yes' | 'no'>> {
  const { connectWithin: _, ...rest } = target;
  const opened = await openInTurn(rest, settings, deps, { ...patience, ready: within }, AbortSignal.timeout(within));
  if (opened.ok) opened.value.close();
  if (opened.ok || (answered.includes(opened.error.code) && !opened.error.what.includes('on the way')))
    return seen('yes');
  return unseen(
    trouble(
      'way-unknown',
      `whether ${placeOf(target)} can be reached is not known: the ssh program did not get there (${opened.error.what})`,
      `Look yourself: ssh -p ${target.port} ${target.user}@${target.address} true`,
      opened.error.detail,
    ),
  );
}

/** Logs in, and again where the server dropped the connection before the login. */
export async function openByProgram(
  target: SshTarget,
  settings: OpenSshSettings,
  deps: SshAround,
  patience: Patience,
  signal: AbortSignal,
): Promise<Result<Carrier>> {
  for (let attempt = 1; ; attempt++) {
    const opened = await openInTurn(target, settings, deps, patience, signal);
    if (opened.ok || opened.error.code !== 'dropped' || attempt === attempts) return opened;
    await pause(randomInt(50, 150) * 2 ** attempt, undefined, { signal }).catch(() => undefined);
  }
}

/** One attempt, once there is a place among the handshakes with that server, whichever transport takes the others. */
async function openInTurn(
  target: SshTarget,
  settings: OpenSshSettings,
  deps: SshAround,
  patience: Patience,
  signal: AbortSignal,
): Promise<Result<Carrier>> {
  const { address, port, jumps = [] } = target;
  const places = deps.shared.handshakes(JSON.stringify([jumps.map((j) => [j.address, j.port]), address, port]));
  let release: () => void;
  try {
    release = await places.take(signal);
  } catch {
    return fail(closedMeanwhile(target));
  }
  try {
    return await openMaster(target, settings, deps, patience, signal);
  } finally {
    release();
  }
}
