// What the audit log costs: appending a record with its sync against a raw write and fdatasync of the same bytes; `audit verify` of a long
// log against `openssl dgst -sha256` of the file; and `status` of such a run.
import { spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
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
import { pairs, report } from './pairs.mjs';

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

/** A log as a run begins it. Signed, a record of this kind wants a checkpoint in 64. */
async function opened(store: JournalStore, signed: boolean): Promise<Journal> {
  const journal = openJournal(store, digest, systemClock, () => undefined);
  if (!journal.ok) throw new Error(journal.breach.what);
  const { voucher: _, ...unsigned } = session;
  const begun = await beginRun(journal.journal, clearPlan, info, signed ? session : unsigned);
  if (!begun.ok) throw new Error(begun.error.what);
  return journal.journal;
}

/** A log of that many lines in a state folder, as one signed session. */
async function longLog(lines: number): Promise<{ readonly workspace: string; readonly log: string }> {
  const workspace = join(folder, `workspace-${lines}`);
  mkdirSync(workspace);
  writeFileSync(join(workspace, 'decom.yaml'), 'decom: 1\nstate: ./state\nallowed_signers: signers\n');
  writeFileSync(join(workspace, 'signers'), `ada ${operator.publicKey}\n`);
  const store = runStore({ path: join(workspace, 'state'), operator: 'ada', redact: (text) => text });
  const made = store.create(clearPlan, info.run, false);
  if (!made.ok) throw new Error(made.error.what);
  const chunks: Uint8Array[] = [];
  const journal = await opened(
    { read: () => new Uint8Array(), append: (bytes) => void chunks.push(bytes), cut: () => '', close: () => undefined },
    true,
  );
  while (journal.head.size < lines - 3) journal.record(record(journal.head.size));
  journal.record({ type: 'run.closed', outcome: 'done', by: 'ada', reason: null });
  journal.record({ type: 'session.closed', why: 'done', exit: 0 });
  const log = join(made.value.path, 'audit.jsonl');
  writeFileSync(log, Buffer.concat(chunks));
  return { workspace, log };
}

const started = (program: string, args: readonly string[], cwd: string, codes: readonly number[]): void => {
  const { status, stderr, stdout } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (!codes.includes(status ?? -1))
    throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
};

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
  const from = performance.now();
  started(process.execPath, [decom, 'status', info.run], long.workspace, [0]);
  const status = performance.now() - from;
  console.log(
    `status of a run of 100,000 records: ${Math.round(status)} ms; wanted ≤ 1500: ${status <= 1500 ? 'kept' : 'MISSED'}`,
  );
  kept = status <= 1500 && kept;
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = kept ? 0 : 1;
