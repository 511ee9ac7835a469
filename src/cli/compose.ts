import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { actions } from '../actions/index.ts';
import type { Acts } from '../core/act.ts';
import type { OperationHandlers, Perform, ProbeHandlers } from '../core/action.ts';
import type { Claims } from '../core/claim.ts';
import type { Helper } from '../core/helper.ts';
import type { Host } from '../core/host.ts';
import type { PlanFacts } from '../core/plan.ts';
import type { Anchor, BlobStore, JudgeStatement, Machine, RunStore, Voucher } from '../core/ports.ts';
import { type Result, seen } from '../core/result.ts';
import { secretRefsIn } from '../core/secret.ts';
import { sudoOf } from '../core/ssh-settings.ts';
import type { Freeze, Window } from '../core/window.ts';
import type { AnchorOptions } from '../effects/anchor.ts';
import { checkCel, decideWithCel } from '../effects/cel.ts';
import { makeRedactor, type Redactor } from '../effects/redaction/redactor.ts';
import type { OperatorKeys } from '../effects/signing/operator-voucher.ts';
import type { VouchedFor } from '../effects/signing/verify-voucher.ts';
import { memoryBlobs } from '../effects/state/blob-store.ts';
import type { Bundle } from '../effects/state/bundle.ts';
import { systemClock } from '../effects/state/clock.ts';
import { runStore } from '../effects/state/run-store.ts';
import type { Engine } from '../engine/engine.ts';
import type { Executor } from '../engine/executor.ts';
import { makeBind } from '../load/bind.ts';
import { nextOpening, windowComplaint } from '../load/opening.ts';
import { bmcOf } from './compose/bmc-of.ts';
import { actsBy, endedBy, givenUpBy, performBy, probeBy } from './compose/doors.ts';
import { waysTo } from './compose/ways-to.ts';

export { checkCel as checkWhen, systemClock };

/** Says what is wrong with a window, or undefined. */
export const checkWindow = (window: Window): string | undefined => windowComplaint(window, systemClock.now());

/** What every process has once, whatever host it works on. */
export interface Surroundings {
  readonly redactor: Redactor;
  /** Asks a person for a secret without echoing it; absent where there is nobody to ask. */
  readonly askSecret?: (question: string) => Promise<string | undefined>;
  /** Tells a person that something waits for them; absent where nobody would see it. */
  readonly tell?: (line: string) => void;
  /** The folder that holds package.json. */
  readonly packageRoot: string;
  readonly environment: NodeJS.ProcessEnv;
}

export const newRedactor = makeRedactor;
export { readPlainFile } from '../effects/state/plain-file.ts';

/** All runs of a state folder. Loads nothing that talks to the network. */
export const openRunStore = (path: string, operator: string, redactor: Redactor, group?: string): RunStore =>
  runStore({ path, operator, redact: (text) => redactor.redact(text), ...(group === undefined ? {} : { group }) });

/** Adds a host to the end of a hosts file; makes the file where there is none. */
export async function addToInventory(hostsFile: string, operator: string, host: Host): Promise<Result<void>> {
  const { fileInventory } = await import('../effects/inventory.ts');
  return fileInventory({ path: hostsFile, clock: systemClock, operator, run: () => '' }).addHost(host);
}

/** The operator's own SSH key among the allowed signers. */
export async function voucherFrom(keys: OperatorKeys): Promise<Result<Voucher>> {
  return (await import('../effects/signing/operator-voucher.ts')).operatorVoucher(keys);
}

/** Whether a listed person signed, by `ssh-keygen -Y verify`. */
export async function verifiedVoucher(allowedSigners: string, vouched: VouchedFor): Promise<Result<void>> {
  return (await import('../effects/signing/verify-voucher.ts')).verifyVoucher(allowedSigners, vouched);
}

/** Judges what people say about runs, by the list of allowed signers. */
export async function statementJudge(allowedSigners: string | undefined): Promise<JudgeStatement> {
  return (await import('../effects/signing/judge-statement.ts')).statementJudge(allowedSigners);
}

/** Keeps heads of logs by a program of the operator's. */
export async function anchorBy(options: AnchorOptions): Promise<Anchor> {
  return (await import('../effects/anchor.ts')).commandAnchor(options);
}

/** A run as one file. */
export async function packedBundle(
  bundle: Bundle,
): Promise<Result<{ readonly sha256: string; readonly bytes: number }>> {
  return (await import('../effects/state/bundle.ts')).packBundle(bundle);
}

export interface HostOptions {
  readonly host: Host;
  /** Path of the hosts file, which `inventory.retire` writes to. */
  readonly hostsFile: string;
  /** The whole inventory: bastions may be hosts of it. */
  readonly hosts?: readonly Host[];
  /** The other machines that may take part; bastions may be among them. */
  readonly helpers?: readonly Helper[];
  readonly operator: string;
  /** The run that acts; written into the inventory. */
  readonly run: string;
  /** Id of the state folder that holds the run; absent where nothing is run. */
  readonly state?: string;
  readonly scratch: string;
  /** Where large values go; in memory if absent (a plan that is not yet a run). */
  readonly blobs?: BlobStore;
  /** The freezes of the workspace, read anew. */
  readonly freezes?: () => Result<readonly Freeze[]>;
  /** Once aborted, nothing is asked any more, and what is being asked is given up: a person wants to stop. */
  readonly signal?: AbortSignal;
  /** Facts of a saved plan instead of the world. */
  readonly borrowed?: PlanFacts;
  /** Anything in which references to secrets may stand that the run will need: a runbook, or a plan. */
  readonly mentions?: unknown;
}

