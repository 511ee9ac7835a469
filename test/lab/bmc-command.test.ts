import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bmc } from '../../src/core/ports.ts';
import { commandBmc } from '../../src/effects/bmc/command.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { poll } from './poll.ts';
import { writeVirsh } from './virsh-stand-in.ts';
import { startVm, type Vm } from './vm.ts';

const script = fileURLToPath(new URL('../../docs/examples/virsh-power', import.meta.url));
const never = new AbortController().signal;

let vm: Vm;
let folder: string;
let bmc: Bmc;
beforeAll(async () => {
  vm = await startVm({ start: 'warm' });
  folder = await mkdtemp(join(tmpdir(), 'virsh-lab-'));
  writeVirsh(folder, vm, 'lab');
  bmc = commandBmc({
    name: 'lab',
    argv: [script, 'qemu:///system', 'lab'],
    secrets: {},
    environment: { PATH: `${folder}:${process.env.PATH}` },
    folder,
    clock: systemClock,
  });
});
afterAll(async () => {
  await bmc?.close();
  await vm?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

const off = () => poll('the machine to be off', () => (vm.running() ? undefined : true));

test('a real machine says the same of itself as the program that switches it', async () => {
  const identity = await bmc.identity();
  const dmi = await vm.sh('cat /sys/class/dmi/id/product_uuid /sys/class/dmi/id/product_serial');
  const [uuid, serial] = dmi.stdout.toString().split('\n');
  expect(identity).toMatchObject({
    known: true,
    value: { guid: { known: true, value: uuid }, serial: { known: true, value: serial } },
  });
});

test('its operating system shuts down, the plug is pulled, and it starts again', async () => {
  expect(await bmc.power()).toEqual({ known: true, value: 'on' });
  expect(await bmc.setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
  await off();
  expect(await bmc.power()).toEqual({ known: true, value: 'off' });
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({ ok: false, error: { code: 'bmc-declined' } });

  expect(await bmc.setPower('on', 'soft', never)).toEqual({ ok: true, value: undefined });
  await poll('the machine to run', async () => {
    const power = await bmc.power();
    return power.known && power.value === 'on' && vm.running() ? true : undefined;
  });
  expect(await bmc.setPower('off', 'hard', never)).toEqual({ ok: true, value: undefined });
  await off();
  expect(await bmc.power()).toEqual({ known: true, value: 'off' });
});
