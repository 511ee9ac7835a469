import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { poll } from './poll.ts';
import { startVm, type Vm } from './vm.ts';

let vm: Vm;
beforeAll(async () => {
  vm = await startVm({ start: 'warm', bmc: true });
});
afterAll(() => vm?.stop());

const chassis = (...words: readonly string[]): string => {
  const { port, user, password } = vm.bmc ?? { port: 0, user: '', password: '' };
  const argv = ['-I', 'lanplus', '-H', '127.0.0.1', '-p', String(port), '-U', user, '-E', '-C', '3'];
  return execFileSync('ipmitool', [...argv, 'chassis', 'power', ...words], {
    encoding: 'utf8',
    env: { ...process.env, IPMI_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
};

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
  expect(Math.abs(Number(clock) - Date.now() / 1000)).toBeLessThan(30);
});

test('its BMC switches it off softly, and on again', async () => {
  expect(chassis('status')).toBe('Chassis Power is on');
  const first = vm.pid();
  chassis('soft');
  await poll('the machine to be off', 90_000, () => (vm.running() ? undefined : true));
  expect(chassis('status')).toBe('Chassis Power is off');
  chassis('on');
  await poll('the machine to be on', 20_000, () => (vm.running() ? true : undefined));
  expect(vm.pid()).not.toBe(first);
  await vm.booted();
  const stopped = (await vm.sh('journalctl -b -1 -u nginx -o cat')).stdout.toString();
  expect(stopped).toContain('Stopped nginx.service');
  chassis('off');
  await poll('the machine to be off', 10_000, () => (vm.running() ? undefined : true));
});
