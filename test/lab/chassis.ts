import { execFileSync } from 'node:child_process';
import type { Vm } from './vm.ts';

/** Asks or tells the machine's BMC by ipmitool itself, beside everything under test. */
export function chassis(vm: Vm, word: 'status' | 'on' | 'off' | 'soft'): string {
  if (vm.bmc === null) throw new Error('this machine has no BMC');
  const { port, user, password } = vm.bmc;
  const argv = ['-I', 'lanplus', '-H', '127.0.0.1', '-p', String(port), '-U', user, '-E', '-C', '3'];
  return execFileSync('ipmitool', [...argv, 'chassis', 'power', word], {
    encoding: 'utf8',
    env: { ...process.env, IPMI_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}
