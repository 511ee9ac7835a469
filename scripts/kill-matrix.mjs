// `npm run kill-matrix`: the whole matrix of deaths and failing disks that test/program/kill-matrix.test.ts tries a sample of; see docs/reliability.md.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const usage = `Usage: npm run kill-matrix -- [--machines N] [--every N [--from N]] [--only WORDS] [--out FILE]
  --machines N  practice machines that are retired at the same time (default 1)
  --every N     only every Nth point of each kind, beginning with --from (default 0)
  --only WORDS  only kinds of fault whose name holds these
  --out FILE    tell each point to a file, as a line of JSON
`;
const number = (text, least) => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  process.stderr.write(usage);
  process.exit(2);
};
let options;
try {
  const text = (fallback) => ({ type: 'string', ...(fallback === undefined ? {} : { default: fallback }) });
  options = parseArgs({
    options: { machines: text('1'), every: text('1'), from: text('0'), only: text(''), out: text() },
  }).values;
} catch (error) {
  process.stderr.write(`${error.message}\n${usage}`);
  process.exit(2);
}

// The bundle lies two folders below the root, as its sources do: they find the built program by that.
const root = fileURLToPath(new URL('..', import.meta.url));
const outfile = join(root, 'node_modules', '.cache', 'kill-matrix.mjs');
await build({
  entryPoints: [join(root, 'test', 'matrix', 'kill-matrix.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
const { killMatrix } = await import(pathToFileURL(outfile).href);
const well = await killMatrix(
  {
    machines: number(options.machines, 1),
    every: number(options.every, 1),
    from: number(options.from, 0),
    only: options.only,
    ...(options.out === undefined ? {} : { out: options.out }),
  },
  (line) => process.stdout.write(`${line}\n`),
);
process.exitCode = well ? 0 : 1;
