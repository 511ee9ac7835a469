import type { DatabaseAccess, DatabaseServer, DatabasesSeen } from '../../../core/databases.ts';
import type { Machine } from '../../../core/ports.ts';
import { fail, type Result, type Seen, seen, type Trouble, trouble, unseen } from '../../../core/result.ts';
import { toolMissing } from '../source-tools.ts';
import { asLogin } from './as-login.ts';
import type { Dialect, ServerLooked } from './dialect.ts';
import { postgres } from './postgres.ts';

export const dialects: { readonly [K in DatabaseServer]: Dialect } = { postgres };

/** Asks a server on the host what it has, and the host by which programs it can be dumped. */
export async function lookAt(
  machine: Machine,
  access: DatabaseAccess,
  root: boolean,
  signal?: AbortSignal,
): Promise<Result<ServerLooked>> {
  const dialect = dialects[access.server];
  const argv = asLogin(access.user, ['sh', '-c', dialect.look, 'sh', ...dialect.connect(access)]);
  const answer = await machine.exec({ argv, root }, { limit: 1 << 20, ...(signal === undefined ? {} : { signal }) });
  if (!answer.ok) return answer;
  const { ended, stdout, stderr } = answer.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  const lines = Buffer.from(stdout).toString('utf8').split('\n');
  const lacks = lines.find((line) => line.startsWith('lacks '))?.slice(6);
  if (lacks !== undefined) return fail(toolMissing(machine.name, lacks, dialect.name));
  const said = Buffer.from(stderr).toString('utf8').trim();
  if (!lines.some((line) => line.startsWith('server '))) return fail(unreachable(machine.name, dialect, access, said));
  return dialect.read(lines);
}

const unreachable = (host: string, { name }: Dialect, { user, socket, port }: DatabaseAccess, said: string): Trouble =>
  trouble(
    'database-unreachable',
    `${name} on ${host} cannot be asked as ${user}: ${firstLine(said)}`,
    `Check that it runs there${socket === undefined && port === undefined ? ' (its "port" and "socket" may be others)' : ''}, that "user" is the login that it trusts, and that this login may become it (root, or ssh.sudo).`,
    said,
  );

export const firstLine = (text: string): string =>
  text
    .split('\n')
    .find((line) => line.trim() !== '')
    ?.trim()
    .slice(0, 300) ?? 'it said nothing';

/** What a probe tells of it: which programs serve is the host's business. */
export function seenOf(looked: Result<ServerLooked>): Seen<DatabasesSeen> {
  if (!looked.ok) return unseen(looked.error);
  const { product, version, directory, databases, tool, sessions } = looked.value;
  return seen({ product, version, directory, databases, tool, sessions });
}
