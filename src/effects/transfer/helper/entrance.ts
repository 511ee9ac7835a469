import { posix } from 'node:path';
import { placeOf } from '../../../core/place.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import type { PartialCopy } from '../copy-folder.ts';
import type { HelperMachine, HostAddress, TransferDeps } from '../deps.ts';
import { entranceScript } from './entrance-script.ts';
import { shelf } from './shelf.ts';
import { writeThere } from './write-there.ts';

/**
 * Takes back whatever let helpers in for the copies of a run, on the host and on the helpers: what a process that was killed may have left. What
 * could not be taken back is told, each with what to remove by hand.
 */
export async function dismissHelpers(
  deps: Pick<TransferDeps, 'machine' | 'helper'>,
  run: string,
  copies: readonly string[],
): Promise<readonly Trouble[]> {
  if (copies.length === 0) return [];
  const left: Trouble[] = [];
  const shut = await dismiss(deps.machine, run, 'all');
  if (shut !== undefined) left.push(shut);
  for (const copy of copies) {
    const { on, path } = placeOf(copy);
    const helper = await deps.helper(on);
    const dropped = helper.ok ? await shelf(helper.value, 'drop', `${path}.partial/way`) : helper;
    if (!dropped.ok) left.push(keyStays(copy, dropped.error));
  }
  return left;
}

/** Shuts the host again; why it could not be done. A line without what it runs is told as well, because it looks like a way in. */
async function dismiss(host: TransferDeps['machine'], id: string, how: 'one' | 'all'): Promise<Trouble | undefined> {
  const argv = ['sh', '-c', entranceScript, 'sh', 'dismiss', id, how];
  const answer = await host.exec({ argv, root: false });
  const said = answer.ok ? Buffer.from(answer.value.stdout).toString('utf8').trim().split('\n').at(-1) : undefined;
  if (said === 'done') return undefined;
  const why = answer.ok ? Buffer.from(answer.value.stderr).toString('utf8').slice(0, 1000) : answer.error.what;
  return trouble(
    'still-admitted',
    said === 'dead'
      ? `a line of decom's stays in ~/.ssh/authorized_keys on ${host.name}; what it ran is removed, so it lets nobody do anything`
      : `${host.name} may still let a helper in: decom's line in ~/.ssh/authorized_keys there could not be taken out`,
    `Remove every line there that ends in "decom:${id}${how === 'all' ? '-…' : ''}", and ~/.decom/way.`,
    why,
  );
}

const keyStays = (copy: string, why: Trouble): Trouble =>
  trouble(
    'key-stays',
    `the key that was made for ${copy} may still lie there: ${why.what}`,
    `Remove ${copy}.partial/way on that machine.`,
  );

/** The one program that a helper may run on the host. */
export interface Served {
  readonly argv: readonly string[];
  readonly root: boolean;
}

/** A way in to the host for a helper. */
export interface Entrance {
  /** The program on the helper that connects to the host. */
  readonly ssh: readonly [string, ...string[]];
  /** What it means that ssh ended with that code; undefined where it is the code of what was run. */
  trouble(code: number | null, said: string): Trouble | undefined;
  /** Shuts the host again; why that could not be done. */
  close(): Promise<Trouble | undefined>;
}

/**
 * Lets a helper in to the host for one copy, so that the data goes straight between the two. The private key is made on the helper, lies in the
 * unfinished copy's folder and never leaves it; what the host allows it is one program. Both are taken back by `close`. The host's key is the
 * one that was verified from here.
 */
export async function openEntrance(
  deps: TransferDeps,
  helper: HelperMachine,
  partial: PartialCopy,
  served: Served,
  signal: AbortSignal,
): Promise<Result<Entrance>> {
  const { machine: host, address } = deps;
  if (served.root && address.sudo === 'password') return fail(sudoAsks(host.name, helper.name));
  const hostKey = await host.hostKey();
  if (!hostKey.ok) return hostKey;
  const type = address.legacy ? (['rsa', '3072'] as const) : (['ed25519', '256'] as const);
  const key = await shelf(helper, 'key', partial.folder, { rest: type, signal });
  if (!key.ok) return key;
  const [publicKey = ''] = key.value;
  const way = posix.join(partial.folder, 'way');
  for (const [name, text] of [
    ['known_hosts', `decom-host ${hostKey.value}\n`],
    ['ssh', sshScript(address)],
  ] as const) {
    const written = await writeThere(helper, posix.join(way, name), text);
    if (!written.ok) return written;
  }
  const id = posix.basename(partial.folder, '.partial');
  const close = async (): Promise<Trouble | undefined> => {
    const left = await dismiss(host, id, 'one');
    const dropped = await shelf(helper, 'drop', way);
    return left ?? (dropped.ok ? undefined : keyStays(partial.folder.replace(/\.partial$/, ''), dropped.error));
  };
  const asRoot = served.root && address.user !== 'root' && address.sudo !== 'no';
  const admitted = await host.exec(
    { argv: ['sh', '-c', entranceScript, 'sh', 'admit', id, publicKey.split(' ').slice(0, 2).join(' ')], root: false },
    { signal, stdin: serveScript(served, asRoot) },
  );
  const refused = refusedBy(admitted, host.name);
  if (refused !== undefined) {
    await close();
    return fail(refused);
  }
  return ok({
    ssh: ['sh', posix.join(way, 'ssh')],
    trouble: (code, said) => (code === 255 ? notLetIn(helper.name, host.name, address, said) : undefined),
    close,
  });
}

