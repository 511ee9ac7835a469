// What the audit log costs: appending a record with its sync against a raw write and fdatasync of the same bytes; `audit verify` of a long
// log against `openssl dgst -sha256` of the file; `status` of such a run; and the memory of both, however long the log is.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../src/core/event.ts';
import { intentDigest } from '../src/core/plan.ts';
import type { JournalStore, Voucher } from '../src/core/ports.ts';
import { ok } from '../src/core/result.ts';
import { newSigningKey } from '../src/core/sshsig.ts';
import { systemClock } from '../src/effects/state/clock.ts';
import { fileJournal } from '../src/effects/state/journal-store.ts';
import { runStore } from '../src/effects/state/run-store.ts';
import { type Journal, openJournal } from '../src/engine/journal.ts';
import { beginRun } from '../src/engine/session.ts';
import { clearPlan } from '../test/cli/view/small-plan.ts';
import { median, pairs, report } from './pairs.mjs';

// npm starts it in the project's folder.
const decom = join(process.cwd(), 'bin', 'decom.js');
const folder = mkdtempSync(join(tmpdir(), 'decom-bench-'));
const operator = newSigningKey();
const voucher: Voucher = {
  principal: 'ada',
  sign: async (message, namespace) => ok(operator.sign(message, namespace)),
};
const digest = intentDigest(clearPlan);
const info = { run: clearPlan.intent.id, rehearsal: false, ticket: null, reason: null, responsible: null };
const session = { operator: 'ada', control: 'bench', pid: 1, tool: '0', unattended: true, voucher };
/** A record of the usual length. */
const record = (n: number): Event => ({
  ...{
    type: 'step.verified',
    step: 'identity',
    direction: 'forth',
    attempt: n,
    already: false,
    output: {},
    evidence: [],
  },
  said: `the machine is web01, as four independent sources say; looked at for the ${n}th time`,
});

/** What a step that does something writes, over and over. */
function stepRecord(n: number): Event {
  const at = { step: 'identity', direction: 'forth', attempt: Math.floor(n / 4) + 1 } as const;
  const operation = { kind: 'exec', where: 'host', argv: ['systemctl', 'stop', 'nginx.service'], root: true };
  const evidence = { kind: 'services.stopped', scope: ['nginx.service'], at: '2026-01-01T00:00:00.000Z' };
  const records = [
    { ...at, type: 'step.started' },
    { ...at, type: 'operation.intended', n: 0, operation },
    { ...at, type: 'operation.done', n: 0, receipt: { code: 0, stdout: 'a line that was printed\n', ms: 120 } },
    {
      ...at,
      type: 'step.verified',
      already: false,
      output: {},
      evidence: [evidence],
      said: 'nginx.service is stopped',
    },
  ];
  return records[n % 4] as unknown as Event;
}

/** A log as a run begins it. */
async function opened(store: JournalStore, signed: boolean): Promise<Journal> {
  const journal = openJournal(store, digest, systemClock, () => undefined);
  if (!journal.ok) throw new Error(journal.breach.what);
  const { voucher: _, ...unsigned } = session;
  const begun = await beginRun(journal.journal, clearPlan, info, signed ? session : unsigned);
  if (!begun.ok) throw new Error(begun.error.what);
  return journal.journal;
}

/** A log of that many lines in a state folder, as one signed session. */
async function longLog(
  lines: number,
  recordOf: (n: number) => Event = record,
): Promise<{ readonly workspace: string; readonly log: string }> {
  const workspace = mkdtempSync(join(folder, 'workspace-'));
  writeFileSync(join(workspace, 'decom.yaml'), 'decom: 1\nstate: ./state\nallowed_signers: signers\n');
  writeFileSync(join(workspace, 'signers'), `ada ${operator.publicKey}\n`);
  const store = runStore({ path: join(workspace, 'state'), operator: 'ada', redact: (text) => text });
  const made = store.create(clearPlan, info.run, false);
  if (!made.ok) throw new Error(made.error.what);
  const log = join(made.value.path, 'audit.jsonl');
  let chunks: Uint8Array[] = [];
  const write = (): void => {
    appendFileSync(log, Buffer.concat(chunks));
    chunks = [];
  };
  const journal = await opened(
    {
      ...{ read: () => new Uint8Array(), cut: () => '', close: () => undefined },
      append: (bytes) => {
        if (chunks.push(bytes) === 10_000) write();
      },
    },
    true,
  );
  for (let n = 0; journal.head.size < lines - 3; n++) journal.record(recordOf(n));
  journal.record({ type: 'run.closed', outcome: 'done', by: 'ada', reason: null });
  journal.record({ type: 'session.closed', why: 'done', exit: 0 });
  write();
  return { workspace, log };
}

const started = (program: string, args: readonly string[], cwd: string, codes: readonly number[]): void => {
  const { status, stderr, stdout } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (!codes.includes(status ?? -1))
    throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
};

