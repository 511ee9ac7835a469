import { homedir, hostname, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { actions } from '../actions/index.ts';
import type { Acts } from '../core/act.ts';
import type { OperationHandlers, Perform, Probe, ProbeHandlers } from '../core/action.ts';
import type { Claims } from '../core/claim.ts';
import { milliseconds } from '../core/duration.ts';
import { type Helper, unknownHelper } from '../core/helper.ts';
import type { BmcSettings, CommandBmc, Host } from '../core/host.ts';
import type { Operation, Outcome } from '../core/operation.ts';
import type { PlanFacts } from '../core/plan.ts';
import type { BlobStore, Bmc, Machine, RunStore, Secrets } from '../core/ports.ts';
import { fail, ok, type Result, type Seen, seen, trouble, unseen } from '../core/result.ts';
import type { Secret, SecretRef } from '../core/secret.ts';
import { sudoOf } from '../core/ssh-settings.ts';
import type { BmcProbe } from '../effects/bmc/handlers.ts';
import { checkCel, decideWithCel } from '../effects/cel.ts';
import { makeRedactor, type Redactor } from '../effects/redactor.ts';
import type { SshTarget } from '../effects/ssh/target.ts';
import { memoryBlobs } from '../effects/state/blob-store.ts';
import { systemClock } from '../effects/state/clock.ts';
import { runStore } from '../effects/state/run-store.ts';
import type { HelperMachine } from '../effects/transfer/deps.ts';
import type { Engine } from '../engine/engine.ts';
import { makeBind } from '../load/bind.ts';

export { checkCel as checkWhen, systemClock };

/** What every process has once, whatever host it works on. */
export interface Surroundings {
  readonly redactor: Redactor;
  /** Asks a person for a secret without echoing it; absent where there is nobody to ask. */
  readonly askSecret?: (question: string) => Promise<string | undefined>;
  /** The folder that holds package.json. */
  readonly packageRoot: string;
  readonly environment: NodeJS.ProcessEnv;
}

export const newRedactor = makeRedactor;

/** All runs of a state folder. Loads nothing that talks to the network. */
export const openRunStore = (path: string, operator: string, redactor: Redactor): RunStore =>
  runStore({ path, operator, redact: (text) => redactor.redact(text) });

/** Adds a host to the end of a hosts file; makes the file where there is none. */
export async function addToInventory(hostsFile: string, operator: string, host: Host): Promise<Result<void>> {
  const { fileInventory } = await import('../effects/inventory.ts');
  return fileInventory({ path: hostsFile, clock: systemClock, operator, run: () => '' }).addHost(host);
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
  /** Once aborted, nothing is asked any more, and what is being asked is given up: a person wants to stop. */
  readonly signal?: AbortSignal;
  /** Facts of a saved plan instead of the world. */
  readonly borrowed?: PlanFacts;
}

export interface HostWorld {
  readonly engine: Engine;
  readonly perform: Perform;
  readonly acts: Acts;
  readonly claims?: Claims;
  readonly machine: Machine;
  close(): Promise<void>;
}

/** Chooses the adapters for one host. The only place that knows which there are. Adapters are loaded here, not at start. */
export async function composeHost(options: HostOptions, around: Surroundings): Promise<HostWorld> {
  const { host } = options;
  const [
    { routedMachine },
    { chooseTransport },
    { processShared },
    { routeTo },
    hostRoom,
    transfer,
    bmcRoom,
    { fileInventory },
    { secretsFrom },
  ] = await Promise.all([
    import('../effects/ssh/routed-machine.ts'),
    import('../effects/ssh/transport.ts'),
    import('../effects/ssh/shared.ts'),
    import('../effects/ssh/settings.ts'),
    import('../effects/host/handlers.ts'),
    import('../effects/transfer/handlers.ts'),
    import('../effects/bmc/handlers.ts'),
    import('../effects/inventory.ts'),
    import('../effects/secrets.ts'),
  ]);
  const clock = systemClock;
  const blobs = options.blobs ?? memoryBlobs();
  const secrets = secretsFrom({
    environment: around.environment,
    folder: dirname(options.hostsFile),
    redactor: around.redactor,
    ...(around.askSecret === undefined ? {} : { ask: around.askSecret }),
  });
  const helpers = options.helpers ?? [];
  const reach = async (other: Pick<Host, 'name' | 'addresses' | 'ssh'>): Promise<Reached> => {
    const route = await routeTo(other, {
      hosts: [...(options.hosts ?? []), ...helpers.map(asHost)],
      folder: dirname(options.hostsFile),
      home: homedir(),
      user: userInfo().username,
      environment: around.environment,
    });
    const transport = chooseTransport(other.ssh?.transport ?? 'auto', route.needs);
    const machine = await routedMachine(route, transport, {
      home: homedir(),
      secrets,
      shared: processShared,
      ...(around.environment.SSH_AUTH_SOCK ? { agent: around.environment.SSH_AUTH_SOCK } : {}),
    });
    return { machine, target: route.target, way: [...route.notes, ...transport.words] };
  };
  const { machine, target, way } = await reach(host);
  const reached = new Map<string, Promise<Reached>>();
  const helper = async (name: string): Promise<Result<HelperMachine>> => {
    const declared = helpers.find((one) => one.name === name);
    if (declared === undefined) return fail(unknownHelper(name, helpers));
    const known = reached.get(name) ?? reach(asHost(declared));
    reached.set(name, known);
    return ok({ name, folder: declared.folder, machine: toldAsHelper((await known).machine) });
  };
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
    helper,
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
      way,
      helpers,
      ...(options.borrowed === undefined ? {} : { borrowed: options.borrowed }),
    },
    perform: performBy(operations, around.redactor),
    acts: actsBy(
      {
        ...jobs,
        forget: async (run) => {
          await jobs.forget(run);
          if (helpers.length > 0) await transfer.dismissHelpers(copying, run);
        },
      },
      around.redactor,
    ),
    ...(claims === undefined ? {} : { claims }),
    machine,
    close: async () => {
      await machine.close();
      for (const other of reached.values()) await (await other).machine.close();
      await bmc?.close();
    },
  };
}

