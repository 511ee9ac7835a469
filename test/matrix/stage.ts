import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from '../../src/core/secret.ts';
import { redfishBmc } from '../../src/effects/bmc/redfish.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { type PracticeMachine, startPracticeMachine } from '../../src/practice/practice-machine.ts';
import { practiceHost, writePracticeInventory } from '../../src/practice/practice-workspace.ts';
import { approval, approved } from '../faults/approved.ts';
import { type Bench, bench, runbook } from '../faults/bench.ts';
import { login, run } from '../practice/login.ts';
import { type Job, twentySteps } from './twenty-steps.ts';

/** A practice machine and a workspace with a plan of twenty steps, which can be put back to where the plan was made. */
export interface Stage {
  readonly bench: Bench;
  readonly job: Job;
  readonly machine: PracticeMachine;
  /** The run's folder. */
  readonly run: string;
  readonly log: string;
  /** Arguments of the first session, and of every later one. */
  readonly begin: readonly string[];
  readonly goOn: readonly string[];
  /** How many lines each counter has. */
  counts(): readonly number[];
  /** Services, copies, counters, inventory and state as they were, and the power on. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-matrix-')));
  const machine = await startPracticeMachine({ folder: join(folder, 'machine') });
  const b = bench();
  const counters = join(folder, 'counters');
  const job = twentySteps(machine, counters, b.vault);
  const common = ['--non-interactive', '--answers', 'answers.yaml', `--confirm=${machine.identity.serial}`];
  const reset = async (): Promise<void> => {
    await machine.power.set('off', 'hard');
    for (const path of [b.state, b.vault, counters, join(folder, 'machine', 'machine', 'root', '.decom')]) {
      rmSync(path, { recursive: true, force: true });
    }
    for (const path of [b.vault, counters]) mkdirSync(path);
    for (const name of readdirSync(b.folder)) if (name.includes('.tmp')) rmSync(join(b.folder, name));
    writePracticeInventory(b.folder, machine);
    await machine.power.set('on', 'hard');
    quickSystemctl(join(folder, 'machine', 'stand-ins'));
    await startUnits(machine);
    await lightOff(machine);
  };
  await reset();
  b.write('runbooks/matrix.yaml', runbook(job.steps));
  b.write('answers.yaml', job.answers);
  const planned = await b.decom('plan', practiceHost, '-o', 'plan.json');
  if (planned.code !== 0) throw new Error(`no plan: ${planned.stdout}${planned.stderr}`);
  const plan = JSON.parse(b.read('plan.json')) as { readonly intent: { readonly id: string } };
  approved(b.folder);
  await reset();
  const folderOfRun = join(b.state, 'runs', practiceHost, plan.intent.id);
  return {
    bench: b,
    job,
    machine,
    run: folderOfRun,
    log: join(folderOfRun, 'audit.jsonl'),
    begin: ['run', '--plan', 'plan.json', ...approval, ...common],
    goOn: ['resume', practiceHost, ...common],
    counts: () =>
      job.counters.map((file) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0)),
    reset,
    close: async () => {
      await machine.close();
      b.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a run before has disabled stays so over a power cut. */
async function startUnits(machine: PracticeMachine): Promise<void> {
  const client = await login(machine);
  const units = machine.units.join(' ');
  const { code, stderr } = await run(client, `systemctl enable ${units} && systemctl start ${units}`);
  client.end();
  if (code !== 0) throw new Error(`the services cannot be started: ${stderr}`);
}

async function lightOff({ identity, bmc: { address, port, user, password, pin } }: PracticeMachine): Promise<void> {
  const bmc = redfishBmc({
    name: identity.name,
    address,
    port,
    user,
    password: secret(password),
    pin,
    clock: systemClock,
    patience: 60_000,
  });
  const switched = await bmc.setIndicator('off', new AbortController().signal);
  await bmc.close();
  if (!switched.ok) throw new Error(switched.error.what);
}

/**
 * Puts a shell in the place of the Node program that asks the practice machine's service manager: it is asked some twenty times a run,
 * and the matrix makes thousands of runs.
 */
function quickSystemctl(standIns: string): void {
  const asking = readFileSync(join(standIns, 'ask-init.cjs'), 'utf8');
  const port = /connect\((\d+)/.exec(asking)?.[1];
  const key = /key: ("\w+")/.exec(asking)?.[1];
  if (port === undefined || key === undefined) throw new Error('the stand-in for systemctl has changed');
  const script = `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/${port} || exit 1
argv=
for word; do argv="$argv\${argv:+,}\\"$word\\""; done
printf '{"key":%s,"program":"systemctl","argv":[%s]}\\n' '${key}' "$argv" >&3
IFS= read -r -d '' said <&3
shape='^\\{"exit":([0-9]+),"stdout":"(.*)","stderr":"(.*)"\\}'
[[ $said =~ $shape ]] || exit 1
code=\${BASH_REMATCH[1]} err=\${BASH_REMATCH[3]}
printf %b "\${BASH_REMATCH[2]}"
printf %b "$err" >&2
exit "$code"
`;
  writeFileSync(join(standIns, 'systemctl'), script, { mode: 0o755 });
}
