import { type DatabaseProduct, fitServer, releaseOf, type ServersHere } from '../../core/databases.ts';
import type { Seen, Trouble } from '../../core/result.ts';
import { trouble } from '../../core/result.ts';

/** Why no copy of such a server could be proved here; undefined where one can. */
export function noServerHere(here: Seen<ServersHere>, product: DatabaseProduct, version: string): Trouble | undefined {
  if (!here.known) return here.trouble;
  const { lack, servers } = here.value;
  if (lack !== null) return trouble('cannot-confine', lack, 'Run decom as a login that is not root, or elsewhere.');
  if (fitServer(here.value, product, version) !== undefined) return undefined;
  const release = releaseOf(version);
  const found = servers.map((one) => `${one.product} ${one.version}`);
  return trouble(
    'server-missing',
    `a copy of ${product} ${version} is proved by a server of ${product} ${release} or newer here, and there is ${found.length === 0 ? 'none' : `only ${found.join(', ')}`}`,
    `Install the server here; it need not run: postgresql-${release} (on Debian).`,
  );
}