/** A machine with how it is reached. */
interface Reached {
  readonly machine: Machine;
  readonly target: SshTarget;
  readonly way: readonly string[];
}

/** Its entry stands in decom.yaml, where a host's stands in hosts.yaml: troubles of a connection say what to correct there. */
const toldAsHelper = (machine: Machine): Machine => {
  const told = <T>(answer: Result<T>): Result<T> =>
    answer.ok
      ? answer
      : fail({ ...answer.error, fix: answer.error.fix.replaceAll('hosts.yaml', 'decom.yaml, under "helpers"') });
  return {
    ...machine,
    exec: async (command, options) => told(await machine.exec(command, options)),
    start: async (command, options) => told(await machine.start(command, options)),
  };
};

/** A helper as far as it is reached like a host. */
const asHost = ({ name, address, ssh }: Helper): Pick<Host, 'name' | 'addresses' | 'ssh'> => ({
  name,
  addresses: [address],
  ...(ssh === undefined ? {} : { ssh }),
});

async function bmcOf(
  host: Host,
  settings: BmcSettings,
  secrets: Secrets,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<Bmc> {
  const { lateBmc } = await import('../effects/bmc/late-bmc.ts');
  return lateBmc(host.name, async (): Promise<Result<Bmc>> => {
    if (settings.kind === 'command') return commandOf(host.name, settings, secrets, folder, environment);
    const password = await secrets(settings.password as SecretRef, `password of the BMC of ${host.name}`);
    if (!password.ok) return password;
    const login = {
      name: host.name,
      address: settings.address,
      user: settings.user,
      password: password.value,
      clock: systemClock,
    };
    if (settings.kind === 'ipmi') {
      const { ipmiBmc } = await import('../effects/bmc/ipmi.ts');
      const spacing = settings.spacing === undefined ? undefined : milliseconds(settings.spacing);
      return ok(
        ipmiBmc({
          ...login,
          port: settings.port ?? 623,
          ...(spacing === undefined ? {} : { spacing }),
          ...(settings.cipher_suite === undefined ? {} : { suite: settings.cipher_suite }),
        }),
      );
    }
    const { redfishBmc } = await import('../effects/bmc/redfish.ts');
    return ok(
      redfishBmc({
        ...login,
        port: settings.port ?? 443,
        pin: settings.tls_pin,
        ...(settings.system === undefined ? {} : { system: settings.system }),
        ...(settings.legacy === undefined ? {} : { legacy: settings.legacy }),
      }),
    );
  });
}

async function commandOf(
  name: string,
  { argv, environment: wanted = {}, timeout, spacing }: CommandBmc,
  secrets: Secrets,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<Result<Bmc>> {
  const { commandBmc } = await import('../effects/bmc/command.ts');
  const given: { [name: string]: Secret } = {};
  for (const [variable, ref] of Object.entries(wanted)) {
    const value = await secrets(ref as SecretRef, `${variable} for the program that switches ${name}`);
    if (!value.ok) return value;
    given[variable] = value.value;
  }
  const within = timeout === undefined ? undefined : milliseconds(timeout);
  const rest = spacing === undefined ? undefined : milliseconds(spacing);
  return ok(
    commandBmc({
      name,
      argv,
      secrets: given,
      environment,
      folder,
      clock: systemClock,
      ...(within === undefined ? {} : { within }),
      ...(rest === undefined ? {} : { spacing: rest }),
    }),
  );
}

/** A machine whose programs end with the signal. */
const endedBy = (machine: Machine, signal: AbortSignal): Machine => {
  const withSignal = <O extends { readonly signal?: AbortSignal }>(options: O | undefined) => ({
    ...options,
    signal: options?.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
  });
  return {
    ...machine,
    exec: (command, options) => machine.exec(command, withSignal(options)),
    start: (command, options) => machine.start(command, withSignal(options)),
  };
};

/** A BMC may take half a minute to answer, and leaves nothing running when nobody waits for it. */
function givenUpBy(
  probes: Pick<ProbeHandlers, BmcProbe>,
  signal: AbortSignal | undefined,
): Pick<ProbeHandlers, BmcProbe> {
  if (signal === undefined) return probes;
  const unless = <T>(ask: () => Promise<Seen<T>>): Promise<Seen<T>> => {
    if (signal.aborted) return Promise.resolve(unseen(givenUp));
    return new Promise((resolve, reject) => {
      const stop = () => resolve(unseen(givenUp));
      signal.addEventListener('abort', stop, { once: true });
      ask()
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', stop));
    });
  };
  return {
    power: (question) => unless(() => probes.power(question)),
    'bmc.identity': (question) => unless(() => probes['bmc.identity'](question)),
    'bmc.indicator': (question) => unless(() => probes['bmc.indicator'](question)),
    'bmc.weaknesses': (question) => unless(() => probes['bmc.weaknesses'](question)),
  };
}

const givenUp = trouble('aborted', 'the BMC was not waited for: it was stopped here', 'Go on with: decom resume');

/**
 * The table's type ties each handler to its question; a union cannot be told so, hence the casts. What a program of the host printed, and
 * why something could not be asked, may hold a secret: it is taken out here, before anything is shown, kept, or handed to a later step.
 */
const probeBy =
  (handlers: ProbeHandlers, redactor: Redactor): Probe =>
  async (question, context) => {
    const handler = handlers[question.kind] as (q: typeof question, c: typeof context) => ReturnType<Probe>;
    const answer = await handler(question, context);
    return (question.kind === 'command' || !answer.known ? redactor.redactIn(answer) : answer) as never;
  };

/** What a program printed comes back through here as well. */
const actsBy = (jobs: Acts, redactor: Redactor): Acts => ({
  prepare: async (operation, place) => redactor.redactIn(await jobs.prepare(operation, place)),
  recall: async (operation, act, context) => redactor.redactIn(await jobs.recall(operation, act, context)),
  forget: (run) => jobs.forget(run),
});

const performBy =
  (handlers: OperationHandlers, redactor: Redactor): Perform =>
  async (operation, context) => {
    if (operation.kind === 'ask' || operation.kind === 'wait')
      throw new Error(`the engine itself does "${operation.kind}"`);
    const handler = handlers[operation.kind] as (o: Operation, c: typeof context) => Promise<Outcome>;
    return redactor.redactIn(await handler(operation, context));
  };
