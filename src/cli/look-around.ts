import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Helper } from '../core/helper.ts';
import type { Host } from '../core/host.ts';
import type { SecretRef } from '../core/secret.ts';
import { installHint, type PackageNames } from './install-hint.ts';
import type { Finding } from './view/doctor-view.ts';

export interface Surroundings {
  readonly environment: { readonly [name: string]: string | undefined };
  readonly hosts: readonly Host[];
  /** Other machines that decom.yaml declares. */
  readonly helpers: readonly Helper[];
  /** Kinds of steps that the workspace's runbooks use. */
  readonly uses: ReadonlySet<string>;
  readonly folder: string;
}

/** Looks for the tools, keys, secrets and folders that this workspace needs on this machine. Contacts nothing. */
export function lookAround(around: Surroundings): readonly Finding[] {
  return [
    node(),
    ...tools(around),
    ...loginKeys(around),
    ...around.hosts.flatMap((host) => [...secretsOf(around, host), ...powerSecretsOf(around, host)]),
    ...around.helpers.flatMap((helper) => secretsOf(around, { ...helper, name: `helper ${helper.name}` })),
    terminalKeeper(around),
  ];
}

/** Whether a version of Node will do: what "engines" of package.json says, which is what all that is installed with it takes. */
export function takesNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const least = new Map([
    [20, 19],
    [22, 13],
    [23, 5],
  ]).get(major);
  return least === undefined ? major > 23 : minor >= least;
}

function node(): Finding {
  const good = takesNode(process.versions.node);
  return {
    about: 'Node',
    state: good ? 'here' : 'missing',
    needed: true,
    says: `version ${process.versions.node}`,
    fix: good ? '' : 'decom needs Node 20.19, 22.13, 23.5 or newer: https://nodejs.org',
  };
}

interface Tool {
  readonly program: string;
  readonly names: PackageNames;
  readonly why: string;
  readonly needed: boolean;
}

function tools({ environment, hosts, uses }: Surroundings): readonly Finding[] {
  const ipmi = hosts.some((host) => host.bmc?.kind === 'ipmi');
  const wanted: readonly Tool[] = [
    {
      program: 'ipmitool',
      names: { apt: 'ipmitool' },
      why: ipmi ? 'switches hosts with an IPMI controller' : 'only for hosts with an IPMI controller; there are none',
      needed: ipmi,
    },
    {
      program: 'rsync',
      names: { apt: 'rsync' },
      why: uses.has('backup.rsync') ? 'a runbook uses backup.rsync' : 'only for backup.rsync; no runbook uses it',
      needed: uses.has('backup.rsync'),
    },
    {
      program: 'tar',
      names: { apt: 'tar', brew: 'gnu-tar' },
      why: 'unpacks copies made by backup.archive',
      needed: uses.has('backup.archive'),
    },
    {
      program: 'ssh',
      names: { apt: 'openssh-client', dnf: 'openssh-clients', brew: 'openssh' },
      why: 'resolves settings of ~/.ssh/config where it is there',
      needed: false,
    },
    {
      program: 'ssh-keygen',
      names: { apt: 'openssh-client', dnf: 'openssh-clients', brew: 'openssh' },
      why: 'checks logs and known hosts independently',
      needed: false,
    },
    { program: 'mtree', names: { apt: 'mtree-netbsd' }, why: 'checks manifests independently', needed: false },
  ];
  return wanted.map(({ program, names, why, needed }) => {
    const path = findProgram(program, environment.PATH ?? '');
    return path === undefined
      ? { about: program, state: 'missing', needed, says: why, fix: installHint(names) }
      : { about: program, state: 'here', needed, says: path, fix: '' };
  });
}

