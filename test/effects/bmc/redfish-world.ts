import { secret } from '../../../src/core/secret.ts';
import { type RedfishOptions, redfishBmc } from '../../../src/effects/bmc/redfish.ts';
import type { RedfishFaults } from '../../../src/practice/redfish/options.ts';
import { type RedfishBmc, startRedfishBmc } from '../../../src/practice/redfish/redfish-bmc.ts';
import type { BmcWorld, BmcWorldOptions } from '../../contracts/bmc.ts';
import { testClock } from '../../fakes/test-clock.ts';

export interface RedfishWorld extends BmcWorld {
  readonly service: RedfishBmc;
  readonly faults: RedfishFaults;
  bmc(
    client?: Partial<Omit<RedfishOptions, 'password'>> & { readonly password?: string; readonly closedPort?: boolean },
  ): ReturnType<typeof redfishBmc>;
}

/** A machine that is a variable, behind the strict Redfish service. */
export async function redfishWorld({
  guid = 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
  power = 'on',
  refuses,
  neverEnds = false,
  tls,
  ...more
}: BmcWorldOptions &
  RedfishFaults & { readonly neverEnds?: boolean; readonly tls?: 'old' } = {}): Promise<RedfishWorld> {
  const faults: RedfishFaults = { ...more, ...(refuses === 'soft' ? { onlyForceOff: true } : {}) };
  let state = power;
  let touched = 0;
  const service = await startRedfishBmc({
    serial: '0012345',
    uuid: guid,
    user: 'admin',
    password: 'correct-horse',
    faults,
    ...(tls === undefined ? {} : { tls }),
    power: {
      get: async () => state,
      set: async (want) => {
        touched++;
        if (neverEnds) await new Promise(() => undefined);
        state = want;
      },
    },
  });
  return {
    guid,
    serial: '0012345',
    service,
    faults,
    bmc: ({ password, closedPort = false, ...client } = {}) =>
      redfishBmc({
        name: 'web01',
        address: '127.0.0.1',
        port: closedPort ? 1 : service.port,
        user: 'admin',
        password: secret(password ?? 'correct-horse'),
        pin: service.pin,
        clock: testClock,
        patience: 60_000,
        ...client,
      }),
    power: async () => state,
    touched: async () => touched,
    light: async () => service.light(),
    restarts: async () => service.restarts(),
    stop: () => service.close(),
  };
}
