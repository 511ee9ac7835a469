import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../faults/hold.ts';
import { openStage, type Stage, until } from '../faults/interruption.ts';
import type { Ended } from '../faults/program.ts';

/*
 * The clock of this computer, set right by hours while a run is under way: libfaketime moves the wall clock of the built program alone, and
 * leaves its monotonic one.
 */
const library = execFileSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1'], { encoding: 'utf8' }).trim();
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

const ends = async (ended: Promise<Ended>, code: number): Promise<Ended> => {
  const value = await ended;
  expect(value.code, `${value.stdout}\n${value.stderr}`).toBe(code);
  return value;
};
const steps = (): string => `
- { id: identity, title: identity, uses: identity.check }
- { id: unused, title: unused, uses: use.check, with: { watch: 1s } }
- { id: stop, title: stop, uses: service.stop, with: { unit: app.service } }
- id: work
  title: work
  uses: command.run
  timeout: 1h
  with: { shell: "echo began >> ${s.folder}/began; ${waitFor(`${s.folder}/go`)}; echo end > ${s.folder}/ended", probe: { argv: [test, -s, ${s.folder}/ended], within: 30s } }
- { id: again, title: again, uses: service.stop, with: { unit: web.service } }
- { id: copy, title: copy, uses: backup.archive, with: { from: [${s.machine.folders[0]}], to: ${s.bench.vault} } }
- { id: proof, title: proof, uses: restore.verify, with: { backup: "\${{ steps.copy.backup }}" } }
- { id: off, title: off, uses: power.off, with: { grace: 5m } }`;

/** Begins the job, sets the clock by so much while its command or its copy is under way, and lets that end. */
async function jumped(by: string, during: 'command' | 'copy'): Promise<Ended> {
  s.bench.edit('hosts.yaml', `port: ${s.bench.ssh.port}`, `port: ${s.machine.ssh.port}`);
  s.bench.runbook(steps());
  await s.bench.plan();
  const setting = join(s.folder, 'clock');
  writeFileSync(setting, '+0\n');
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: setting,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const go = (): void => writeFileSync(join(s.folder, 'go'), '');
  const held = during === 'copy' ? s.hold('tar', '*-c*') : undefined;
  if (held !== undefined) go();
  const run = s.bench.start(s.bench.unattended, { env });
  await until('it has begun', () => (held === undefined ? existsSync(join(s.folder, 'began')) : held.calls() > 0), run);
  writeFileSync(setting, `${by}\n`);
  held?.letGo();
  go();
  return await run.ended;
}
const times = (): readonly number[] => s.bench.events().map((e) => Date.parse(e.ts));
const hours = (ms: number): number => Math.round(ms / 3_600_000);

test('forwards by five hours, the run goes through: nothing waits longer or shorter for it, and the log is whole', async () => {
  const ended = await jumped('+5h', 'command');
  expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
  expect(hours((times().at(-1) ?? 0) - (times()[0] ?? 0))).toBe(5);
  expect(await s.machine.power.get()).toBe('off');
  await ends(s.bench.decom('audit', 'verify', 'practice'), 0);
});

test('backwards by five hours, what was seen "later" tells no age: the run waits before the power off, and goes on when time has come', async () => {
  const ended = await jumped('-5h', 'copy');
  expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(4);
  expect(ended.stdout).toContain('[evidence-time]');
  expect(hours((times().at(-1) ?? 0) - (times()[0] ?? 0))).toBe(-5);
  expect(await s.machine.power.get()).toBe('on');
  // With the right time again.
  await ends(s.bench.decom('resume', 'practice', '--non-interactive', `--confirm=${s.machine.identity.serial}`), 0);
  expect(await s.machine.power.get()).toBe('off');
  await ends(s.bench.decom('audit', 'verify', 'practice'), 0);
});
