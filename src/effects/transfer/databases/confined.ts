import { chownSync } from 'node:fs';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import { runToEnd } from './start-here.ts';

/** How programs are run that a copy of a foreign server may make do anything. */
export interface Confined {
  /** The scratch folder as they see it. */
  readonly scratch: string;
  wrap(argv: readonly string[]): readonly string[];
  /** Makes what was made for them theirs. */
  give(path: string): void;
}

/** Nobody's, not the login of a server that runs here: that one would trust it. */
const login = 'nobody';

/**
 * As root they run as a login that owns nothing, without the network, and in a view of the file system where the scratch folder is `/tmp`: only so can such a
 * login enter a folder that lies below one of root's. Otherwise they run as who we are, and see the folder where it is.
 */
export async function confined(scratch: string): Promise<Result<Confined>> {
  if (process.getuid?.() !== 0) {
    if (Buffer.byteLength(scratch) > longestFolder) return fail(tooLong(scratch));
    return ok({ scratch, wrap: (argv) => argv, give: () => undefined });
  }
  const lack = await lackOfRoot();
  if (lack !== null) return fail(trouble('cannot-confine', lack, 'Run decom as a login that is not root.'));
  const [uid, gid] = await Promise.all(['-u', '-g'].map(idOf));
  return ok({
    scratch: '/tmp',
    wrap: (argv) => [
      'unshare',
      ...['--mount', '--net', '--propagation', 'private', '--', 'sh', '-c', enter, 'sh', scratch, login, ...argv],
    ],
    give: (path) => chownSync(path, uid ?? 65_534, gid ?? 65_534),
  });
}

/** The path of a socket takes 107 bytes, its own name included. */
const longestFolder = 90;

const tooLong = (scratch: string): Trouble =>
  trouble(
    'path-too-long',
    `the scratch folder ${scratch} has too long a path for the socket of a server`,
    'Set a state folder with a shorter path in decom.yaml, or run decom as root.',
  );

const enter = `mount --bind "$1" /tmp && cd /tmp || exit 1
l=$2; shift 2
exec setpriv --reuid="$l" --regid="$(id -g "$l")" --clear-groups --no-new-privs -- "$@"`;

const idOf = async (flag: string): Promise<number> => Number((await runToEnd(['id', flag, login])).stdout);

/** Why root here cannot hand such programs to another login; null where it can. */
export async function lackOfRoot(): Promise<string | null> {
  if (process.getuid?.() !== 0) return null;
  const tried = await runToEnd([
    ...[
      'unshare',
      '--mount',
      '--net',
      '--propagation',
      'private',
      '--',
      'setpriv',
      `--reuid=${login}`,
      '--clear-groups',
    ],
    ...['--no-new-privs', '--', 'true'],
  ]);
  if (tried.ended.how === 'exit' && tried.ended.code === 0) return null;
  return `as root, a server for a proof is started as the login ${login} in a view of its own (unshare, setpriv), and that does not work here: ${tried.stderr.trim().split('\n')[0] ?? ''}`;
}
