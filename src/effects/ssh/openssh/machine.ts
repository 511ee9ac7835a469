import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Machine } from '../../../core/ports.ts';
import type { Reachable } from '../../../core/probe.ts';
import { fail, type Result, type Seen, seen, unseen } from '../../../core/result.ts';
import type { Carrier } from '../carrier.ts';
import { closedMeanwhile } from '../connect-trouble.ts';
import { machineOver } from '../machine-over.ts';
import { newShared } from '../shared.ts';
import { type Patience, type SshAround, type SshDeps, type SshTarget, usualPatience } from '../target.ts';
import { bastionOf, reachFromHere } from '../way.ts';
import { openMaster } from './master.ts';
import { reachByWayOf } from './reach.ts';
import type { OpenSshSettings } from './settings.ts';

/** As with ssh2: an sshd under load drops connections before the login, and nothing was begun. */
const attempts = 5;

/** A machine behind SSH, spoken by the `ssh` program (OpenSSH 8.5 or later). Troubles: see `machineOver` and `explain`. */
export function opensshMachine(target: SshTarget, settings: OpenSshSettings, deps: SshDeps): Machine {
  const patience = { ...usualPatience, ...deps.patience };
  const shared = deps.shared ?? newShared();
  const around = { ...deps, shared };
  return machineOver(target, patience, (signal) => openByProgram(target, settings, around, patience, signal), {
    secrets: deps.secrets,
    reach: (within) => reach(target, settings, around, patience, within),
  });
}

/** Whether something accepts connections there, told as well as the way allows it. */
function reach(
  target: SshTarget,
  settings: OpenSshSettings,
  deps: SshAround,
  patience: Patience,
  within: number,
): Promise<Seen<Reachable>> {
  const bastion = bastionOf(target);
  if (bastion !== undefined) return reachByWayOf(bastion, target, settings, deps, patience, within);
  return target.proxied === true
    ? reachByProgram(target, settings, deps, patience, within)
    : reachFromHere(target, within);
}

/** Troubles of a server that answered. */
const answered: readonly string[] = ['auth-refused', 'host-key-changed', 'host-key-revoked', 'host-key-unknown'];
/** Troubles of this computer: nobody was asked. */
const notAsked: readonly string[] = ['no-ssh-program', 'ssh-too-old', 'host-key-unreadable'];

/**
 * By a program of the operator's: a login tells that the host answers. That nothing does is `silent`, however the program ended and whatever it
 * said: it may be the way that is broken.
 */
async function reachByProgram(
  target: SshTarget,
  settings: OpenSshSettings,
  deps: SshAround,
  patience: Patience,
  within: number,
): Promise<Seen<Reachable>> {
  const ready = Math.min(10 * within, target.connectWithin ?? patience.ready);
  const patient = { ...target, connectWithin: ready };
  const opened = await openMaster(patient, settings, deps, patience, AbortSignal.timeout(2 * ready));
  if (opened.ok) opened.value.close();
  if (opened.ok || answered.includes(opened.error.code)) return seen('yes');
  return notAsked.includes(opened.error.code) ? unseen(opened.error) : seen('silent');
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
