import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readChain } from '../../src/core/chain.ts';
import { jcs } from '../../src/core/json.ts';
import { openStage, type Stage } from './interruption.ts';

/*
 * A run whose process was killed between its first lines, and files of a run that were changed.
 */
vi.setConfig({ testTimeout: 120_000 });

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
    expect((await s.bench.decom('resume', 'practice', '--non-interactive')).code).toBe(9);
    const events = s.bench.events();
    const { serial } = s.machine.identity;
    expect(events.filter((event) => event.type === 'run.opened')).toMatchObject([{ serial, host: 'practice' }]);
    const evidence = events.flatMap((event) => (event.type === 'step.verified' ? event.evidence : []));
    expect(evidence.map((e) => e.host_serial)).toEqual([serial, serial]);
  },
);

test('facts that a rollback needs and that were changed are not believed', async () => {
  s.bench.runbook('- { id: stop, title: Stop, uses: service.stop, with: { unit: web.service } }');
  await s.bench.plan();
  expect((await s.bench.decom(...s.bench.unattended)).code).toBe(0);
  const out = join(folder(), 'out');
  const [file = ''] = readdirSync(out);
  writeFileSync(join(out, file), '[]');
  const back = await s.bench.decom('rollback', 'practice', '--non-interactive');
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
