import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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
