import { join } from 'node:path';
import type { Plan } from '../../src/core/plan.ts';
import { type PracticeMachine, startPracticeMachine } from '../../src/practice/practice-machine.ts';
import { practiceHost, writePracticeInventory } from '../../src/practice/practice-workspace.ts';
import { login, run } from '../practice/login.ts';
import { approved } from './approved.ts';
import { type Bench, bench, runbook } from './bench.ts';
import { startWire, type Wire } from './wire.ts';

/** A workspace whose only host is a practice machine, reached over wires that can be cut. */
export interface PracticeBench extends Bench {
  readonly machine: PracticeMachine;
  readonly ssh: Wire;
  readonly bmc: Wire;
  /** Writes the only runbook. */
  runbook(steps: string): void;
  /** Makes `plan.json`, approved where it ends what cannot be undone; throws if it has blockers. */
  plan(): Promise<void>;
  /** `run --plan plan.json` with the serial, what approves it, and nobody to ask. */
  readonly unattended: readonly string[];
  close(): Promise<void>;
}

export async function practiceBench(machine: PracticeMachine): Promise<PracticeBench> {
  const b = bench();
  const ssh = await startWire(machine.ssh.port);
  const bmc = await startWire(machine.bmc.port);
  writePracticeInventory(b.folder, machine);
  b.edit('hosts.yaml', `port: ${machine.ssh.port}`, `port: ${ssh.port}`);
  b.edit('hosts.yaml', `port: ${machine.bmc.port}`, `port: ${bmc.port}`);
  let approvals: readonly string[] = [];
  return {
    ...b,
    machine,
    ssh,
    bmc,
    runbook: (steps) => b.write('runbooks/faults.yaml', runbook(steps)),
    plan: async () => {
      const planned = await b.decom('plan', practiceHost, '-o', 'plan.json');
      const blockers: unknown =
        planned.code === 0 ? (JSON.parse(b.read('plan.json')) as { facts: { blockers: unknown } }).facts.blockers : [];
      if (planned.code !== 0 || JSON.stringify(blockers) !== '[]') {
        throw new Error(`no plan: ${planned.stdout}${planned.stderr}`);
      }
      const { intent } = JSON.parse(b.read('plan.json')) as Plan;
      approvals = intent.steps.some(({ irreversible }) => irreversible) ? approved(b.folder) : [];
    },
    get unattended() {
      return ['run', '--plan', 'plan.json', '--non-interactive', `--confirm=${machine.identity.serial}`, ...approvals];
    },
    close: async () => {
      await freeClaim(machine);
      await ssh.close();
      await bmc.close();
      b.remove();
    },
  };
}

/** To a machine that several tests share each workspace is another laptop, and an open run of one keeps the others out. */
export async function freeClaim(machine: PracticeMachine): Promise<void> {
  let client: Awaited<ReturnType<typeof login>>;
  try {
    client = await login(machine);
  } catch {
    // It is switched off.
    return;
  }
  await run(client, 'rm -f ~/.decom/claim');
  client.end();
}

/** A practice machine in a folder of its own. */
export const startMachine = (folder: string): Promise<PracticeMachine> =>
  startPracticeMachine({ folder: join(folder, 'machine') });
