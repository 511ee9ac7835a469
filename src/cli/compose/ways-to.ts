import { homedir, userInfo } from 'node:os';
import { dirname } from 'node:path';
import { type Helper, unknownHelper } from '../../core/helper.ts';
import type { Host } from '../../core/host.ts';
import type { Machine, Secrets } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { SshTarget } from '../../effects/ssh/target.ts';
import type { HelperMachine } from '../../effects/transfer/deps.ts';

/** What says how machines are reached. */
interface Declared {
  readonly hostsFile: string;
  readonly hosts?: readonly Host[];
  readonly helpers?: readonly Helper[];
}

export interface WaysTo {
  reach(machine: Pick<Host, 'name' | 'addresses' | 'ssh'>): Promise<Reached>;
  /** Reached when it is first named; trouble for a name that none has. */
  helper(name: string): Promise<Result<HelperMachine>>;
  /** Ends the connections to helpers. */
  close(): Promise<void>;
}

/** The ways to the host and to helpers by SSH. What speaks is loaded here. */
export async function waysTo(
  { hostsFile, hosts = [], helpers = [] }: Declared,
  environment: NodeJS.ProcessEnv,
  secrets: Secrets,
  tell: ((line: string) => void) | undefined,
): Promise<WaysTo> {
  const [{ routedMachine }, { chooseTransport }, { processShared }, { routeTo }] = await Promise.all([
    import('../../effects/ssh/routed-machine.ts'),
    import('../../effects/ssh/transport.ts'),
    import('../../effects/ssh/shared.ts'),
    import('../../effects/ssh/settings.ts'),
  ]);
  const reach = async (other: Pick<Host, 'name' | 'addresses' | 'ssh'>): Promise<Reached> => {
    const route = await routeTo(other, {
      hosts: [...hosts, ...helpers.map(asHost)],
      folder: dirname(hostsFile),
      home: homedir(),
      user: userInfo().username,
      environment: environment,
    });
    const transport = chooseTransport(other.ssh?.transport ?? 'auto', route.needs);
    const machine = await routedMachine(route, transport, {
      home: homedir(),
      secrets,
      environment,
      shared: processShared,
      ...(tell === undefined ? {} : { tell }),
      ...(environment.SSH_AUTH_SOCK ? { agent: environment.SSH_AUTH_SOCK } : {}),
    });
    return { machine, target: route.target, way: [...route.notes, ...transport.words] };
  };
  const reached = new Map<string, Promise<Reached>>();
  const helper = async (name: string): Promise<Result<HelperMachine>> => {
    const declared = helpers.find((one) => one.name === name);
    if (declared === undefined) return fail(unknownHelper(name, helpers));
    const known = reached.get(name) ?? reach(asHost(declared));
    reached.set(name, known);
    return ok({ name, folder: declared.folder, machine: toldAsHelper((await known).machine) });
  };
  return {
    reach,
    helper,
    async close() {
      for (const other of reached.values()) await (await other).machine.close();
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
