import { secret } from '../../../src/core/secret.ts';
import { noAnswer, refused } from '../../../src/effects/bmc/trouble.ts';
import { bmcContract } from '../../contracts/bmc.ts';
import { type FakeBmcState, fakeBmc } from '../../fakes/bmc.ts';
import { commandWorld } from './command-world.ts';
import { redfishWorld } from './redfish-world.ts';

bmcContract('redfish against the practice service', redfishWorld);

bmcContract('a program of the operator’s', commandWorld);

bmcContract('the fake', async ({ guid = 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10', power = 'on', refuses } = {}) => {
  const right = secret('correct-horse');
  const state: FakeBmcState = {
    power,
    guid,
    serial: 'S0012345',
    asked: [],
    ...(refuses === undefined ? {} : { refuses }),
  };
  return {
    guid,
    serial: state.serial,
    bmc: ({ password = right.reveal(), closedPort = false } = {}) => {
      if (closedPort) state.trouble = noAnswer('fake', '127.0.0.1:1');
      if (password !== right.reveal()) state.trouble = refused('fake', '127.0.0.1:1', 'admin');
      return fakeBmc(state);
    },
    power: async () => state.power,
    touched: async () => state.asked.length,
    light: async () => state.indicator ?? 'off',
    restarts: async () => state.asked.filter((each) => each === 'restart').length,
    stop: async () => undefined,
  };
});
