import { join } from 'node:path';
import { fitServer, releaseOf } from '../../../core/databases.ts';
import type { CopyDescription } from '../../../core/probe.ts';
import { fail, ok, type Result, trouble } from '../../../core/result.ts';
import { readCopy } from '../copy-folder.ts';
import { diskTrouble } from '../disk-trouble.ts';
import { notComplete } from '../restore.ts';
import { type Confined, confined } from './confined.ts';
import type { Dialect, Way } from './dialect.ts';
import { type DumpsManifest, readManifest } from './dumps-manifest.ts';
import { dialects } from './look.ts';
import { serversHere } from './servers-here.ts';

/** All that a proof of a copy of databases needs: what was said at the source, and a server here to say it again. */
export interface Drill {
  readonly copy: string;
  readonly scratch: string;
  readonly description: CopyDescription;
  readonly manifest: DumpsManifest;
  readonly dialect: Dialect;
  /** Where the programs of the server lie, and what it is: `PostgreSQL 15.18`. */
  readonly folder: string;
  readonly server: string;
  readonly view: Confined;
  readonly way: Way;
}

export async function openDrill(copy: string, scratch: string): Promise<Result<Drill>> {
  try {
    const { description } = readCopy(copy);
    if (description?.method !== 'postgres') {
      return fail(notComplete(copy));
    }
    const manifest = readManifest(copy, description.manifest);
    if (!manifest.ok) return manifest;
    const { product, version, owner } = manifest.value;
    const server = fitServer(await serversHere(description.method), product, version);
    if (server === undefined) {
      return fail(
        trouble(
          'server-missing',
          `there is no server of ${product} ${releaseOf(version)} or newer here, by which ${copy} could be proved`,
          'Install one here, then try again.',
        ),
      );
    }
    const view = await confined(scratch);
    if (!view.ok) return view;
    const dialect = dialects[description.method];
    return ok({
      ...{ copy, scratch, description, manifest: manifest.value, dialect, folder: server.folder, view: view.value },
      server: `${server.product} ${server.version}`,
      way: dialect.here.way(server.folder, view.value.scratch, owner),
    });
  } catch (error) {
    return fail(diskTrouble(error, copy));
  }
}

export const dumpFile = ({ copy }: Drill, file: string): string => join(copy, 'dumps', file);
