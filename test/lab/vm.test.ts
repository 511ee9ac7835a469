import { afterAll, beforeAll, expect, test } from 'vitest';
import { chassis } from './chassis.ts';
import { poll } from './poll.ts';
import { startVm, type Vm } from './vm.ts';

let vm: Vm;
beforeAll(async () => {
  vm = await startVm({ start: 'warm', bmc: true });
});
afterAll(() => vm?.stop());

test('the practice machine has the identity and the services it is said to have', async () => {
  const said = await vm.sh(
    'cat /sys/class/dmi/id/product_serial /sys/class/dmi/id/product_uuid /etc/machine-id; systemctl is-active nginx app; find /srv/many -type f | wc -l; date +%s',
  );
  const [serial, uuid, machineId, nginx, app, small, clock] = said.stdout.toString().split('\n');
  expect([serial, uuid, machineId, nginx, app, small]).toEqual([
    vm.identity.serial,
    vm.identity.uuid,
    vm.machineId,
    'active',
    'active',
    '10000',
  ]);
  expect(Math.abs(Number(clock) - Date.now() / 1000)).toBeLessThan(300);
});

test('its BMC switches it off softly, and on again', async () => {
  expect(chassis(vm, 'status')).toBe('Chassis Power is on');
  const first = vm.pid();
  chassis(vm, 'soft');
  await poll('the machine to be off', () => (vm.running() ? undefined : true));
  expect(chassis(vm, 'status')).toBe('Chassis Power is off');
  chassis(vm, 'on');
  await poll('the machine to be on', () => (vm.running() ? true : undefined));
  expect(vm.pid()).not.toBe(first);
  await vm.booted();
  const stopped = (await vm.sh('journalctl -b -1 -u nginx -o cat')).stdout.toString();
  expect(stopped).toContain('Stopped nginx.service');
  chassis(vm, 'off');
  await poll('the machine to be off', () => (vm.running() ? undefined : true));
});
