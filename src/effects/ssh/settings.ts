import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { didYouMean } from '../../core/diagnostic.ts';
import type { Host } from '../../core/host.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import type { SecretRef } from '../../core/secret.ts';
import { sudoOf } from '../../core/ssh-settings.ts';
import { type AlgorithmLimits, kinds, kindWords, offer } from './algorithms.ts';
import { beyondSsh2, type SshNeed } from './needs.ts';
import { expand, readSshConfig, type SshConfig } from './ssh-config.ts';
import type { SshTarget } from './target.ts';

/** What of a machine's entry says how it is reached. */
type Reachable = Pick<Host, 'name' | 'addresses' | 'ssh'>;

/** What the settings of a host are found with. */
export interface SettingsSources {
  /** The inventory: bastions may be hosts of it. */
  readonly hosts: readonly Reachable[];
  /** The folder of the hosts file, which paths in it start at. */
  readonly folder: string;
  readonly home: string;
  /** The operator's login name here. */
  readonly user: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** How a host is reached, as the inventory and the operator's SSH configuration say together. */
export interface SshRoute {
  readonly target: SshTarget;
  /** What would be typed after `ssh`. */
  readonly destination: string;
  /** The configuration file to ask instead of the usual ones. */
  readonly config?: string;
  /** What only the ssh program can do, of this host or a bastion. */
  readonly needs: readonly SshNeed[];
  /** What is worth knowing of the way, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Settles how a host is reached. What hosts.yaml says wins over the SSH configuration; host keys are always verified, whatever the
 * configuration says. Trouble is put into the target, so that it is told where the host is needed.
 */
export const routeTo = (host: Reachable, sources: SettingsSources): Promise<SshRoute> =>
  route({ name: host.name, address: host.addresses[0] ?? host.name, ssh: host.ssh ?? {} }, sources, [host.name]);

interface Wanted {
  readonly name: string;
  readonly address: string;
  readonly ssh: NonNullable<Host['ssh']>;
  /** Keys to offer where neither hosts.yaml nor the SSH configuration names any: those for the host behind it. */
  readonly otherKeys?: readonly string[];
  /** As in `SshTarget`. */
  readonly mayMean?: string;
}

async function route(wanted: Wanted, sources: SettingsSources, path: readonly string[]): Promise<SshRoute> {
  const { name, ssh } = wanted;
  const { home, environment } = sources;
  const destination = ssh.alias ?? name;
  const address = wanted.address.replace(/^\[(.*)\]$/, '$1');
  const file = ssh.config === undefined || ssh.config === 'none' ? ssh.config : ownPath(ssh.config, sources);
  const base: SshTarget = {
    ...{ name, address, port: ssh.port ?? 22, user: ssh.user ?? sources.user },
    sudo: sudoOf(ssh) !== 'no',
    ...(ssh.sudo_password === undefined ? {} : { sudoPassword: ssh.sudo_password as SecretRef }),
  };
  const asked = await readSshConfig({
    destination,
    // An address that is itself the alias says nothing of its own.
    ...(address === destination ? {} : { address }),
    ...(ssh.port === undefined ? {} : { port: ssh.port }),
    ...(ssh.user === undefined ? {} : { user: ssh.user }),
    ...(file === undefined ? {} : { file }),
    home,
    environment,
  });
  const same = { destination, ...(file === undefined ? {} : { config: file }) };
  if (!asked.ok) return { ...same, target: { ...base, refused: asked.error }, needs: [], notes: [] };
  const { config, note } = asked.value;
  const own = settle(wanted, base, config, sources);
  const jumps = await jumpsOf(wanted, config, sources, path);
  const target: SshTarget = {
    ...own.target,
    ...(jumps.targets.length === 0 ? {} : { jumps: jumps.targets }),
    ...(jumps.trouble === undefined ? {} : { refused: jumps.trouble }),
    ...(wanted.mayMean === undefined ? {} : { mayMean: wanted.mayMean }),
  };
  const needs = beyondSsh2(target, config, { home, jumpGiven: ssh.jump !== undefined });
  const all = [...jumps.needs, ...needs];
  const touched = all.find(({ need }) => need === 'security-key')?.what;
  const proxied = needs.some(({ need }) => need === 'proxy-command');
  const way = jumps.targets.map((jump) => `${jump.user}@${jump.address} port ${jump.port}`);
  return {
    ...same,
    target: {
      ...target,
      ...(proxied ? { proxied } : {}),
      ...(touched === undefined ? {} : { touched }),
    },
    needs: all,
    notes: [
      ...(note === undefined ? [] : [note]),
      ...(own.from.length === 0 ? [] : [`from the SSH configuration for ${destination}: ${own.from.join(', ')}`]),
      ...(way.length === 0 ? [] : [`by way of ${way.join(', then ')}`]),
      ...(own.ignored.length === 0 ? [] : [`not followed in the SSH configuration: ${own.ignored.join(', ')}`]),
      ...(ssh.legacy === true ? ['legacy SSH algorithms are allowed'] : []),
      ...jumps.notes,
    ],
  };
}

interface Settled {
  readonly target: SshTarget;
  /** What the configuration gave, for people. */
  readonly from: readonly string[];
  /** What it says and is not done, for people. */
  readonly ignored: readonly string[];
}

function settle({ ssh, otherKeys }: Wanted, base: SshTarget, config: SshConfig, sources: SettingsSources): Settled {
  const { home, environment } = sources;
  const from: string[] = [];
  const ignored: string[] = [];
  /** A value of the configuration, named as taken from there. */
  const take = <T>(words: string, value: T): T => {
    from.push(words);
    return value;
  };
  const setting = (keyword: string): string | undefined => {
    const value = config.one(keyword);
    return value === undefined || value === 'none' ? undefined : value;
  };

  const user = ssh.user ?? setting('user');
  if (ssh.user === undefined && user !== undefined) from.push(`user ${user}`);
  const configPort = setting('port');
  const port = ssh.port ?? (configPort === undefined ? base.port : take(`port ${configPort}`, Number(configPort)));
  const hostName = setting('hostname');
  const address =
    hostName === undefined || hostName === base.address ? base.address : take(`address ${hostName}`, hostName);
  const known = { ...base, user: user ?? base.user, port, address };

  const tokens = tokensOf(known, sources);
  const pathOf = (text: string): string | undefined => {
    const path = expand(text, tokens, home);
    if (path === undefined) ignored.push(`${text} (a token in it is not known here)`);
    return path;
  };
  const alias = ssh.host_key_alias ?? setting('hostkeyalias');
  const hostKeyAlias = alias === undefined ? undefined : (expand(alias, tokens, home) ?? alias);
  if (ssh.host_key_alias === undefined && hostKeyAlias !== undefined) from.push(`host key alias ${hostKeyAlias}`);

  const files = config.all('identityfile');
  const identityFiles =
    ssh.identity_files?.map((f) => ownPath(f, sources)) ??
    (files.length === 0
      ? otherKeys?.map((f) => ownPath(f, sources))
      : take(
          `keys ${files.join(', ')}`,
          files.filter((f) => f !== 'none').flatMap((f) => pathOf(f) ?? []),
        ));
  const agent = agentOf(config.one('identityagent'), pathOf, environment);
  if (agent !== undefined) from.push(agent === null ? 'no agent' : `agent ${agent}`);
  const knownFiles = (keyword: string): readonly string[] | undefined => {
    const value = config.one(keyword);
    if (value === undefined) return undefined;
    // Blanks part the files, and every one is an absolute path by now.
    const names = value === 'none' ? [] : value.split(/ (?=[/~])/);
    return take(
      `${keyword === 'userknownhostsfile' ? 'known hosts' : 'global known hosts'} ${value}`,
      names.flatMap((n) => pathOf(n) ?? []),
    );
  };
  const users = ssh.known_hosts === undefined ? knownFiles('userknownhostsfile') : undefined;
  const globals = ssh.known_hosts === undefined ? knownFiles('globalknownhostsfile') : undefined;
  const revoked = setting('revokedhostkeys');
  const knownHostsCommand = setting('knownhostscommand');
  const family = { inet: 4, inet6: 6 }[setting('addressfamily') ?? ''] as 4 | 6 | undefined;
  if (family !== undefined) from.push(`IPv${family} only`);
  const timeout = Number(setting('connecttimeout') ?? Number.NaN);
  const bind = setting('bindaddress');
  const algorithms = limitsOf(config);
  if (Object.keys(algorithms).length > 0)
    from.push(
      `its lists of ${kinds
        .filter((k) => algorithms[k])
        .map((k) => kindWords[k])
        .join(', ')} algorithms`,
    );
  ignored.push(...laxities(config));

  return {
    target: {
      ...known,
      ...(identityFiles === undefined ? {} : { identityFiles }),
      ...(config.one('identitiesonly') === 'yes' ? take('its keys only', { identitiesOnly: true }) : {}),
      ...(ssh.passphrase === undefined ? {} : { passphrase: ssh.passphrase as SecretRef }),
      ...(agent === undefined ? {} : { agent }),
      ...(ssh.known_hosts === undefined ? {} : { knownHosts: ownPath(ssh.known_hosts, sources) }),
      ...(users === undefined && globals === undefined
        ? {}
        : { knownHostsFiles: [...(users ?? usualKnownHosts(home)), ...(globals ?? globalKnownHosts)] }),
      ...(hostKeyAlias === undefined ? {} : { hostKeyAlias }),
      ...(knownHostsCommand === undefined ? {} : { knownHostsCommand }),
      ...(revoked === undefined ? {} : take(`revoked keys ${revoked}`, { revokedKeys: [pathOf(revoked) ?? revoked] })),
      ...(ssh.host_keys === undefined ? {} : { hostKeys: ssh.host_keys }),
      ...(family === undefined ? {} : { family }),
      ...(bind === undefined ? {} : take(`from the address ${bind}`, { localAddress: bind })),
      ...(timeout > 0
        ? take(`time to connect ${timeout} s`, { connectWithin: Math.max(leastTime, timeout * 1000) })
        : {}),
      ...(ssh.legacy === true ? { legacy: true } : {}),
      ...(Object.keys(algorithms).length === 0 ? {} : { algorithms }),
    },
    from,
    ignored,
  };
}

/** Milliseconds: ssh does not count the login into ConnectTimeout, and here it is counted. */
const leastTime = 5000;

const usualKnownHosts = (home: string): readonly string[] =>
  ['known_hosts', 'known_hosts2'].map((file) => join(home, '.ssh', file));
const globalKnownHosts: readonly string[] = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

/** A path of hosts.yaml. */
const ownPath = (path: string, { folder, home }: SettingsSources): string =>
  resolve(folder, path.replace(/^~(?=\/)/, home));

function tokensOf(
  { name, address, port, user }: SshTarget,
  sources: SettingsSources,
): { readonly [t: string]: string } {
  const here = hostname();
  return {
    d: sources.home,
    h: address,
    i: String(process.getuid?.() ?? ''),
    k: name,
    L: here.split('.')[0] ?? here,
    l: here,
    n: name,
    p: String(port),
    r: user,
    u: sources.user,
  };
}

/** Null: no agent; undefined: the usual one. */
function agentOf(
  said: string | undefined,
  pathOf: (text: string) => string | undefined,
  environment: NodeJS.ProcessEnv,
): string | null | undefined {
  if (said === undefined || said === 'SSH_AUTH_SOCK') return undefined;
  if (said === 'none') return null;
  return said.startsWith('$')
    ? (environment[said.slice(1).replace(/^\{(.*)\}$/, '$1')] ?? null)
    : (pathOf(said) ?? null);
}

function limitsOf(config: SshConfig): AlgorithmLimits {
  const words = { kex: 'kexalgorithms', hostKey: 'hostkeyalgorithms', cipher: 'ciphers', mac: 'macs' } as const;
  const usual = offer(false);
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const list = config.one(words[kind])?.split(',');
      // A list that only adds to what is offered here limits nothing.
      const limits = list !== undefined && usual[kind].some((name) => !list.includes(name));
      return limits ? [[kind, list]] : [];
    }),
  );
}

