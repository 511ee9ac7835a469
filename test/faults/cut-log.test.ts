import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { jcs } from '../../src/core/json.ts';
import { readChain } from '../fakes/read-chain.ts';
import { said } from './bench.ts';
import { openStage, type Stage } from './interruption.ts';
import type { Ended } from './program.ts';

/*
 * A run whose process was killed between its first lines, and files of a run that were changed.
 */
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

const folder = (): string => s.bench.runs().at(-1) ?? '';
const log = (): string => join(folder(), 'audit.jsonl');

test.each([0, 1])(
  'a run that was killed after %i lines of its log is opened when it is resumed, and is bound to its machine',
  async (lines) => {
    s.bench.runbook(
      '- { id: identity, title: Identity, uses: identity.check }\n- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }',
    );
    await s.bench.plan();
    expect((await s.bench.decom(...s.bench.unattended)).code).toBe(9);
    const kept = readFileSync(log(), 'utf8').split('\n').slice(0, lines);
    writeFileSync(log(), kept.map((line) => `${line}\n`).join(''));
    // A run that has not begun has written nothing beside its log.
    rmSync(join(folder(), 'out'), { recursive: true });
    expect((await s.bench.decom('resume', 'practice', '--non-interactive')).code).toBe(9);
    const events = s.bench.events();
    const { serial } = s.machine.identity;
    expect(events.filter((event) => event.type === 'run.opened')).toMatchObject([{ serial, host: 'practice' }]);
    const evidence = events.flatMap((event) => (event.type === 'step.verified' ? event.evidence : []));
    expect(evidence.map((e) => e.host_serial)).toEqual([serial, serial]);
  },
);

const waiting = '- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }';

/** A run that has parked; its log is `bytes` long. */
async function parked(): Promise<Buffer> {
  s.bench.runbook(waiting);
  await s.bench.plan();
  expect((await s.bench.decom(...s.bench.unattended)).code).toBe(9);
  return readFileSync(log());
}

const told = (ended: Ended): string =>
  said({ ...ended, stderr: '' }, s.bench).replace(/[0-9a-f]{64}|head {3}<hash>/g, '<hash>');

test.each([0, 1, 100])('a log cut off after %i bytes, before its first line was whole, never began', async (bytes) => {
  const whole = await parked();
  writeFileSync(log(), whole.subarray(0, bytes));
  rmSync(join(folder(), 'out'), { recursive: true });
  const verified = await s.bench.decom('audit', 'verify', 'practice');
  expect(verified.code).toBe(11);
  expect(verified.stdout).toContain('intact but open');
  expect(verified.stdout).toContain(
    'The run was ended before its first lines were written: it has begun nothing.\nNext: decom resume',
  );
  expect((await s.bench.decom('status', 'practice')).stdout).toMatch(/opened +not yet/);
  const resumed = await s.bench.decom('resume', 'practice', '--non-interactive');
  expect(resumed.code, resumed.stderr).toBe(9);
  const types = s.bench.events().map(({ type }) => type);
  const repaired = bytes === 0 ? [] : ['log.repaired'];
  expect(types.slice(0, repaired.length + 2)).toEqual(['session.opened', ...repaired, 'run.opened']);
  if (bytes > 0) {
    expect(resumed.stderr).toContain(
      `the log’s first line was torn; ${bytes} bytes were cut off and kept in audit.torn.0-${bytes}. The run had begun nothing`,
    );
    expect(readFileSync(join(folder(), `audit.torn.0-${bytes}`))).toEqual(whole.subarray(0, bytes));
  }
  expect((await s.bench.decom('audit', 'verify', 'practice')).code).toBe(11);
});

test.each([0, 100])('a log cut to %i bytes whose folder shows that the run had begun is broken', async (bytes) => {
  const whole = await parked();
  writeFileSync(log(), whole.subarray(0, bytes));
  const verified = await s.bench.decom('audit', 'verify', 'practice');
  expect(verified.code).toBe(6);
  expect(verified.stdout).toContain(
    'Line 1: the log lacks its first lines, though its folder holds what later ones refer to.',
  );
  expect((await s.bench.decom('resume', 'practice', '--non-interactive')).code).toBe(6);
  expect(readFileSync(log())).toHaveLength(bytes);
});

test('a log that cannot be opened is told as trouble with the state folder, and not as a broken one', async () => {
  await parked();
  rmSync(log());
  mkdirSync(log());
  for (const args of [
    ['resume', 'practice', '--non-interactive'],
    ['status', 'practice'],
    ['why', 'practice'],
  ]) {
    const { code, stderr } = await s.bench.decom(...args);
    expect(code, `${args.join(' ')}: ${stderr}`).toBe(2);
    expect(stderr).toContain('[state-not-writable]');
  }
});

