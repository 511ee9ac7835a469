import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStage, type Stage } from './interruption.ts';

/*
 * A command that prints the secret it was given, in every way that it can.
 */
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

const canary = 'CANARY-s3cr3t/+x';

test('a secret that a command prints stands in no log, report, output or later argument, and moves no cursor', async () => {
  s.bench.write('canary', `${canary}\n`);
  chmodSync(join(s.bench.folder, 'canary'), 0o600);
  s.bench.runbook(
    [
      `- id: fails
  title: Prints it and fails
  uses: command.run
  on_failure: continue
  with: { shell: 'printf "\\033[2J%s\\n" "$CANARY"; printf %s "$CANARY" | base64; echo "$CANARY" >&2; exit 3', secrets: { CANARY: { file: canary } }, probe: { argv: ["false"] } }`,
      `- id: keeps
  title: Keeps it where its probe reads it
  uses: command.run
  with: { shell: 'printf %s "$CANARY" > ${s.folder}/kept', secrets: { CANARY: { file: canary } }, probe: { argv: [cat, ${s.folder}/kept], contains: redacted } }`,
      `- id: hands-on
  title: Hands it on
  uses: command.run
  on_failure: continue
  with: { shell: 'printf "%s\\n" "$1" > ${s.folder}/handed', arguments: ["\${{ steps.keeps.stdout }}"], probe: { argv: [test, -s, ${s.folder}/handed] } }`,
      '- { id: power, title: Power, uses: power.status, with: { expect: "on" } }',
    ].join('\n'),
  );
  await s.bench.plan();
  const calls = [await s.bench.decom(...s.bench.unattended)];
  expect(calls[0]?.code, calls[0]?.stderr).toBe(0);
  for (const args of [
    ['why', 'practice'],
    ['status', 'practice', '--json'],
    ['report', 'practice'],
    ['report', 'practice', '--html', '-o', 'report.html'],
  ]) {
    calls.push(await s.bench.decom(...args));
  }
  const said = calls.map(({ stdout, stderr }) => stdout + stderr);
  const kept = readdirSync(s.bench.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'canary' && entry.name !== 'bmc-password')
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  expect(kept.length).toBeGreaterThan(5);
  for (const text of [...said, ...kept, readFileSync(join(s.folder, 'handed'), 'utf8')]) {
    for (const secret of [canary, Buffer.from(canary).toString('base64'), s.machine.bmc.password]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toContain('\x1b');
  }
});
