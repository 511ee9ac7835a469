import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { OperationOf } from '../../../src/core/operation.ts';
import { fail, ok, trouble } from '../../../src/core/result.ts';
import { secret } from '../../../src/core/secret.ts';
import { execHandlers } from '../../../src/effects/host/exec.ts';
import { jobsOn } from '../../../src/effects/host/jobs.ts';
import { systemClock } from '../../../src/effects/state/clock.ts';
import type { FakeMachine } from '../../fakes/machine.ts';
import { machineWith } from './stand-ins.ts';

type Exec = OperationOf<'exec'>;
const perform = (
  machine: FakeMachine,
  argv: readonly string[],
  more: Partial<Exec> = {},
  signal = new AbortController().signal,
) =>
  execHandlers(
    machine,
    async (_ref, what) => (what === 'GONE' ? fail(trouble('no-secret', 'none', 'Set it.')) : ok(secret('hush'))),
    jobsOn({ machine, clock: systemClock, sudo: 'no' }),
  ).exec({ kind: 'exec', on: 'host', argv, root: false, ...more }, { signal, progress: () => undefined });
const sh = (machine: FakeMachine, script: string, more: Partial<Exec> = {}) =>
  perform(machine, ['sh', '-c', script], more);

describe('running a command as an operation', () => {
  it('that exits 0 is done, with the ends of its streams', async () => {
    expect(await sh(machineWith({}), 'echo out; echo err >&2')).toEqual({
      outcome: 'done',
      receipt: { exit: 0, stdout_tail: 'out', stderr_tail: 'err' },
    });
  });

  it('that exits otherwise has failed, with its last lines', async () => {
    expect(await sh(machineWith({}), 'seq 20 >&2; exit 4')).toMatchObject({
      outcome: 'failed',
      trouble: {
        code: 'command-failed',
        what: 'sh -c "seq 20 >&2; exit 4" on fake01 ended with exit 4',
        detail: '11\n12\n13\n14\n15\n16\n17\n18\n19\n20',
      },
      receipt: { exit: 4 },
    });
  });

  it('whose program is missing names it and how to get it', async () => {
    const path = mkdtempSync(join(tmpdir(), 'decom-bare-'));
    onTestFinished(() => rmSync(path, { recursive: true }));
    symlinkSync('/bin/sh', join(path, 'sh'));
    const result = await perform(machineWith({}, { path }), ['pg_dump', '-Fc', 'db']);
    expect(result).toMatchObject({
      outcome: 'failed',
      trouble: {
        code: 'tool-missing',
        what: 'there is no program pg_dump on fake01',
        fix: 'Install it there (Debian: apt-get install postgresql-client), or change the step.',
      },
    });
  });

  it('that exits 127 for reasons of its own is not called missing', async () => {
    expect(await sh(machineWith({}), 'echo no >&2; exit 127')).toMatchObject({ trouble: { code: 'command-failed' } });
  });

  it('that is killed has failed, and names the signal', async () => {
    expect(await sh(machineWith({}), 'kill -KILL $$')).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'command-killed' },
      receipt: { exit: null, signal: 'SIGKILL' },
    });
  });

  it('keeps at most 4 KiB of each stream, the last', async () => {
    const result = await sh(machineWith({}), 'seq 100000; seq 100000 >&2');
    if (result.outcome !== 'done') throw new Error(result.outcome);
    for (const tail of [result.receipt.stdout_tail, result.receipt.stderr_tail]) {
      expect(String(tail).length).toBeGreaterThan(4000);
      expect(String(tail).length).toBeLessThanOrEqual(4096);
      expect(String(tail).endsWith('\n99999\n100000')).toBe(true);
    }
  });

  it('writes control characters out, drops colours, and keeps the text well-formed', async () => {
    const result = await sh(machineWith({}), "printf '\\033[31mred\\033[0m\\007\\r\\n\\377 \\342\\200\\256evil'");
    expect(result).toMatchObject({ receipt: { stdout_tail: 'red\\x07\n\ufffd \\u202eevil' } });
  });

  it('keeps the limit also where written-out characters are longer', async () => {
    const result = await sh(machineWith({}), 'head -c 5000 /dev/zero');
    if (result.outcome !== 'done') throw new Error(result.outcome);
    expect(Buffer.byteLength(String(result.receipt.stdout_tail))).toBeLessThanOrEqual(4096);
  });

  it('gets its secrets by name, and does not start without one', async () => {
    const machine = machineWith({});
    const done = await sh(machine, 'printf %s "$TOKEN" | wc -c', { environment: { TOKEN: { env: 'X' } } });
    expect(done).toMatchObject({ outcome: 'done', receipt: { stdout_tail: '4' } });
    const none = await sh(machine, 'true', { environment: { GONE: { env: 'X' } } });
    expect(none).toMatchObject({ outcome: 'failed', trouble: { code: 'no-secret' } });
    expect(machine.commands).toHaveLength(1);
  });

  it('that could not be started has failed, and nothing is in doubt', async () => {
    const machine = machineWith({}, { rootTrouble: trouble('sudo-refused', 'no', 'Allow it.') });
    expect(await sh(machine, 'true', { root: true })).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'sudo-refused' },
    });
    expect(await sh(machine, 'true', { directory: '/no/such' })).toMatchObject({ trouble: { code: 'no-directory' } });
  });

  it('whose connection is lost is in doubt', async () => {
    const machine = machineWith({});
    const running = sh(machine, 'sleep 630');
    setTimeout(function cut() {
      if (machine.commands.length === 0) setTimeout(cut, 10);
      else machine.cut();
    }, 10);
    expect(await running).toMatchObject({ outcome: 'unknown', trouble: { code: 'connection-lost' } });
  });

  it('that is aborted has failed once nothing of it is left', async () => {
    const machine = machineWith({});
    const abort = new AbortController();
    const running = perform(machine, ['sleep', '630'], {}, abort.signal);
    setTimeout(function stop() {
      if (machine.commands.length === 0) setTimeout(stop, 10);
      else abort.abort();
    }, 10);
    expect(await running).toMatchObject({ outcome: 'failed', trouble: { code: 'aborted' } });
  });
});
