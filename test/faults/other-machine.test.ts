import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { said } from './bench.ts';
import { openStage, type Stage, typesOf, until } from './interruption.ts';

/*
 * An open run whose inventory entry is made to name another machine, or whose machine is another one by now.
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

/** Has the machine say something else of itself from now on, as another one would that answers in its place. */
const nowSays = (program: string, was: string, is: string): void => {
  const file = join(s.folder, 'machine', 'stand-ins', program);
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(was);
  writeFileSync(file, text.replaceAll(was, is));
};

test('a host whose serial changed after the plan is refused before anything is done', async () => {
  s.bench.runbook(
    '- { id: identity, title: Who, uses: identity.check }\n- { id: stop, title: Stop, uses: service.stop, with: { unit: web.service } }',
  );
  await s.bench.plan();
  nowSays('dmidecode', s.machine.identity.serial, 'OTHER-1');
  const ended = await s.bench.decom(...s.bench.unattended);
  expect(ended.code, ended.stderr).toBe(4);
  const was = s.machine.identity.serial;
  expect(ended.stdout + ended.stderr).toContain(`serial contradicts (expected "${was}", seen "OTHER-1")`);
  expect(s.bench.events().some(({ type }) => type === 'operation.intended')).toBe(false);
});

test.each<[string, string, () => string, string]>([
  ['another machine answers', 'another-machine', () => s.machine.identity.machineId, '1f2c'.repeat(8)],
  ['the machine was restarted', 'restarted-since', () => bootNow(), '6f6f0cf43a6c4f0e9a3c1d2e3f405060'],
])('where %s by the time of an act, the act itself is refused', async (_what, code, was, is) => {
  s.bench.runbook(
    `- { id: identity, title: Who, uses: identity.check }
- { id: quiet, title: Wait, uses: wait, with: { for: 1s } }
- { id: stop, title: Stop, uses: service.stop, with: { unit: web.service } }`,
  );
  await s.bench.plan();
  expect((await s.bench.decom(...s.bench.unattended)).code).toBe(9);
  const parked = s.bench.events().findLast((event) => event.type === 'run.parked');
  const time = Date.parse(parked?.type === 'run.parked' ? (parked.until ?? '') : '');
  await until('the wait is over', () => Date.now() > time);
  nowSays('hostnamectl', was(), is);
  const ended = await s.bench.decom('resume', 'practice', '--non-interactive');
  expect(ended.code, ended.stdout + ended.stderr).toBe(4);
  expect(ended.stdout + ended.stderr).toContain(`[${code}]`);
  expect(typesOf(s.bench.events(), 'stop').slice(-3)).toEqual([
    'operation.intended',
    'operation.resolved',
    'gate.blocked',
  ]);
});

const bootNow = (): string =>
  /Boot ID: (\w+)/.exec(readFileSync(join(s.folder, 'machine', 'stand-ins', 'hostnamectl'), 'utf8'))?.[1] ?? '';
