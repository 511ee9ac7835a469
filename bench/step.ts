// What a trivial step costs over a pooled connection, against the same number of raw ssh2 execs plus its fdatasyncs.
import { chmodSync, closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { actions } from '../src/actions/index.ts';
import { intentDigest, type Plan } from '../src/core/plan.ts';
import type { Ask } from '../src/core/ports.ts';
import { seen } from '../src/core/result.ts';
import { decideWithCel } from '../src/effects/cel.ts';
import { execHandlers, hostProbes, jobsOn } from '../src/effects/host/handlers.ts';
import { sshMachine } from '../src/effects/ssh/machine.ts';
import { fileBlobs } from '../src/effects/state/blob-store.ts';
import { systemClock } from '../src/effects/state/clock.ts';
import { fileJournal } from '../src/effects/state/journal-store.ts';
import { drive } from '../src/engine/drive.ts';
import type { Engine } from '../src/engine/engine.ts';
import { openJournal } from '../src/engine/journal.ts';
import { makePlan } from '../src/engine/make-plan.ts';
import { beginRun } from '../src/engine/session.ts';
import { makeBind } from '../src/load/bind.ts';
import { loadRunbook } from '../src/load/load-runbook.ts';
import { makeAccount } from '../test/lab/account.ts';
import { startSshd } from '../test/lab/sshd.ts';
import { pairs, report } from './pairs.mjs';
import { rawConnection } from './raw-exec.ts';

const steps = 25;
const rounds = 8;
const folder = mkdtempSync(join(tmpdir(), 'decom-bench-'));
// A login shell that reads no start-up files: those would be measured instead.
const account = makeAccount('decom-bench', undefined, '/bin/dash');
const sshd = await startSshd({ user: account.name });
chmodSync(folder, 0o777);
const target = {
  name: 'bench',
  address: sshd.address,
  port: sshd.port,
  user: sshd.user,
  identityFiles: [sshd.userKey],
  knownHosts: sshd.knownHosts,
  sudo: false,
};
const machine = sshMachine(target, { home: homedir() });
const book = `decom: 1
name: bench
title: Bench
phases:
  - phase: one
    title: One
    steps:
${Array.from({ length: steps }, (_, i) => `      - id: s${i}\n        uses: command.run\n        with: { argv: [touch, ${folder}/m-ROUND-${i}], probe: { argv: [test, -e, ${folder}/m-ROUND-${i}] } }`).join('\n')}
`;
const host = { name: 'bench', addresses: [sshd.address], serial: 'BENCH-1' };
const probes = { ...hostProbes(machine), clock: async () => seen(new Date().toISOString()) };
const jobs = jobsOn({ machine, clock: systemClock, sudo: 'no' });
const noSecrets = async () => {
  throw new Error('no secrets here');
};
const handlers = execHandlers(machine, noSecrets, jobs);
const goOn: Ask = async () => ({ answer: 'continue', how: 'beforehand' });
let round = 0;
let appends = 0;
let execs = 0;

async function prepared(): Promise<{ engine: Engine; plan: Plan; path: string }> {
  round += 1;
  const path = join(folder, `audit-${round}.jsonl`);
  const engine: Engine = {
    actions,
    probe: (question) => {
      execs += 1;
      return (
        (probes as unknown as Record<string, (q: unknown) => never>)[question.kind]?.(question) ??
        ({ known: false } as never)
      );
    },
    clock: systemClock,
    blobs: fileBlobs(join(folder, 'out'), (text) => text),
    bind: makeBind(actions),
    decide: decideWithCel,
    scratch: folder,
  };
  const loaded = loadRunbook(
    'bench.yaml',
    () => ({ ok: true, value: Buffer.from(book.replaceAll('ROUND', String(round))) }),
    actions,
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const plan = await makePlan(engine, {
    host,
    runbook: loaded.value,
    params: {},
    id: `r${round}`,
    run: `r${round}`,
    lifetime: 1e9,
    tool: 'bench',
  });
  return { engine, plan, path };
}

const plans = await Promise.all(Array.from({ length: 2 * rounds + 3 }, () => prepared()));
let at = 0;
async function run(): Promise<void> {
  const { engine, plan, path } = plans[at++] as (typeof plans)[number];
  const store = fileJournal(path);
  execs = 0;
  const opened = openJournal(store, intentDigest(plan), systemClock, () => {});
  if (!opened.ok) throw new Error(opened.breach.what);
  beginRun(
    opened.journal,
    plan,
    { run: plan.intent.id, rehearsal: false, ticket: null, reason: null, responsible: null },
    { operator: 'b', control: 'b', pid: 1, tool: 'b', unattended: true },
  );
  const end = await drive({
    engine,
    plan,
    journal: opened.journal,
    executor: {
      real: true,
      perform: (operation, context) => {
        if (operation.kind !== 'exec') throw new Error(operation.kind);
        execs += 1;
        return handlers.exec(operation, context);
      },
    },
    ask: goOn,
    tell: () => {},
    signal: new AbortController().signal,
    operator: 'b',
  });
  if (end.end !== 'done') throw new Error(JSON.stringify(end));
  appends = opened.journal.head.size;
  store.close();
}

const raw = await rawConnection(sshd);
const log = openSync(join(folder, 'raw.log'), 'a');
const line = Buffer.alloc(600, 'x');
function sync(records: number): void {
  for (let i = 0; i < records; i++) {
    writeSync(log, line);
    fdatasyncSync(log);
  }
}
const exec = (): Promise<void> => raw.exec(`/usr/bin/test -e ${folder}/never`);

/** First all commands, then all records: neither the disk nor the host ever waits for the other. */
async function apart(): Promise<void> {
  for (let i = 0; i < execs; i++) await exec();
  sync(appends);
}

/** In the order of a run, which has a record on the disk before it sends the next command: both have gone to sleep in between. */
async function inTurn(): Promise<void> {
  for (let i = 0, done = 0; i < execs; i++) {
    const due = Math.round(((i + 1) * appends) / execs);
    sync(due - done);
    done = due;
    await exec();
  }
}

let kept = false;
try {
  await run();
  const strict = await pairs(rounds, run, apart);
  console.log(`${steps} steps: ${execs} execs and ${appends} records each`);
  kept = report('a trivial step against raw execs, then syncs', strict, { atMost: 1.3 });
  const alike = await pairs(rounds, run, inTurn);
  kept = report('a trivial step against raw execs and syncs in turn', alike, { atMost: 1.3 }) && kept;
} finally {
  closeSync(log);
  raw.end();
  await machine.close();
  await sshd.stop();
  account.remove();
  rmSync(folder, { recursive: true });
}
process.exitCode = kept ? 0 : 1;
