import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { login, run } from '../practice/login.ts';
import { approved } from './approved.ts';
import { said } from './bench.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Ended, endCalls } from './program.ts';

/*
 * A process that is killed after its run has ended and before it has closed its session: nothing is lost, but the log has no end that could be signed, and the
 * host keeps the claim.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-unclosed-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
  await onHost('systemctl enable app.service && systemctl start app.service');
});
afterEach(async () => {
  await endCalls();
  await b.close();
});

const steps = `- { id: identity, title: Who it is, uses: identity.check }
- { id: app, title: Stop, uses: service.stop, with: { unit: app.service } }
- id: keep
  title: Keep the claim
  uses: command.run
  with: { shell: "cp ~/.decom/claim ~/kept", probe: { argv: [sh, -c, "cat ~/kept"] } }`;
const log = (): string => join(b.runs().at(-1) ?? '', 'audit.jsonl');
const onHost = async (command: string): Promise<string> => {
  const client = await login(machine);
  const { stdout } = await run(client, command);
  client.end();
  return stdout;
};
/** What a kill leaves that came after the run's last line. */
async function killedAfter(outcome: string): Promise<void> {
  const lines = readFileSync(log(), 'utf8').split('\n').slice(0, -1);
  expect(lines.at(-1)).toContain('"type":"session.closed"');
  expect(lines.at(-2)).toContain(`"outcome":"${outcome}"`);
  writeFileSync(
    log(),
    lines
      .slice(0, -1)
      .map((line) => `${line}\n`)
      .join(''),
  );
  await onHost('mkdir -p ~/.decom && cp ~/kept ~/.decom/claim && rm ~/kept');
}
const ended = (called: Ended, code: number): string => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return said(called, b, { [machine.identity.serial]: '<serial>' });
};

test.each<[string, string, (b: PracticeBench) => Promise<unknown>]>([
  ['done', 'done', async () => {}],
  ['rolled back', 'rolled-back', (bench) => bench.decom('rollback', 'practice', '--yes', '--reason', 'needed')],
])('a run that was %s is closed by resume, which does nothing else', async (_, outcome, then) => {
  b.runbook(outcome === 'done' ? steps : `${steps}\n- { id: later, title: Wait, uses: wait, with: { for: 14d } }`);
  await b.plan();
  approved(b.folder);
  const first = await b.decom('run', '--plan', 'plan.json', '--non-interactive');
  expect([0, 9]).toContain(first.code);
  await then(b);
  await killedAfter(outcome);
  const units = await onHost('systemctl is-active app.service; :');
  expect(ended(await b.decom('audit', 'verify', 'practice'), 12)).toContain(
    'Next: decom resume <run>, which closes it',
  );
  expect(ended(await b.decom('resume', 'practice', '--non-interactive'), 0)).toContain('had ended');
  expect(ended(await b.decom('audit', 'verify', 'practice'), 0)).toContain('closed and signed');
  expect(await onHost('cat ~/.decom/claim 2>/dev/null; :')).toBe('');
  expect(await onHost('systemctl is-active app.service; :')).toBe(units);
  expect(ended(await b.decom('resume', 'practice', '--non-interactive'), 2)).toContain('[run-closed]');
});
