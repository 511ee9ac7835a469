import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from '../../src/core/secret.ts';
import { type IpmiOptions, ipmiBmc } from '../../src/effects/bmc/ipmi.ts';
import type { BmcWorld, BmcWorldOptions } from '../contracts/bmc.ts';
import { testClock } from '../fakes/test-clock.ts';
import { startIpmiSim } from './ipmi-sim.ts';

export interface IpmiMachine extends BmcWorld {
  bmc(
    client?: Partial<Omit<IpmiOptions, 'password'>> & { readonly password?: string; readonly closedPort?: boolean },
  ): ReturnType<typeof ipmiBmc>;
}

export const password = 'correct-horse';

/** A machine that is a file holding 0 or 1, behind a real `ipmi_sim`. `hangs`: a change is made, and the BMC then falls silent. */
export async function ipmiMachine({
  guid = 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
  power = 'on',
  refuses,
  hangs = false,
  fru = true,
}: BmcWorldOptions & { readonly hangs?: boolean; readonly fru?: boolean } = {}): Promise<IpmiMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'ipmi-machine-'));
  const state = join(folder, 'power');
  const calls = join(folder, 'calls');
  const control = join(folder, 'control');
  const hung = join(folder, 'hung');
  const light = join(folder, 'light');
  await writeFile(state, power === 'on' ? '1' : '0');
  await writeFile(calls, '');
  await writeFile(light, '0');
  const switchTo = (value: string) =>
    `echo "$*" >> ${calls}; printf %s ${value} > ${state}${hangs ? `; echo $$ > ${hung}; exec sleep 60` : ''} ;;`;
  await writeFile(
    control,
    [
      '#!/bin/sh',
      `case "$2 $3" in`,
      `"get power") printf 'power:%s\\n' "$(cat ${state})" ;;`,
      `"set power") ${switchTo('"$4"')}`,
      // One argument: the seconds that the light is to be on, and whether it is for good.
      `"set identify") if [ "$4" = '0 0' ]; then printf 0 > ${light}; else printf 1 > ${light}; fi ;;`,
      `"set shutdown") ${refuses === 'soft' ? 'exit 1 ;;' : switchTo('0')}`,
      'esac',
      '',
    ].join('\n'),
  );
  await chmod(control, 0o755);
  const serial = 'S0012345';
  const sim = await startIpmiSim({ guid, user: 'admin', password, control, ...(fru ? { serial } : {}) });
  return {
    guid,
    serial,
    bmc: ({ password: word = password, closedPort = false, ...client } = {}) =>
      ipmiBmc({
        name: 'web01',
        address: '127.0.0.1',
        port: closedPort ? 1 : sim.port,
        user: 'admin',
        password: secret(word),
        clock: testClock,
        spacing: 0,
        ...client,
      }),
    power: async () => ((await readFile(state, 'utf8')) === '1' ? 'on' : 'off'),
    light: async () => ((await readFile(light, 'utf8')) === '1' ? 'on' : 'off'),
    // ipmi_sim knows the command and has no bits for the state.
    blindToLight: true,
    touched: async () => (await readFile(calls, 'utf8')).split('\n').length - 1,
    stop: async () => {
      await sim.stop();
      if (hangs) process.kill(Number(await readFile(hung, 'utf8')));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
