// How fast backup.archive streams over SSH, against `ssh host tar c | openssl dgst -sha256` with the same cipher.
// The rest of it (the disk's own pace when the file is synced, and the second read for the manifest) is told beside it.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { unknownHelper } from '../src/core/helper.ts';
import type { Machine } from '../src/core/ports.ts';
import { fail } from '../src/core/result.ts';
import { sshMachine } from '../src/effects/ssh/machine.ts';
import { fileBlobs } from '../src/effects/state/blob-store.ts';
import { systemClock } from '../src/effects/state/clock.ts';
import { copyArchive } from '../src/effects/transfer/archive.ts';
import type { TransferDeps } from '../src/effects/transfer/deps.ts';
import { here } from '../src/effects/transfer/here.ts';
import { startSshd } from '../test/lab/sshd.ts';
import { median, pairs, report } from './pairs.mjs';

const cannot = [
  process.getuid?.() === 0 ? [] : ['root'],
  ...['/usr/sbin/sshd', 'openssl', 'tar', 'ssh'].map(lacking),
].flat();
if (cannot.length > 0) {
  console.log(`cannot run here: it needs ${cannot.join(', ')}`);
  process.exit(1);
}

const mebibytes = 768;
const folder = mkdtempSync(join(tmpdir(), 'decom-bench-'));
const source = join(folder, 'srv');
mkdirSync(source);
const noise = randomBytes(1 << 20);
for (let i = 0; i < mebibytes / 64; i++) {
  const file = openSync(join(source, `large-${i}`), 'w');
  for (let j = 0; j < 64; j++) writeSync(file, noise);
  closeSync(file);
}
for (let i = 0; i < 2000; i++) writeFileSync(join(source, `small-${i}`), noise.subarray(i, i + 4096));

const sshd = await startSshd();
const machine = sshMachine(
  {
    ...{ name: 'bench', address: sshd.address, port: sshd.port, user: sshd.user, sudo: false },
    ...{ identityFiles: [sshd.userKey], knownHosts: sshd.knownHosts },
  },
  { home: homedir() },
);

const streams: number[] = [];
/** The machine, with the time that its tar took noted. */
const timed: Machine = {
  ...machine,
  start: async (command, options) => {
    const from = performance.now();
    const started = await machine.start(command, options);
    if (started.ok && command.argv.includes('tar')) {
      void started.value.ended.then(() => streams.push(performance.now() - from));
    }
    return started;
  },
};

const deps = (machine: Machine): TransferDeps => ({
  ...{ machine, host: { name: 'bench', serial: 'BENCH' }, clock: systemClock, rsh: '' },
  blobs: fileBlobs(join(folder, 'out'), (text) => text),
  helper: async (name) => fail(unknownHelper(name, [])),
  address: { address: '127.0.0.1', port: 22, user: 'root', legacy: false, sudo: 'no' },
});

const whole: number[] = [];
let round = 0;
let peak = 0;
async function archive(): Promise<void> {
  const to = join(folder, `copy-${round++}`);
  const from = performance.now();
  const outcome = await copyArchive(
    deps(timed),
    here,
    { kind: 'copy.archive', on: 'control', from: [source], exclude: [], to, root: false },
    { signal: new AbortController().signal, progress: () => undefined },
  );
  if (outcome.outcome !== 'done') throw new Error(JSON.stringify(outcome));
  whole.push(performance.now() - from);
  peak = Math.max(peak, process.memoryUsage.rss());
  rmSync(to, { recursive: true });
}

const baseline: number[] = [];
function pipeline(): void {
  const from = performance.now();
  const ssh = `ssh -F none -c aes128-gcm@openssh.com -p ${sshd.port} -i ${sshd.userKey} -o UserKnownHostsFile=${sshd.knownHosts} -o IdentitiesOnly=yes ${sshd.user}@${sshd.address}`;
  const ran = spawnSync('sh', ['-c', `${ssh} tar -c -C / .${source} | openssl dgst -sha256`]);
  if (ran.status !== 0) throw new Error(ran.stderr.toString());
  baseline.push(performance.now() - from);
}

let kept = true;
try {
  await pairs(5, pipeline, archive);
  const ratios = streams.slice(1).map((ours, i) => (baseline[i + 1] ?? 0) / ours);
  kept = report(
    'archive stream, pace against ssh | openssl',
    {
      a: median(baseline.slice(1)),
      b: median(streams.slice(1)),
      ratio: median(ratios),
      lowest: Math.min(...ratios),
      highest: Math.max(...ratios),
    },
    { atLeast: 0.8 },
  );
  const pace = (ms: number): string => `${Math.round(mebibytes / (ms / 1000))} MiB/s`;
  console.log(
    `ssh | openssl ${pace(median(baseline.slice(1)))}, stream ${pace(median(streams.slice(1)))}, with sync and manifest ${pace(median(whole.slice(1)))}; RSS ${Math.round(peak / 2 ** 20)} MiB`,
  );
  kept = peak < 200 * 2 ** 20 && kept;
} finally {
  await machine.close();
  await sshd.stop();
  rmSync(folder, { recursive: true });
}
process.exitCode = kept ? 0 : 1;

function lacking(program: string): readonly string[] {
  return spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0 ? [] : [program];
}
