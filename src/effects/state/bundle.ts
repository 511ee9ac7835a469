import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { verifyScript } from './verify-script.ts';

export interface Bundle {
  /** The run's folder, taken as it is. */
  readonly folder: string;
  /** Name of the one folder in the bundle. */
  readonly name: string;
  /** Further files by name: documents, the allowed signers. */
  readonly files: { readonly [name: string]: string };
  /** Path of the bundle, which must not exist. */
  readonly to: string;
}

/**
 * Packs a run's folder as it is, with further files, `verify.sh` and the checksums of all (`SHA256SUMS`, for `sha256sum -c`), into one
 * gzip-compressed tar archive. Returns its size and SHA-256.
 */
export async function packBundle(bundle: Bundle): Promise<Result<{ readonly sha256: string; readonly bytes: number }>> {
  if (existsSync(bundle.to)) {
    return fail(
      trouble('exists', `${bundle.to} is there already`, 'Name another file with -o, or move that one away.'),
    );
  }
  const work = mkdtempSync(join(tmpdir(), 'decom-export-'));
  try {
    const root = join(work, bundle.name);
    cpSync(bundle.folder, root, { recursive: true });
    for (const [name, text] of Object.entries(bundle.files)) writeFileSync(join(root, name), text);
    writeFileSync(join(root, 'verify.sh'), verifyScript);
    const sums: string[] = [];
    for (const file of filesIn(root, '')) sums.push(`${await hashOf(join(root, file))}  ${file}\n`);
    writeFileSync(join(root, 'SHA256SUMS'), sums.join(''));
    const said = await tar(['-C', work, '-czf', bundle.to, bundle.name]);
    if (said !== undefined) {
      rmSync(bundle.to, { force: true });
      return fail(
        trouble('not-writable', `the bundle cannot be written to ${bundle.to}: ${said}`, 'Name another file with -o.'),
      );
    }
    return ok({ sha256: await hashOf(bundle.to), bytes: statSync(bundle.to).size });
  } catch (error) {
    const what = `the bundle cannot be made: ${(error as Error).message}`;
    return fail(trouble('not-writable', what, 'Make room, or name another file with -o.'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const filesIn = (root: string, below: string): readonly string[] =>
  readdirSync(join(root, below), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? filesIn(root, join(below, entry.name)) : entry.isFile() ? [join(below, entry.name)] : [],
    );

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** What tar said if it failed. */
const tar = (args: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    const child = spawn('tar', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH ?? '' } });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-1024);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? undefined : said.trim() || `tar ended with ${code}`));
  });
