import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, mainJob } from './lab-runbook.ts';
import { startVm } from './vm.ts';
import { vmWorkspace } from './vm-workspace.ts';

/** Boots a practice machine with its BMC and a workspace for it, and holds them until Ctrl-C: to try things out by hand. */
export async function up(): Promise<void> {
  const vm = await startVm({ start: 'cold', bmc: true });
  const workspace = vmWorkspace(vm, mainJob(['/srv', '/etc']));
  writeFileSync(join(workspace.folder, 'answers.yaml'), answers);
  const ssh = `ssh -i ${vm.key} -o UserKnownHostsFile=${vm.knownHosts} -p ${vm.sshPort} root@${vm.address}`;
  process.stdout.write(
    `workspace  ${workspace.folder}\nhost       web01, serial ${vm.identity.serial}\nlook       ${ssh}\n`,
  );
  process.stdout.write('Ctrl-C ends the machine and removes the workspace.\n');
  await new Promise<void>((resolve) => {
    const stay = setInterval(() => undefined, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(stay);
        resolve();
      });
    }
  });
  await vm.stop();
  workspace.remove();
}
