// How long `decom --version` and `decom validate` take to start, against an empty Node module.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pairs, report } from './pairs.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'decom-bench-'));
const empty = join(folder, 'empty.mjs');
writeFileSync(empty, '');
// An extra certificate file costs Node 20 some 33 ms at every start, with or without decom.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
const node = (...argv) => {
  const { status, stderr } = spawnSync(process.execPath, argv, { env, cwd: folder });
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
};
const decom = join(root, 'bin', 'decom.js');
const book = join(root, 'runbooks', 'linux-server.yaml');
let kept = true;
try {
  kept =
    report(
      'decom --version',
      await pairs(
        40,
        () => node(decom, '--version'),
        () => node(empty),
      ),
      { atMost: 1.3 },
    ) && kept;
  kept =
    report(
      'decom validate linux-server',
      await pairs(
        40,
        () => node(decom, 'validate', book),
        () => node(empty),
      ),
      { atMost: 2 },
    ) && kept;
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = kept ? 0 : 1;
