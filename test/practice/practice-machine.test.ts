import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Bmc } from '../../src/core/ports.ts';
import { secret } from '../../src/core/secret.ts';
import { redfishBmc } from '../../src/effects/bmc/redfish.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { type PracticeMachine, startPracticeMachine } from '../../src/practice/practice-machine.ts';
import { answers, login, run, until } from './login.ts';

let folder: string;
let machine: PracticeMachine;
let bmc: Bmc;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'practice-')));
  machine = await startPracticeMachine({ folder });
  const { address, port, user, password, pin } = machine.bmc;
  bmc = redfishBmc({ name: 'practice', address, port, user, password: secret(password), pin, clock: systemClock });
});

afterEach(async () => {
  await bmc.close();
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const isOff = async (): Promise<boolean> => {
  const power = await bmc.power();
  return power.known && power.value === 'off';
};

test('the BMC says what the machine says of itself', async () => {
  const client = await login(machine);
  const said = await run(client, 'dmidecode -s system-serial-number; dmidecode -s system-uuid');
  client.end();
  const identity = await bmc.identity();
  expect(identity).toMatchObject({ known: true });
  const { serial, guid } = identity.known ? identity.value : { serial: undefined, guid: undefined };
  expect(said.stdout).toBe(`${machine.identity.serial}\n${machine.identity.uuid}\n`);
  expect(serial).toEqual({ known: true, value: machine.identity.serial });
  expect(guid).toEqual({ known: true, value: machine.identity.uuid });
});

test('switched off by the BMC it is really gone, and the BMC says so only then', async () => {
  expect(await bmc.power()).toEqual({ known: true, value: 'on' });
  expect(await bmc.setPower('off', 'soft', new AbortController().signal)).toMatchObject({ ok: true });
  await until('the BMC reports off', isOff);
  expect(await answers(machine)).toBe(false);
  expect(await machine.processes()).toEqual([]);
});

test('switched on by the BMC it can be logged in to again', async () => {
  const { signal } = new AbortController();
  await bmc.setPower('off', 'hard', signal);
  await until('the BMC reports off', isOff);
  await bmc.setPower('on', 'soft', signal);
  await until('it answers', () => answers(machine));
  const client = await login(machine);
  expect(await run(client, 'systemctl is-active app')).toMatchObject({ stdout: 'active\n' });
  client.end();
});