const peakFile = join(folder, 'peak');
const told = join(folder, 'tell-peak.cjs');
writeFileSync(
  told,
  `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(peakFile)}, String(process.resourceUsage().maxRSS)));`,
);

/** Time and greatest memory of a command, the median of three. */
function measured(args: readonly string[], cwd: string): { readonly ms: number; readonly mib: number } {
  const runs = [1, 2, 3].map(() => {
    const from = performance.now();
    started(process.execPath, ['--require', told, decom, ...args], cwd, [0]);
    return { ms: performance.now() - from, mib: Number(readFileSync(peakFile, 'utf8')) / 1024 };
  });
  return { ms: median(runs.map(({ ms }) => ms)), mib: median(runs.map(({ mib }) => mib)) };
}

/** Hashes each line of a log, or (`parsed`) parses it too, and judges nothing. */
const leastOfAll = `
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
const bytes = readFileSync(process.argv[3]);
for (let from = 0, to; from < bytes.length; from = to + 1) {
  to = bytes.indexOf(10, from);
  const line = bytes.subarray(from, to);
  if (process.argv[2] === 'parsed' && JSON.parse(line.toString()).seq === undefined) process.exit(1);
  createHash('sha256').update(line).digest('hex');
}
`;

async function leastAgainst(how: string, log: string, program: string): Promise<void> {
  const result = await pairs(
    5,
    () => started(process.execPath, [program, how, log], folder, [0]),
    () => started('openssl', ['dgst', '-sha256', log], folder, [0]),
  );
  report(
    `a program that does no more than read it, its lines hashed${how === 'parsed' ? ' and parsed' : ''}, against openssl dgst`,
    result,
    { atMost: 8 },
  );
}

let kept = true;
try {
  const many = 400;
  let n = 0;
  const raw = openSync(join(folder, 'raw'), 'a', 0o600);
  for (const [name, signed] of [
    ['a record', false],
    ['a record of a signed log', true],
  ] as const) {
    const journal = await opened(fileJournal(join(folder, `log-${signed}`)), signed);
    const bytes = Buffer.alloc(430, 'x');
    const result = await pairs(
      12,
      () => {
        for (let i = 0; i < many; i++) journal.record(record(n++));
      },
      () => {
        for (let i = 0; i < many; i++) {
          writeSync(raw, bytes);
          fdatasyncSync(raw);
        }
      },
    );
    kept = report(`${name}, against a raw write and fdatasync`, result, { atMost: 2 }) && kept;
  }
  closeSync(raw);
  const long = await longLog(100_000);
  const verify = await pairs(
    5,
    () => started(process.execPath, [decom, 'audit', 'verify', info.run], long.workspace, [0]),
    () => started('openssl', ['dgst', '-sha256', long.log], folder, [0]),
  );
  kept = report('audit verify of 100,000 records, against openssl dgst', verify, { atMost: 8 }) && kept;
  // What no program on Node is below: to start, to read, to hash each line, to parse each.
  const least = join(folder, 'least.mjs');
  writeFileSync(least, leastOfAll);
  await leastAgainst('hashed', long.log, least);
  await leastAgainst('parsed', long.log, least);
  const mixed = await longLog(100_000, stepRecord);
  report(
    'the same of steps that do something',
    await pairs(
      3,
      () => started(process.execPath, [decom, 'audit', 'verify', info.run], mixed.workspace, [0]),
      () => started('openssl', ['dgst', '-sha256', mixed.log], folder, [0]),
    ),
    { atMost: 8 },
  );
  const status = measured(['status', info.run], long.workspace);
  const within = status.ms <= 1500;
  console.log(
    `status of a run of 100,000 records: ${Math.round(status.ms)} ms; wanted ≤ 1500: ${within ? 'kept' : 'MISSED'}`,
  );
  kept = within && kept;
  const longer = await longLog(1_000_000);
  // A collector lets garbage lie until it is worth the while: only from about a second of reading on does memory stand for what is kept.
  const longest = await longLog(3_000_000);
  for (const args of [['audit', 'verify'], ['status']]) {
    const seen = [long, longer, longest].map(({ workspace }) => measured([...args, info.run], workspace));
    const [short, tenfold, more] = seen;
    if (short === undefined || tenfold === undefined || more === undefined) throw new Error('three logs were measured');
    const constant = more.mib <= tenfold.mib * 1.15;
    console.log(
      `${args.join(' ')} of 1,000,000 records: ${Math.round(tenfold.ms)} ms, ${Math.round(tenfold.mib)} MiB at most; of 3,000,000 ${Math.round(more.mib)}, of 100,000 ${Math.round(short.mib)}; wanted no more for three times as many: ${constant ? 'kept' : 'MISSED'}`,
    );
    kept = constant && kept;
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = kept ? 0 : 1;
