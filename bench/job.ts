// What it costs that an act outlives its connection: folder, job and end of a program, against the program alone on a plain connection.
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActPlace, actOf } from '../src/core/act.ts';
import { jobsOn } from '../src/effects/host/jobs.ts';
import { sshMachine } from '../src/effects/ssh/machine.ts';
import { systemClock } from '../src/effects/state/clock.ts';
import { makeAccount } from '../test/lab/account.ts';
import { startSshd } from '../test/lab/sshd.ts';
import { pairs, report } from './pairs.mjs';
import { rawConnection } from './raw-exec.ts';

const acts = 10;
const rounds = 15;
const folder = mkdtempSync(join(tmpdir(), 'decom-bench-'));
chmodSync(folder, 0o777);
// A login shell that reads no start-up files: those would be measured instead.
const account = makeAccount('decom-bench', undefined, '/bin/dash');
const sshd = await startSshd({ user: account.name });
const machine = sshMachine(
  {
    name: 'bench',
    address: sshd.address,
    port: sshd.port,
    user: sshd.user,
    identityFiles: [sshd.userKey],
    knownHosts: sshd.knownHosts,
    sudo: false,
  },
  { home: homedir() },
);
const jobs = jobsOn({ machine, clock: systemClock, sudo: 'no' });
const operation = { kind: 'exec', on: 'host', argv: ['/bin/true'], root: false } as const;
const { signal } = new AbortController();
const machine_id = readFileSync('/etc/machine-id', 'utf8').trim();

let n = 0;
async function kept(): Promise<void> {
  for (let i = 0; i < acts; i++) {
    const place: ActPlace = { run: 'bench', step: 'act', direction: 'forth', attempt: 1, n: n++ };
    const there = await jobs.prepare(operation, place);
    if (!there.ok || there.value === null) throw new Error(JSON.stringify(there));
    const ended = await jobs.run(operation, actOf(there.value, place), signal, { machine_id, boot: there.value.boot });
    if (ended.outcome !== 'done') throw new Error(JSON.stringify(ended));
  }
}

const raw = await rawConnection(sshd);
async function plain(): Promise<void> {
  for (let i = 0; i < acts; i++) await raw.exec('/bin/true');
}

let good = false;
try {
  good = report(`${acts} acts that outlive their connection against raw execs`, await pairs(rounds, kept, plain), {
    atMost: 8,
  });
} finally {
  await jobs.forget('bench');
  raw.end();
  await machine.close();
  await sshd.stop();
  account.remove();
  rmSync(folder, { recursive: true });
}
process.exitCode = good ? 0 : 1;
