import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from '../../src/core/secret.ts';
import { ipmiBmc } from '../../src/effects/bmc/ipmi.ts';
import { type BmcWorld, type BmcWorldOptions, bmcContract } from '../contracts/bmc.ts';
import { testClock } from '../fakes/test-clock.ts';
import { startIpmiSim } from './ipmi-sim.ts';

/** A machine that is a file holding 0 or 1, behind a real `ipmi_sim`. */
async function ipmiWorld({
  guid = 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
  power = 'on',
  refuses,
}: BmcWorldOptions = {}): Promise<BmcWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'bmc-world-'));
  const state = join(folder, 'power');
  const calls = join(folder, 'calls');
  const control = join(folder, 'control');
  await writeFile(state, power === 'on' ? '1' : '0');
  await writeFile(calls, '');
  await writeFile(
    control,
    [
      '#!/bin/sh',
      `case "$2 $3" in`,
      `"get power") printf 'power:%s\\n' "$(cat ${state})" ;;`,
      `"set power") echo "$*" >> ${calls}; printf %s "$4" > ${state} ;;`,
      refuses === 'soft'
        ? `"set shutdown") exit 1 ;;`
        : `"set shutdown") echo "$*" >> ${calls}; printf 0 > ${state} ;;`,
      'esac',
      '',
    ].join('\n'),
  );
  await chmod(control, 0o755);
  const sim = await startIpmiSim({ guid, user: 'admin', password: 'secret', control, serial: 'S0012345' });
  return {
    guid,
    serial: 'S0012345',
    bmc: ({ password = 'secret', closedPort = false } = {}) =>
      ipmiBmc({
        name: 'web01',
        address: '127.0.0.1',
        port: closedPort ? 1 : sim.port,
        user: 'admin',
        password: secret(password),
        clock: testClock,
        spacing: 0,
      }),
    power: async () => ((await readFile(state, 'utf8')) === '1' ? 'on' : 'off'),
    touched: async () => (await readFile(calls, 'utf8')).split('\n').length - 1,
    stop: async () => {
      await sim.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

bmcContract('ipmitool against ipmi_sim', ipmiWorld);
