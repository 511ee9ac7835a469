// `npm run check`: everything about a change that can be judged without running the program, two at a time.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${root}node_modules/.bin/${name}`;

/** Every check: its name, what it holds, and how it is made. A check gives its complaint, or an empty text. */
const checks = [
  [
    'types',
    'the types fit',
    () => program(bin('tsc'), '-p', '.', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/types.tsbuildinfo'),
  ],
  ['lint', 'format and lint', () => program(bin('biome'), 'check', '.')],
  ['imports', 'every room imports only what it may', importRules],
  ['dead code', 'no file, export or dependency that nobody needs', () => program(bin('knip'), '--no-progress')],
  [
    'schemas',
    'schemas/ and docs/actions.md are what the source says',
    () => program(process.execPath, 'scripts/schemas.mjs', '--check'),
  ],
  ['actions', 'every action is in src/actions/index.ts', async () => unlistedActions()],
];

const began = performance.now();
const waiting = [...checks];
const failed = [];
await Promise.all([worker(), worker()]);
const seconds = ((performance.now() - began) / 1000).toFixed(1);
process.stdout.write(
  failed.length === 0 ? `All checks hold (${seconds} s).\n` : `Not held: ${failed.join(', ')} (${seconds} s).\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

async function worker() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, holds, check] = next;
    const start = performance.now();
    const complaint = await check();
    const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
    if (complaint === '') process.stdout.write(`ok    ${name.padEnd(10)} ${holds} (${took})\n`);
    else {
      failed.push(name);
      process.stdout.write(
        `FAIL  ${name.padEnd(10)} ${holds} (${took})\n${complaint.trimEnd().replace(/^/gm, '      ')}\n`,
      );
    }
  }
}

/** What a program says if it fails. */
function program(file, ...args) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const out = [];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => out.push(chunk));
    child.on('error', (error) => resolve(`${file}: ${error.message}. Run: npm ci`));
    child.on('close', (code) => {
      const said = Buffer.concat(out).toString('utf8');
      resolve(code === 0 ? '' : said || `${file} ended with ${code}`);
    });
  });
}

/** The rules of .dependency-cruiser.cjs, each broken one with its reason. That nothing was looked at is a failure of its own. */
async function importRules() {
  const { importComplaints } = await import('./import-rules.mjs');
  return importComplaints(root, ['src']);
}

function unlistedActions() {
  const index = readFileSync(`${root}src/actions/index.ts`, 'utf8');
  const files = readdirSync(`${root}src/actions`, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /^(?!parts\/)[^/]+\/[^/]+\.ts$/.test(file));
  if (files.length === 0) return 'no action was found';
  const unlisted = files.filter((file) => !index.includes(`'./${file}'`));
  return unlisted
    .map((file) => `src/actions/${file} is not in src/actions/index.ts: no runbook could use it`)
    .join('\n');
}