export function findProgram(program: string, path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function loginKeys({ environment, hosts, helpers, folder }: Surroundings): readonly Finding[] {
  const agent = environment.SSH_AUTH_SOCK;
  const ssh = join(environment.HOME || homedir(), '.ssh');
  const own = existsSync(ssh) ? readdirSync(ssh).filter((file) => /^id_[a-z0-9_]+$/.test(file)) : [];
  const machines = [...hosts, ...helpers.map((helper) => ({ ...helper, name: `helper ${helper.name}` }))];
  const named = machines.flatMap(({ name, ssh: by }) => (by?.identity_files ?? []).map((file) => ({ name, file })));
  const hasAgent = agent !== undefined && existsSync(agent);
  const files = own.map((file) => join(ssh, file));
  const exposed = files.filter(isExposed);
  const found = [...(hasAgent ? [`agent at ${agent}`] : []), ...files.filter((file) => !exposed.includes(file))];
  const allNamed = machines.every((machine) => machine.ssh?.identity_files !== undefined);
  return [
    {
      about: 'SSH keys',
      state: found.length > 0 ? 'here' : 'missing',
      needed: !allNamed,
      says: found.length > 0 ? found.join(', ') : `no agent, and no id_* in ${ssh}`,
      fix: found.length > 0 ? '' : 'Start an agent and ssh-add a key, or name a key in "ssh.identity_files".',
    },
    ...exposed.map((file): Finding => ({ about: 'SSH key', needed: false, ...closeIt(file, file) })),
    ...named.map(({ name, file }): Finding => {
      const path = resolve(folder, file.replace(/^~(?=\/)/, environment.HOME || homedir()));
      const about = `key of ${name}`;
      if (!existsSync(path)) {
        const fix = 'Put the key there, or correct its "ssh.identity_files".';
        return { about, state: 'missing', needed: true, says: file, fix };
      }
      if (isExposed(path)) return { about, needed: true, ...closeIt(file, path) };
      return { about, state: 'here', needed: true, says: file, fix: '' };
    }),
  ];
}

/** Neither `ssh` nor decom uses a private key of ours that others can read. */
function isExposed(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.uid === process.getuid?.() && (stat.mode & 0o077) !== 0;
}

const closeIt = (file: string, path: string): Pick<Finding, 'state' | 'says' | 'fix'> => ({
  state: 'missing',
  says: `${file} can be read by others, so it is not used`,
  fix: `Close it: chmod 600 ${path}`,
});

function secretsOf(around: Surroundings, host: Pick<Host, 'name' | 'ssh'>): readonly Finding[] {
  const { passphrase, sudo_password } = host.ssh ?? {};
  const secrets = [
    [`passphrase of the key of ${host.name}`, passphrase],
    [`sudo password of ${host.name}`, sudo_password],
  ] as const;
  return secrets.flatMap(([about, ref]) =>
    ref === undefined ? [] : [{ about, needed: true, ...secretState(ref, around.environment, around.folder) }],
  );
}

function powerSecretsOf({ environment, folder }: Surroundings, host: Host): readonly Finding[] {
  if (host.bmc === undefined) return [];
  if (host.bmc.kind === 'command') {
    const [program = ''] = host.bmc.argv;
    const path = program.includes('/') ? program : findProgram(program, environment.PATH ?? '');
    const here = path !== undefined && mayRun(resolve(folder, path));
    return [
      {
        about: `power program of ${host.name}`,
        needed: true,
        state: here ? 'here' : 'missing',
        says: here ? resolve(folder, path) : `${program} is not here, or may not be run`,
        fix: here ? '' : 'Install it and make it executable (chmod +x), or correct "argv" of the host’s "bmc".',
      },
      ...Object.entries(host.bmc.environment ?? {}).map(
        ([name, ref]): Finding => ({
          about: `${name} for the power program of ${host.name}`,
          needed: true,
          ...secretState(ref, environment, folder),
        }),
      ),
    ];
  }
  const about = `BMC password of ${host.name}`;
  return [{ about, needed: true, ...secretState(host.bmc.password, environment, folder) }];
}

function mayRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function secretState(
  ref: SecretRef,
  environment: Surroundings['environment'],
  folder: string,
): Pick<Finding, 'state' | 'says' | 'fix'> {
  if (ref.env !== undefined) {
    return environment[ref.env] === undefined
      ? {
          state: 'missing',
          says: `environment variable ${ref.env} is not set`,
          fix: `Set it: read -rs ${ref.env} && export ${ref.env}`,
        }
      : { state: 'here', says: `environment variable ${ref.env}`, fix: '' };
  }
  if (ref.file !== undefined) {
    const path = resolve(folder, ref.file);
    if (!existsSync(path))
      return { state: 'missing', says: `file ${ref.file}`, fix: `Write it: (umask 077; cat > ${path})` };
    const open = (statSync(path).mode & 0o077) !== 0;
    return open
      ? { state: 'missing', says: `file ${ref.file} can be read by others`, fix: `Close it: chmod 600 ${path}` }
      : { state: 'here', says: `file ${ref.file}`, fix: '' };
  }
  if (ref.command !== undefined) {
    const program = ref.command[0] ?? '';
    const found = program.includes('/')
      ? existsSync(program)
      : findProgram(program, environment.PATH ?? '') !== undefined;
    return found
      ? { state: 'here', says: `asked of ${program}`, fix: '' }
      : {
          state: 'missing',
          says: `program ${program} is not here`,
          fix: 'Install it, or correct its name in the hosts file.',
        };
  }
  return { state: 'here', says: 'asked at the terminal; not possible unattended', fix: '' };
}

function terminalKeeper({ environment }: Surroundings): Finding {
  const kept = environment.TMUX || environment.STY;
  const remote = environment.SSH_CONNECTION !== undefined;
  return {
    about: 'tmux or screen',
    state: kept ? 'here' : 'missing',
    needed: false,
    says: kept
      ? 'this terminal outlives its connection'
      : remote
        ? 'this terminal ends with its SSH connection'
        : 'not running in one',
    fix: kept || !remote ? '' : 'A run that is cut off can be resumed; inside tmux or screen it is not cut off.',
  };
}
