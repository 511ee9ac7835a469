import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobRef } from '../../../core/blob.ts';
import type { DatabaseProduct } from '../../../core/databases.ts';
import { fail, ok, type Result } from '../../../core/result.ts';
import { manifestChanged } from '../changed-copy.ts';
import { diskTrouble } from '../disk-trouble.ts';
import type { Counted, KeptAnswer } from './ask-server.ts';

/** A dump as it was written: `file` in the folder `dumps/`. */
export interface Dumped extends BlobRef {
  readonly file: string;
}

/** `manifest.json`: what the source said of itself, and the hashes of what it gave. */
export interface DumpsManifest {
  readonly format: 1;
  readonly product: DatabaseProduct;
  readonly version: string;
  readonly owner: string;
  readonly globals: Dumped;
  readonly databases: readonly {
    readonly name: string;
    /** When its moment began, by the clock here; RFC 3339. */
    readonly moment: string;
    readonly dump: Dumped;
    readonly tables: readonly Counted[];
    readonly answers: readonly ({ readonly sql: string } & KeptAnswer)[];
  }[];
}

export function writeManifest(file: string, manifest: DumpsManifest): BlobRef {
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  writeFileSync(file, text, { mode: 0o600 });
  return { sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) };
}

/** Reads the manifest of a copy, which has to be the recorded one. */
export function readManifest(copy: string, recorded: BlobRef): Result<DumpsManifest> {
  const file = join(copy, 'manifest.json');
  try {
    const bytes = readFileSync(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== recorded.sha256) {
      return fail(manifestChanged(file, `its SHA-256 is ${sha256}, recorded was ${recorded.sha256}`));
    }
    return ok(JSON.parse(bytes.toString('utf8')) as DumpsManifest);
  } catch (error) {
    return fail(diskTrouble(error, file));
  }
}
