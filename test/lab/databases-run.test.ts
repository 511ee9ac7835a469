import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { call, type Ended } from '../faults/program.ts';
import { type SourceServer, startPostgres } from './database-server.ts';
import { poll } from './poll.ts';
import { type Sshd, startSshd } from './sshd.ts';

/*
 * The built program and a database server behind a real sshd: planned, run, proved and told of in the report; killed while the server for the proof
 * runs, and taken up again.
 */
let host: Sshd;
let source: SourceServer;
let folder: string;

beforeAll(async () => {
  host = await startSshd();
  source = await startPostgres();
  source.sql('postgres', "CREATE DATABASE app; CREATE ROLE web LOGIN PASSWORD 'tr0ub4dor';");
  source.sql('app', 'CREATE TABLE orders AS SELECT generate_series(1, 500) AS id; GRANT SELECT ON orders TO web;');
});
afterAll(async () => {
  await source?.remove();
  await host?.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-databases-'));
  for (const name of ['runbooks', 'vault']) mkdirSync(join(folder, name));
  write('decom.yaml', 'decom: 1\nstate: ./state\n');
  const keys = `identity_files: [${host.userKey}], config: none, host_keys: ["${host.hostKeys[0]}"]`;
  write(
    'hosts.yaml',
    `hosts:\n  db01:\n    addresses: [${host.address}]\n    serial: "S-1"\n    ssh: { port: ${host.port}, user: root, ${keys} }\n`,
  );
  runbook('SELECT count(*), max(id) FROM orders');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
const runbook = (sql: string): void =>
  write(
    'runbooks/copy.yaml',
    `decom: 1
name: copy
title: Copy
phases:
  - phase: copy
    title: Copy
    steps:
      - id: dump
        uses: backup.postgres
        with: { to: "${folder}/vault", socket: ${source.socketFolder}, ask: [{ database: app, sql: "${sql}" }] }
      - id: proof
        uses: restore.verify
        with: { backup: "\${{ steps.dump.backup }}" }
`,
  );

const decom = (...args: readonly string[]): Promise<Ended> => call(args, { cwd: folder }).ended;
async function ends(ended: Promise<Ended>, code: number): Promise<Ended> {
  const value = await ended;
  expect(value.code, `${value.stdout}\n${value.stderr}`).toBe(code);
  return value;
}
const scratch = (): string => join(folder, 'state', 'scratch');
const inScratch = (): readonly string[] => (existsSync(scratch()) ? readdirSync(scratch()) : []);

/** Every byte of text that the run left: its log, its reports, and what it keeps beside them. */
function written(under: string): string {
  return readdirSync(under, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('databases are planned, dumped, proved and told, and no password is in any log', async () => {
  await ends(decom('validate'), 0);
  const planned = await ends(decom('plan', 'db01', '-o', 'plan.json'), 0);
  expect(planned.stdout).toContain(
    `dump the databases app, postgres of PostgreSQL (socket ${source.socketFolder}) on the host, as postgres there`,
  );
  expect(planned.stdout).toContain('ask app: SELECT count(*), max(id) FROM orders');
  const ran = await ends(decom('run', '--plan', 'plan.json', '--non-interactive', '--confirm=S-1'), 0);
  expect(ran.stderr).toContain('app (500 rows in 1 tables');
  expect(ran.stderr).toContain('restored into PostgreSQL');
  expect(ran.stderr).toContain('1 tables with 500 rows as at the source, 1 answer the same');
  expect(inScratch()).toEqual([]);
  const report = await ends(decom('report', 'db01'), 0);
  expect(report.stdout).toContain('restored and compared, every row: databases app, postgres');
  // The hash is in the copy, which is only its owner's to read; nowhere else.
  expect(written(join(folder, 'state')) + ran.stdout + ran.stderr).not.toMatch(/SCRAM-SHA-256|tr0ub4dor/);
  expect(written(join(folder, 'vault'))).toMatch(/SCRAM-SHA-256/);
});

test('killed while the server for the proof runs, the next one ends that server and proves the copy', async () => {
  runbook('SELECT count(*) FROM orders, pg_sleep(5)');
  await ends(decom('plan', 'db01', '-o', 'plan.json'), 0);
  const running = call(['run', '--plan', 'plan.json', '--non-interactive', '--confirm=S-1'], { cwd: folder });
  let over: Ended | undefined;
  void running.ended.then((ended) => {
    over = ended;
  });
  const record = await poll(
    'the server for the proof',
    () => {
      if (over !== undefined) throw new Error(`it ended before: ${over.stdout}${over.stderr}`);
      const name = inScratch().find((one) => one.endsWith('.decom-server'));
      const text = name === undefined ? '' : readFileSync(join(scratch(), name), 'utf8');
      return text.endsWith('\n') ? text : undefined;
    },
    10,
  );
  running.signal('SIGKILL');
  await running.ended;
  const { pid, started } = JSON.parse(record) as { readonly pid: number; readonly started: string };
  const lives = (): boolean =>
    existsSync(`/proc/${pid}/stat`) && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(` ${started} `);
  expect(lives()).toBe(true);
  const resumed = await ends(decom('resume', 'db01', '--non-interactive', '--confirm=S-1'), 0);
  expect(resumed.stderr).toContain('with 500 rows as at the source');
  expect(lives()).toBe(false);
  expect(inScratch()).toEqual([]);
});