test('a file in out/ that a line refers to and that is gone, shorter or changed breaks the log; one that no line refers to is noted', async () => {
  await parked();
  const [file = ''] = readdirSync(join(folder(), 'out'));
  const at = join(folder(), 'out', file);
  const whole = readFileSync(at);
  const line = s.bench.events().findIndex(({ type }) => type === 'step.planned') + 1;
  for (const [spoil, what] of [
    [() => rmSync(at), 'and that file is missing'],
    [() => writeFileSync(at, whole.subarray(1)), 'and that file is not what was written'],
    [
      () => writeFileSync(at, whole.toString().replace('quiet', 'quick').replace('2', '3')),
      'and that file is not what was written',
    ],
  ] as const) {
    spoil();
    const verified = await s.bench.decom('audit', 'verify', 'practice');
    expect(verified.code).toBe(6);
    expect(verified.stdout).toContain(`Line ${line}: it refers to out/${file}, ${what}.`);
    const report = await s.bench.decom('report', 'practice');
    expect(report.code).toBe(6);
    expect(report.stdout).toContain('**BROKEN** — The audit log is broken: a file in out/ that its lines refer to is');
    expect(report.stdout).toContain('- **verdict on the log:** broken');
  }
  writeFileSync(at, whole);
  const stray = join(folder(), 'out', 'ab'.repeat(32));
  writeFileSync(stray, 'left by a crash');
  expect(told(await s.bench.decom('audit', 'verify', 'practice'))).toMatchInlineSnapshot(`
    "exit 11
    stdout: intact but open
    run        <run> on practice
    log        <workspace>/state/runs/practice/<run>/audit.jsonl
    lines      8
    head       <hash>
    files      1 of 1 in out/ are as the lines say
    signed by  nobody: the session of root from line 1
    1 file in out/ that no line refers to, as a crash leaves it: <hash>. Nothing rests on it.
    The run has not ended, so that lines were cut off its end could not be seen.
    Next: decom why <run>"
  `);
});

test('the list of what differs in a restored copy is vouched for by the log', async () => {
  s.bench.runbook(
    `- { id: identity, title: Identity, uses: identity.check }
- { id: copy, title: Copy, uses: backup.archive, with: { from: [${s.machine.folders[0]}], to: ${s.bench.vault} } }
- { id: proof, title: Proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }`,
  );
  await s.bench.plan();
  // The tar here that unpacks the copy leaves one file more.
  s.bench.write(
    'bin/tar',
    '#!/bin/sh\nPATH=${PATH#*:}; tar "$@" || exit; case "$*" in -x*) for last; do :; done; : > "$last/more" ;; esac\n',
  );
  chmodSync(join(s.bench.folder, 'bin', 'tar'), 0o755);
  const run = s.bench.start(s.bench.unattended, { env: { PATH: `${s.bench.folder}/bin:${process.env.PATH ?? ''}` } });
  const ended = await run.ended;
  expect(ended.code, ended.stdout).toBe(10);
  const failed = s.bench.events().find((event) => event.type === 'step.failed');
  const report = failed?.type === 'step.failed' ? failed.trouble.blob : undefined;
  expect((await s.bench.decom('audit', 'verify', 'practice')).code).toBe(11);
  rmSync(join(folder(), 'out', report?.sha256 ?? ''));
  const verified = await s.bench.decom('audit', 'verify', 'practice');
  expect(verified.code).toBe(6);
  expect(verified.stdout).toContain(
    `Line ${(failed?.seq ?? 0) + 1}: it refers to out/${report?.sha256}, and that file is missing.`,
  );
});

test('facts that a rollback needs and that were changed are not believed', async () => {
  s.bench.runbook('- { id: stop, title: Stop, uses: service.stop, with: { unit: web.service } }');
  await s.bench.plan();
  expect((await s.bench.decom(...s.bench.unattended)).code).toBe(0);
  const out = join(folder(), 'out');
  const [file = ''] = readdirSync(out);
  writeFileSync(join(out, file), '[]');
  const back = await s.bench.decom('rollback', 'practice', '--yes', '--non-interactive');
  expect(back.code).toBe(10);
  expect(back.stdout).toContain(`${join(out, file)} is not what the log refers to [facts-lost]`);
});

test('a line that is well chained and no event of decom breaks the log, whoever wrote it', async () => {
  s.bench.runbook('- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }');
  await s.bench.plan();
  expect((await s.bench.decom(...s.bench.unattended)).code).toBe(9);
  const whole = readFileSync(log(), 'utf8');
  const { size, hash } = readChain(Buffer.from(whole), undefined).head;
  for (const extra of [
    { type: 'party' },
    { type: 'step.verified' },
    { type: 'step.started', step: '__proto__', direction: 'forth', attempt: 1 },
    { type: 'step.started', step: 'quiet', direction: 'sideways', attempt: 1 },
  ]) {
    const line = jcs({ v: 1, seq: size, ts: '2026-01-02T03:04:05.000Z', prev: hash, ...extra });
    writeFileSync(log(), `${whole}${line}\n`);
    const verified = await s.bench.decom('audit', 'verify', 'practice');
    expect(verified.code, line).toBe(6);
    expect(verified.stdout).toContain(`Line ${size + 1}: the line is none that decom writes.`);
    expect((await s.bench.decom('resume', 'practice', '--non-interactive')).code).toBe(6);
  }
});

test.each(['null', '{}', '{"intent":{"id":"a","steps":[null]},"facts":{}}'])(
  'a run whose plan.json was replaced by %s is told as unreadable, and is no fault of the program',
  async (text) => {
    s.bench.runbook('- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }');
    await s.bench.plan();
    expect((await s.bench.decom(...s.bench.unattended)).code).toBe(9);
    writeFileSync(join(folder(), 'plan.json'), text);
    for (const args of [
      ['status'],
      ['audit', 'verify', 'practice'],
      ['report', 'practice'],
      ['resume', 'practice', '--non-interactive'],
    ]) {
      const { code, stderr } = await s.bench.decom(...args);
      expect(code, `${args.join(' ')}: ${stderr}`).toBe(6);
      expect(stderr).toContain('plan.json cannot be read: it is no plan [plan-unreadable]');
    }
  },
);
