import { cpSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { said } from './bench.ts';
import { openStage, type Stage } from './interruption.ts';

/*
 * An open run whose inventory entry is made to name another machine.
 */
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

test('a run is never turned towards another machine: what it proved of the first one says nothing of the second', async () => {
  s.bench.runbook('- id: quiet\n  title: Wait\n  uses: wait\n  with: { for: 14d }');
  await s.bench.plan();
  expect((await s.bench.decom(...s.bench.unattended)).code).toBe(9);
  s.bench.edit('hosts.yaml', /serial: .*/, 'serial: "OTHER-1"');
  const before = s.bench.events().length;
  expect(
    said(await s.bench.decom('replan', 'practice', '--yes'), s.bench, { [s.machine.identity.serial]: '<serial>' }),
  ).toMatchInlineSnapshot(`
    "exit 8
    error run <run> is of the machine with serial "<serial>", and the inventory entry of practice names "OTHER-1" [other-machine]
      If that is another machine: decom abandon <run> --reason REASON, and begin anew with: decom run practice. If not, correct the entry."
  `);
  expect(s.bench.events()).toHaveLength(before);
});

test("a run's folder that was moved to another host's, or copied, is not gone on with", async () => {
  s.bench.runbook(
    '- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }\n- { id: stop, title: Stop, uses: service.stop, with: { unit: web.service } }',
  );
  await s.bench.plan();
  expect((await s.bench.decom(...s.bench.unattended)).code).toBe(9);
  const own = s.bench.runs()[0] ?? '';
  const moved = own.replace('/practice/', '/other/');
  cpSync(own, moved, { recursive: true });
  const copy = join(dirname(own), 'aaaaaaaaaaaa');
  cpSync(own, copy, { recursive: true });
  for (const [named, at] of [
    ['other', moved],
    ['aaaaaaaaaaaa', copy],
  ] as const) {
    for (const args of [
      ['resume', named, '--non-interactive'],
      ['rollback', named, '--yes'],
      ['replan', named, '--yes'],
      ['abandon', named, '--reason', 'r'],
    ]) {
      const { code, stderr } = await s.bench.decom(...args);
      expect(code, `${args.join(' ')}: ${stderr}`).toBe(6);
      expect(stderr).toContain(
        `${at} holds run ${basename(own)} of practice: it was copied or moved there [log-moved]`,
      );
    }
  }
});
