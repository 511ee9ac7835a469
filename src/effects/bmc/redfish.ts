import type { Bmc, Clock } from '../../core/ports.ts';
import { fail, ok, type Result, seen, unseen } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { foreignText } from './foreign-text.ts';
import { swapGuid } from './guid.ts';
import { textIn } from './json-in.ts';
import { redfishClient } from './redfish-client.ts';
import { findLight, switchLight } from './redfish-light.ts';
import { resetManager, resetSystem } from './redfish-reset.ts';
import { type InSession, inSession, type Looked } from './redfish-session.ts';
import { findManager, findSystem } from './redfish-system.ts';
import { oddAnswer, stopped } from './trouble.ts';

export interface RedfishOptions {
  /** Name of the host it belongs to, for messages. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  /** `sha256:<hex>` of the DER certificate; undefined: it has to be vouched for by a certificate authority. */
  readonly pin: string | undefined;
  /** Allow TLS 1.0 and weak ciphers; then only a pin vouches for the BMC. Default false. */
  readonly legacy?: boolean;
  /** Id of the ComputerSystem, where there are several. */
  readonly system?: string;
  readonly clock: Clock;
  /** Milliseconds for one answer. Default 15,000. */
  readonly patience?: number;
}

/** A BMC over Redfish (DSP0266). Every call is one session, ended by DELETE whatever happens in it. */
export function redfishBmc(options: RedfishOptions): Bmc {
  const { name, user, password, pin, legacy = false, system, clock, patience = 15_000 } = options;
  const { address, port } = options;
  const client = redfishClient({ name, address, port, password, pin, legacy, patience, clock });

  /** In a session, with the one system that is meant. */
  const withSystem = <T>(
    work: (session: InSession, system: Looked) => Promise<Result<T>>,
    signal = new AbortController().signal,
  ): Promise<Result<T>> =>
    inSession({ name, user, password, client, clock, signal }, async (session) => {
      const found = await findSystem(session, system);
      return found.ok ? work(session, found.value) : found;
    });

  /** The same for a change: nothing is asked for once it was stopped. */
  const change = async (
    signal: AbortSignal,
    work: (session: InSession, system: Looked) => Promise<Result<void>>,
  ): Promise<Result<void>> => {
    if (signal.aborted) return fail(stopped(name));
    return withSystem(async (session, found) => (signal.aborted ? fail(stopped(name)) : work(session, found)), signal);
  };

  return {
    name,

    async power() {
      const state = await withSystem(async (_session, found) => ok(textIn(found.body, 'PowerState')));
      if (!state.ok) return unseen(state.error);
      switch (state.value) {
        case 'Off':
          return seen('off');
        // On the way is not there yet: until it says Off, there is power.
        case 'On':
        case 'PoweringOn':
        case 'PoweringOff':
        case 'Paused':
          return seen('on');
        default:
          return unseen(oddAnswer(name, 'gave no power state', foreignText(state.value ?? '', [password])));
      }
    },

    async identity() {
      const found = await withSystem(async (_session, system) => ok(system.body));
      if (!found.ok) return unseen(found.error);
      const uuid = textIn(found.value, 'UUID')?.toLowerCase();
      const serial = textIn(found.value, 'SerialNumber')?.trim();
      const fits = uuid !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid);
      const none = unseen(oddAnswer(name, 'names no UUID of its system', foreignText(uuid ?? '', [password])));
      return seen({
        guid: fits ? seen(uuid) : none,
        guid_swapped: fits ? seen(swapGuid(uuid)) : none,
        serial:
          serial === undefined || serial === ''
            ? unseen(oddAnswer(name, 'names no serial number of its system'))
            : seen(foreignText(serial, [password], 100)),
      });
    },

    setPower: (want, how, signal) =>
      change(signal, (session, found) =>
        resetSystem(session, found, want === 'on' ? 'On' : how === 'soft' ? 'GracefulShutdown' : 'ForceOff'),
      ),

    async indicator() {
      const light = await withSystem(findLight);
      return light.ok ? seen(light.value.state) : unseen(light.error);
    },

    setIndicator: (want, signal) =>
      change(signal, async (session, found) => {
        const light = await findLight(session, found);
        return light.ok ? switchLight(session, light.value, want) : light;
      }),

    restart: (signal) =>
      change(signal, async (session, found) => {
        const manager = await findManager(session, found);
        return manager.ok ? resetManager(session, manager.value) : manager;
      }),

    async weaknesses() {
      return seen([]);
    },

    notes: () => {
      const version = client.tls();
      return version === undefined || !legacy ? [] : [`${version}: this BMC is declared legacy`];
    },

    close: () => client.close(),
  };
}
