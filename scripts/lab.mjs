// Runs a TypeScript module of the lab on the Node at hand (20 cannot by itself): bundles it beside node_modules and imports it.
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The exports of a file below test/lab. */
export async function lab(file) {
  const folder = join(root, 'node_modules', '.cache', 'decom-lab');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(file, '.ts')}.mjs`);
  await build({
    entryPoints: [join(root, 'test', 'lab', file)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

// `node scripts/lab.mjs up`: a practice machine and a workspace for it, to try things out by hand.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] !== 'up') {
    process.stderr.write('Usage: node scripts/lab.mjs up\n');
    process.exit(2);
  }
  await (await lab('up.ts')).up();
  process.exit(0);
}
