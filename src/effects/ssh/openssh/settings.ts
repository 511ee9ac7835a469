import type { Patience, SshTarget } from '../target.ts';

/** What the `ssh` program is told of a machine, besides its own configuration. */
export interface OpenSshSettings {
  /** The name that its configuration is asked for (`Host`, `Match`); default: the address. */
  readonly destination?: string;
  /** A configuration file instead of the operator's own and the system's. */
  readonly config?: string;
}

/** Files of ours, in a folder that only we can enter. */
export interface MasterFiles {
  readonly folder: string;
  readonly socket: string;
  /** What the `ssh` says that logs in behind so many bastions; of the host itself, as many as there are. */
  log(behind: number): string;
  /** Where the recorder notes each host key that it was shown. */
  shown(behind: number): string;
  readonly recorder: string;
  /** A known_hosts file with the inventory's keys of `target`. */
  knownHosts(target: SshTarget): string;
}

/** The name that a generated known_hosts file has a machine under; never looked for in another file. */
export const aliasOf = (target: SshTarget): string => `decom-${target.name.toLowerCase()}`;

/** Seconds that a master whose `decom` is gone waits before it ends. */
const persist = 10;

/**
 * Stands whatever the configuration says: an unknown key is never accepted, nobody is asked, nothing is forwarded, and nothing but
 * the login is done. The log level is the one that still says why a connection ended.
 */
const always = [
  'BatchMode=yes',
  'StrictHostKeyChecking=yes',
  'NoHostAuthenticationForLocalhost=no',
  'VerifyHostKeyDNS=no',
  'UpdateHostKeys=no',
  'CheckHostIP=no',
  'ForwardAgent=no',
  'ForwardX11=no',
  'ClearAllForwardings=yes',
  'Tunnel=no',
  'PermitLocalCommand=no',
  'RemoteCommand=none',
  'RequestTTY=no',
  'EscapeChar=none',
  'AddKeysToAgent=no',
  'LogLevel=INFO',
] as const;

/** The arguments of an `ssh` that logs in, goes to the background, and lets us start programs at its socket. */
export const masterArguments = (
  target: SshTarget,
  settings: OpenSshSettings,
  patience: Patience,
  files: MasterFiles,
): readonly string[] => [
  ...['-f', '-N', '-M', '-S', files.socket, '-E', files.log(target.jumps?.length ?? 0)],
  ...options('ControlMaster=yes', `ControlPersist=${persist}`),
  ...recording(target, files),
  ...connecting(target, settings, patience, files),
];

/**
 * Has `ssh` note the key that it is shown. %I tells why it is called, %t and %K are the type and the key. The operator's own
 * KnownHostsCommand comes after it, in the words and tokens of ssh_config(5).
 */
export const recording = ({ jumps = [], knownHostsCommand }: SshTarget, files: MasterFiles): readonly string[] =>
  options(
    `KnownHostsCommand=/bin/sh ${word(files.recorder)} ${word(files.shown(jumps.length))} %I %t %K${knownHostsCommand === undefined ? '' : ` ${knownHostsCommand}`}`,
  );

function connecting(
  target: SshTarget,
  settings: OpenSshSettings,
  patience: Patience,
  files: MasterFiles,
): readonly string[] {
  const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
  return [
    ...(settings.config === undefined ? [] : ['-F', settings.config]),
    ...options(...always),
    ...options(
      `ConnectTimeout=${seconds(target.connectWithin ?? patience.ready)}`,
      `ServerAliveInterval=${seconds(patience.keepalive)}`,
      'ServerAliveCountMax=3',
    ),
    ...hostKeyOptions(target, files),
    ...(target.identityFiles ?? []).flatMap((file) => ['-i', file]),
    ...(target.identitiesOnly ? options('IdentitiesOnly=yes') : []),
    ...(target.agent === undefined
      ? []
      : options(`IdentityAgent=${target.agent === null ? 'none' : word(target.agent)}`)),
    ...(target.family === undefined ? [] : [`-${target.family}`]),
    ...(target.localAddress === undefined ? [] : ['-b', target.localAddress]),
    ...(target.legacy ? options(...legacy) : []),
    ...wayTo(target, settings, patience, files),
    ...options(`HostName=${target.address.replaceAll('%', '%%')}`),
    ...['-p', String(target.port), '-l', target.user, '--', settings.destination ?? target.address],
  ];
}

function hostKeyOptions(target: SshTarget, files: MasterFiles): readonly string[] {
  if (target.hostKeys !== undefined && target.hostKeys.length > 0) {
    return options(
      `UserKnownHostsFile=${word(files.knownHosts(target))}`,
      'GlobalKnownHostsFile=none',
      `HostKeyAlias=${aliasOf(target)}`,
    );
  }
  return [
    ...(target.knownHosts === undefined
      ? []
      : options(`UserKnownHostsFile=${word(target.knownHosts)}`, 'GlobalKnownHostsFile=none')),
    ...(target.hostKeyAlias === undefined ? [] : options(`HostKeyAlias=${target.hostKeyAlias}`)),
  ];
}

/** Each hop by an `ssh` of its own with the same strictness: ProxyJump would hand hops nothing but the configuration file. */
function wayTo(
  target: SshTarget,
  settings: OpenSshSettings,
  patience: Patience,
  files: MasterFiles,
): readonly string[] {
  const hop = target.jumps?.at(-1);
  if (hop === undefined) return [];
  const before = { ...hop, jumps: target.jumps?.slice(0, -1) ?? [] };
  // Without a log of its own nobody would learn why it failed: ssh hides what a ProxyCommand says where ControlPersist is set.
  const argv = [
    ...['ssh', '-E', files.log(before.jumps.length), ...recording(before, files)],
    ...forwardArguments(before, target, settings, patience, files),
  ];
  const line = argv.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ');
  return options(`ProxyCommand=${line.replaceAll('%', '%%')}`);
}

/** The arguments of an `ssh` that logs in to `hop` and has it connect its own input and output to something. */
export const forwardArguments = (
  hop: SshTarget,
  to: { readonly address: string; readonly port: number },
  { config }: OpenSshSettings,
  patience: Patience,
  files: MasterFiles,
): readonly string[] => [
  ...['-S', 'none', '-W', `[${to.address}]:${to.port}`],
  ...connecting(hop, config === undefined ? {} : { config }, patience, files).filter(
    // It would forbid the one forwarding that is wanted here.
    (option, at, all) => option !== 'ClearAllForwardings=yes' && all[at + 1] !== 'ClearAllForwardings=yes',
  ),
];

/** What servers before OpenSSH 7 speak; the configuration's own lists stand before it. */
const legacy = [
  'KexAlgorithms=+diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1',
  'HostKeyAlgorithms=+ssh-rsa',
  'PubkeyAcceptedAlgorithms=+ssh-rsa',
  'Ciphers=+aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc',
  'MACs=+hmac-sha1',
] as const;

const options = (...each: readonly string[]): readonly string[] => each.flatMap((option) => ['-o', option]);

/** A path as a word of ssh_config(5), where quotes keep blanks together and "%" begins a token. */
const word = (path: string): string => `"${path.replaceAll('%', '%%')}"`;
