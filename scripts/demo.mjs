// `npm run demo`: installs what is missing, builds, and retires the practice machine.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program of this checkout and ends with its exit code unless that is 0. */
function run(program, argv) {
  const { status, signal } = spawnSync(program, argv, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}

// Ctrl-C reaches the programs below from the terminal; this one waits for them.
process.on('SIGINT', () => {});

if (!existsSync(`${root}node_modules/esbuild`)) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) run('npm', ['ci', '--no-audit', '--no-fund']);
  else run(process.execPath, [npm, 'ci', '--no-audit', '--no-fund']);
}
run(process.execPath, ['scripts/build.mjs']);
run(process.execPath, ['bin/decom.js', 'demo', ...process.argv.slice(2)]);
