import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endLeftServer, recordServer } from '../../../../src/effects/transfer/databases/left-server.ts';
import { temporary } from '../fixture.ts';

let here: ReturnType<typeof temporary>;
let server: ChildProcess;
let gone: Promise<NodeJS.Signals | null>;
beforeEach(() => {
  here = temporary();
  // It goes on for as long as its standard input is open.
  server = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  gone = new Promise((resolve) => server.once('exit', (_code, signal) => resolve(signal)));
});
afterEach(async () => {
  server.kill('SIGKILL');
  await gone;
  here.remove();
});

const scratch = (): string => join(here.path, 'scratch');
const record = (): string => `${scratch()}.decom-server`;
const recorded = (): void => recordServer(scratch(), server.pid ?? 0, 'SIGINT');
const change = (field: string, value: string): void =>
  writeFileSync(record(), JSON.stringify({ ...JSON.parse(readFileSync(record(), 'utf8')), [field]: value }));

test('the server that a killed process left is asked to end in its own way, and forgotten', async () => {
  recorded();
  expect(await endLeftServer(scratch())).toEqual({ ok: true, value: undefined });
  expect(await gone).toBe('SIGINT');
  expect(existsSync(record())).toBe(false);
});

test.each([
  ['another process that has its number now', 'started'],
  ['a process of another boot', 'boot'],
])('%s is left alone', async (_what, field) => {
  recorded();
  change(field, '1');
  expect(await endLeftServer(scratch())).toMatchObject({ ok: true });
  expect(existsSync(record())).toBe(false);
  server.stdin?.end();
  // It ended by itself, so no signal had reached it.
  expect(await gone).toBeNull();
});

test('a record that was cut off names nobody: its server had not been let begin', async () => {
  writeFileSync(record(), '{"pid":');
  expect(await endLeftServer(scratch())).toMatchObject({ ok: true });
  expect(existsSync(record())).toBe(false);
});

test('nothing was left where there is no record', async () => {
  expect(await endLeftServer(scratch())).toMatchObject({ ok: true });
});