export interface HostWorld {
  readonly engine: Engine;
  readonly perform: Perform;
  readonly acts: Acts;
  readonly dismiss: NonNullable<Executor['dismiss']>;
  readonly claims?: Claims;
  readonly machine: Machine;
  close(): Promise<void>;
}

/** Chooses the adapters for one host. The only place that knows which there are. Adapters are loaded here, not at start. */
export async function composeHost(options: HostOptions, around: Surroundings): Promise<HostWorld> {
  const { host } = options;
  const [hostRoom, transfer, bmcRoom, { fileInventory }, { foreknow, secretsFrom }] = await Promise.all([
    import('../effects/host/handlers.ts'),
    import('../effects/transfer/handlers.ts'),
    import('../effects/bmc/handlers.ts'),
    import('../effects/inventory.ts'),
    import('../effects/secrets.ts'),
  ]);
  const clock = systemClock;
  const blobs = options.blobs ?? memoryBlobs();
  const reached = secretRefsIn([host, options.helpers]);
  const needed = secretRefsIn(options.mentions);
  // What no program here needs but the one that it is for: those get it handed to them.
  const withoutSecrets = { ...around.environment };
  for (const { env } of [...reached, ...needed, ...secretRefsIn(options.hosts)])
    if (env !== undefined) delete withoutSecrets[env];
  const sources = {
    environment: around.environment,
    forPrograms: withoutSecrets,
    folder: dirname(options.hostsFile),
    redactor: around.redactor,
    ...(around.askSecret === undefined ? {} : { ask: around.askSecret }),
  };
  const secrets = secretsFrom(sources);
  // A program that gives one is only started for what the run itself will need.
  await foreknow([...reached.filter(({ command }) => command === undefined), ...needed], secrets);
  const ways = await waysTo(options, withoutSecrets, secrets, around.tell);
  const { machine, target, way } = await ways.reach(host);
  const bmc =
    host.bmc === undefined
      ? undefined
      : await bmcOf(host, host.bmc, secrets, dirname(options.hostsFile), around.environment);
  const inventory = fileInventory({
    path: options.hostsFile,
    clock,
    operator: options.operator,
    run: () => options.run,
  });
  const copying = {
    machine,
    host: { name: host.name, serial: host.serial },
    clock,
    blobs,
    rsh: join(around.packageRoot, 'bin', 'decom-rsh.js'),
    helper: ways.helper,
    address: {
      ...{ address: target.address, port: target.port, user: target.user },
      legacy: host.ssh?.legacy === true,
      sudo: sudoOf(host.ssh),
    },
  };
  const jobs = hostRoom.jobsOn({ machine, clock, sudo: sudoOf(host.ssh) });
  const claims =
    options.state === undefined
      ? undefined
      : hostRoom.claimsOn({
          machine,
          sudo: sudoOf(host.ssh) !== 'no',
          clock,
          mine: { run: options.run, state: options.state, operator: options.operator, control: hostname() },
        });
  const probes: ProbeHandlers = {
    ...hostRoom.hostProbes(options.signal === undefined ? machine : endedBy(machine, options.signal)),
    ...transfer.transferProbes(copying),
    ...givenUpBy(bmcRoom.bmcProbes(bmc), options.signal),
    inventory: inventory.inventory,
    clock: async () => seen(clock.now().toISOString()),
  };
  const operations: OperationHandlers = {
    ...hostRoom.execHandlers(machine, secrets, jobs),
    ...hostRoom.diskHandlers({ machine, jobs, clock }),
    ...hostRoom.networkHandlers({ machine, anew: async () => (await ways.reach(host)).machine, clock }),
    ...transfer.transferHandlers(copying),
    ...bmcRoom.bmcHandlers(bmc),
    'inventory.set': inventory['inventory.set'],
  };
  return {
    engine: {
      actions,
      probe: probeBy(probes, around.redactor),
      clock,
      blobs,
      bind: makeBind(actions),
      decide: decideWithCel,
      scratch: options.scratch,
      nextOpening,
      ...(options.freezes === undefined ? {} : { freezes: options.freezes }),
      way,
      helpers: options.helpers ?? [],
      ...(options.borrowed === undefined ? {} : { borrowed: options.borrowed }),
    },
    perform: performBy(operations, around.redactor),
    acts: actsBy(jobs, around.redactor),
    dismiss: (run, copies) => transfer.dismissHelpers(copying, run, copies),
    ...(claims === undefined ? {} : { claims }),
    machine,
    close: async () => {
      await machine.close();
      await ways.close();
      await bmc?.close();
    },
  };
}
