import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { DatabaseServer, ServersHere } from '../../../core/databases.ts';
import { lackOfRoot } from './confined.ts';
import { dialects } from './look.ts';
import { runToEnd } from './start-here.ts';

/** Looks for the programs of servers here: where systems put them, and on the PATH. */
export async function serversHere(server: DatabaseServer): Promise<ServersHere> {
  const { here } = dialects[server];
  const folders = [...here.folders.flatMap(matching), ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].filter(
    (folder, i, all) =>
      folder.startsWith('/') && all.indexOf(folder) === i && here.programs.every((p) => runs(join(folder, p))),
  );
  const servers = await Promise.all(
    folders.map(async (folder) => {
      const { stdout } = await runToEnd([join(folder, here.programs[0] ?? ''), '--version']);
      const found = here.version(stdout);
      return found === undefined ? [] : [{ ...found, folder }];
    }),
  );
  const lack = process.platform === 'linux' ? await lackOfRoot() : 'a server for a proof is only started on Linux';
  return { servers: servers.flat(), lack };
}

function matching(pattern: string): readonly string[] {
  const [before = '', after = ''] = pattern.split('*');
  const above = before.slice(0, before.lastIndexOf('/'));
  const start = before.slice(above.length + 1);
  try {
    return readdirSync(above).flatMap((name) => (name.startsWith(start) ? [`${above}/${name}${after}`] : []));
  } catch {
    return [];
  }
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