/** What a configuration may say that would make a connection less safe: it is not done. */
function laxities(config: SshConfig): readonly string[] {
  const strict = config.one('stricthostkeychecking');
  return [
    ...(strict === 'false' || strict === 'accept-new' || strict === 'no' || strict === 'off'
      ? [`StrictHostKeyChecking ${strict === 'false' ? 'no' : strict} (a host's key is always verified)`]
      : []),
    ...(config.one('nohostauthenticationforlocalhost') === 'yes' ? ['NoHostAuthenticationForLocalhost'] : []),
    ...(config.one('verifyhostkeydns') === 'true' ? ['VerifyHostKeyDNS'] : []),
    ...((config.one('forwardagent') ?? 'no') === 'no' ? [] : ['ForwardAgent']),
    ...((config.one('remotecommand') ?? 'none') === 'none' ? [] : ['RemoteCommand']),
  ];
}

interface Jumps {
  readonly targets: readonly SshTarget[];
  readonly needs: readonly SshNeed[];
  readonly notes: readonly string[];
  readonly trouble?: Trouble;
}

/** Bastions in the order they are passed: those that hosts.yaml names, else those of ProxyJump. The first may have its own before it. */
async function jumpsOf(
  wanted: Wanted,
  config: SshConfig,
  sources: SettingsSources,
  path: readonly string[],
): Promise<Jumps> {
  const configured = config.one('proxyjump');
  const texts = wanted.ssh.jump ?? (configured === undefined || configured === 'none' ? [] : configured.split(','));
  const routes: SshRoute[] = [];
  for (const [n, text] of texts.entries()) {
    const hop = hopOf(text, wanted, sources);
    if (hop === undefined || path.includes(hop.name)) {
      const what =
        hop === undefined
          ? `${wanted.name}: "${text}" names no bastion`
          : `${wanted.name} is reached by way of ${hop.name}, which is reached by way of ${path.join(', ')}`;
      const why = trouble(
        'bad-jump',
        what,
        'Write ssh.jump as host names, [user@]host[:port], or names of your SSH configuration.',
      );
      return { targets: [], needs: [], notes: [], trouble: why };
    }
    // Later ones are reached from the one before, whatever their own configuration says.
    const alone = n === 0 ? hop : { ...hop, ssh: { ...hop.ssh, jump: [] } };
    routes.push(await route(alone, sources, [...path, hop.name]));
  }
  const refused = routes.find(({ target }) => target.refused !== undefined)?.target.refused;
  return {
    targets: routes.flatMap(({ target: { jumps = [], ...target } }) => [...jumps, target]),
    needs: routes.flatMap(({ needs }) => needs),
    notes: routes.flatMap(({ notes, target }) =>
      notes.filter((n) => !n.startsWith('by way of')).map((n) => `${target.name}: ${n}`),
    ),
    ...(refused === undefined ? {} : { trouble: refused }),
  };
}

/** A bastion: a host of the inventory by its name, else as it would be typed after `ssh -J`. */
function hopOf(text: string, behind: Wanted, { hosts }: SettingsSources): Wanted | undefined {
  const entry = hosts.find((host) => host.name === text);
  if (entry !== undefined) return { name: entry.name, address: entry.addresses[0] ?? entry.name, ssh: entry.ssh ?? {} };
  const [, user, bracketed, plain, port] =
    /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^:@\s[\]/]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined || name.startsWith('-')) return undefined;
  const { identity_files, passphrase, config, known_hosts } = behind.ssh;
  const meant = didYouMean(
    name,
    hosts.map((host) => host.name),
  );
  return {
    name,
    address: name,
    ...(meant === '' ? {} : { mayMean: meant }),
    ...(identity_files === undefined ? {} : { otherKeys: identity_files }),
    ssh: {
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(config === undefined ? {} : { config }),
      ...(known_hosts === undefined ? {} : { known_hosts }),
    },
  };
}
