import { afterAll, beforeAll, expect, test } from 'vitest';
import { approval, approved } from '../faults/approved.ts';
import { startWire, type Wire } from '../faults/wire.ts';
import { chassis } from './chassis.ts';
import { startUdpRelay, type UdpRelay } from './udp-relay.ts';
import { startVm, type Vm } from './vm.ts';
import { type Called, type VmWorkspace, vmWorkspace } from './vm-workspace.ts';

/*
 * Two real machines that were installed from one image: they have the same host keys and the same machine-id, and only their chassis tell them
 * apart. The inventory knows one of them; its address, and that of its BMC, come to lead to the other.
 */
let one: Vm;
let other: Vm;
let ssh: Wire;
let bmc: UdpRelay;
let workspace: VmWorkspace;

const runbook = (vault: string): string => `decom: 1
name: retire
title: Retire one of two
not_kept:
  - { path: /, why: the system is installed anew, by: the test }
phases:
  - phase: all
    title: All of it
    steps:
      - { id: identity, title: Who it is, uses: identity.check }
      - { id: unused, title: Nobody uses it, uses: use.check, with: { watch: 1s, allow: [{ peer: 10.0.2.2, why: the test looks in from there }] } }
      - { id: stop, title: Stop, uses: service.stop, with: { unit: app.service } }
      - { id: copy, title: Copy, uses: backup.archive, with: { from: [/etc/default], to: ${JSON.stringify(vault)} } }
      - { id: proof, title: Prove, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
      - { id: told, title: Wait, uses: wait, with: { for: 1s } }
      - { id: off, title: Off, uses: power.off, with: { grace: 5m } }
`;

beforeAll(async () => {
  one = await startVm({ start: 'warm', bmc: true });
  other = await startVm({
    start: 'cold',
    bmc: true,
    identity: { serial: '0071E6', uuid: '0f54be2c-7d2a-4d1e-9c55-1f6a30c2b7a9' },
  });
  ssh = await startWire(one.sshPort);
  bmc = await startUdpRelay(one.bmc?.port ?? 0);
  const reached = { ...one, sshPort: ssh.port, bmc: one.bmc === null ? null : { ...one.bmc, port: bmc.port } };
  workspace = vmWorkspace(reached, runbook);
});
afterAll(async () => {
  workspace?.remove();
  await ssh?.close();
  await bmc?.close();
  await one?.stop();
  await other?.stop();
});

const confirm = (): string => `--confirm=${one.identity.serial}`;
const resume = (): Promise<Called> => workspace.decom('resume', 'web01', '--non-interactive', confirm());
const ended = (called: Called, code: number): string => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return called.stdout + called.stderr;
};
const bothRun = (): void => {
  expect([one, other].map((vm) => chassis(vm, 'status'))).toEqual(['Chassis Power is on', 'Chassis Power is on']);
  expect(one.running() && other.running()).toBe(true);
};
const begun = (): boolean => workspace.log().some(({ type, step }) => type === 'operation.intended' && step === 'off');

test('where the BMC is the other machine’s, the plan says so and is not run', async () => {
  bmc.redirect(other.bmc?.port ?? 0);
  const planned = ended(await workspace.decom('plan', 'web01', '-o', 'plan.json'), 0);
  expect(planned).toContain('[bmc-other-machine]');
  expect(planned).toContain(other.identity.serial);
  ended(await workspace.decom('run', '--plan', 'plan.json', '--non-interactive', confirm()), 4);
  expect(workspace.log()).toEqual([]);
  bothRun();
});

test('swapped in the middle of a run, neither machine is switched off', async () => {
  bmc.redirect(one.bmc?.port ?? 0);
  ended(await workspace.decom('plan', 'web01', '-o', 'plan.json'), 0);
  approved(workspace.folder, workspace.home);
  ended(await workspace.decom('run', '--plan', 'plan.json', ...approval, '--non-interactive', confirm()), 9);

  bmc.redirect(other.bmc?.port ?? 0);
  expect(ended(await resume(), 4)).toContain('[bmc-other-machine]');
  bmc.redirect(one.bmc?.port ?? 0);
  ssh.redirect(other.sshPort);
  expect(ended(await resume(), 4)).toContain('[identity-contradicts]');
  expect(begun()).toBe(false);
  bothRun();
});
