// Every bench in turn. Each compares two things side by side in one run; none is a test, and a missed figure is named, not hidden.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const named = process.argv.slice(2);
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs') && !['run.mjs', 'pairs.mjs'].includes(file))
  .map((file) => file.replace(/\.mjs$/, ''));
const chosen = named.length > 0 ? named : all;
const unknown = chosen.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no bench named ${unknown.join(', ')}; there are: ${all.join(', ')}`);
  process.exit(2);
}
const [cpu] = cpus();
console.log(`${cpus().length} × ${cpu?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.version}`);
let missed = 0;
for (const name of chosen) {
  console.log(`\n${name}`);
  const { status } = spawnSync(process.execPath, [join(folder, `${name}.mjs`)], { stdio: 'inherit' });
  if (status !== 0) missed += 1;
}
console.log(`\n${chosen.length - missed} of ${chosen.length} kept every figure`);
process.exitCode = missed === 0 ? 0 : 1;