type Admitted = Awaited<ReturnType<TransferDeps['machine']['exec']>>;

function refusedBy(admitted: Admitted, host: string): Trouble | undefined {
  if (!admitted.ok) return admitted.error;
  const { ended, stdout, stderr } = admitted.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return ended.trouble;
  const said = Buffer.from(stdout).toString('utf8').trim().split('\n').at(-1);
  if (said === 'done') return undefined;
  const why =
    said === 'refused link'
      ? '~/.ssh/authorized_keys there is a symbolic link'
      : said === 'refused no-home'
        ? 'the login there has no home folder'
        : said === 'refused odd-home'
          ? 'the path of the login’s home folder there holds more than letters, digits and plain signs, which no forced command is given'
          : 'its ~/.ssh/authorized_keys or ~/.decom could not be written';
  return trouble(
    'not-admitted',
    `${host} cannot let a helper in: ${why}`,
    'Use backup.archive with `relay: true`, so that the data goes by way of this machine, or copy to a place here.',
    Buffer.from(stderr).toString('utf8').slice(0, 2000),
  );
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** What ssh is told on the helper: nothing of its own configuration, and the one key of the host that is known here. */
function sshScript({ address, port, user, legacy }: HostAddress): string {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'PreferredAuthentications=publickey',
    'StrictHostKeyChecking=yes',
    'GlobalKnownHostsFile=/dev/null',
    'UserKnownHostsFile=known_hosts',
    'HostKeyAlias=decom-host',
    'UpdateHostKeys=no',
    'CheckHostIP=no',
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    'LogLevel=ERROR',
    'RequestTTY=no',
    ...(legacy
      ? [
          'KexAlgorithms=+diffie-hellman-group14-sha1,diffie-hellman-group1-sha1,diffie-hellman-group-exchange-sha1',
          'HostKeyAlgorithms=+ssh-rsa,ssh-dss',
          'PubkeyAcceptedAlgorithms=+ssh-rsa',
          'Ciphers=+aes128-cbc,aes256-cbc,3des-cbc',
        ]
      : []),
  ];
  const words = ['ssh', '-F', '/dev/null', '-i', 'key', ...options.flatMap((option) => ['-o', option])];
  // It goes to where its files are: ssh would read their path as a list of words.
  return `cd -- "\${0%/*}" || exit 255\nexec ${words.map(quote).join(' ')} -p ${port} -l ${quote(user)} -- ${quote(address)} "$@"\n`;
}

/** Its last line tells that it arrived whole. */
const serveScript = ({ argv }: Served, asRoot: boolean): string =>
  `cd /\nexec ${asRoot ? 'sudo -n -- ' : ''}${argv.map(quote).join(' ')} </dev/null\n# whole\n`;

const sudoAsks = (host: string, helper: string): Trouble =>
  trouble(
    'sudo-asks',
    `sudo on ${host} asks for a password, which is not handed to ${helper}`,
    'Use backup.archive with `relay: true`, so that the data goes by way of this machine, or allow the login sudo without a password.',
  );

const notLetIn = (helper: string, host: string, { address, port, user }: HostAddress, said: string): Trouble =>
  /Permission denied/.test(said)
    ? trouble(
        'not-admitted',
        `${host} does not let ${helper} in as ${user}: its SSH server may not read ~/.ssh/authorized_keys, or limits who may log in`,
        'Use backup.archive with `relay: true`, so that the data goes by way of this machine, or let the server read that file.',
        said,
      )
    : trouble(
        'helper-no-way',
        `${helper} could not reach ${host} at ${address} port ${port}, or lost it`,
        'Open that way, then try again; or use backup.archive with `relay: true`, so that the data goes by way of this machine.',
        said,
      );
