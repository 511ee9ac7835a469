// Every bench in turn. Each compares two things side by side in one run; none is a test, and a missed figure is named, not hidden.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const named = process.argv.slice(2);
const all = readdirSync(folder)
  .filter((file) => /\.(mjs|ts)$/.test(file) && !['run.mjs', 'pairs.mjs', 'pairs.d.mts', 'raw-exec.ts'].includes(file))
  .map((file) => file.replace(/\.(mjs|ts)$/, ''));
const chosen = named.length > 0 ? named : all;
const unknown = chosen.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no bench named ${unknown.join(', ')}; there are: ${all.join(', ')}`);
  process.exit(2);
}
const [cpu] = cpus();
console.log(
  `${cpus().length} × ${cpu?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.version}`,
);
let missed = 0;
for (const name of chosen) {
  console.log(`\n${name}`);
  const { status } = spawnSync(process.execPath, [program(name)], { stdio: 'inherit' });
  if (status !== 0) missed += 1;
}
console.log(`\n${chosen.length - missed} of ${chosen.length} kept every figure`);
process.exitCode = missed === 0 ? 0 : 1;

/** A bench in TypeScript measures parts of the program from the inside, and is bundled first. */
function program(name) {
  const source = join(folder, `${name}.ts`);
  if (!existsSync(source)) return join(folder, `${name}.mjs`);
  const outfile = join(folder, '..', 'node_modules', '.cache', 'bench', `${name}.mjs`);
  buildSync({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}
