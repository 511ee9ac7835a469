import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Act, type ActPlace, actOf } from '../../../src/core/act.ts';
import type { OperationOf } from '../../../src/core/operation.ts';
import { trouble } from '../../../src/core/result.ts';
import { secret } from '../../../src/core/secret.ts';
import { type Jobs, jobsOn } from '../../../src/effects/host/jobs.ts';
import { systemClock } from '../../../src/effects/state/clock.ts';
import type { FakeMachine } from '../../fakes/machine.ts';
import { machineWith } from './stand-ins.ts';

type Program = Omit<OperationOf<'exec'>, 'environment'>;

let folder: string;
let machine: FakeMachine;
let jobs: Jobs;
let work: Program;
const signal = new AbortController().signal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-jobs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  machine = machineWith({}, { environment: { DECOM_JOBS: join(folder, 'jobs') } });
  jobs = jobsOn({ machine, clock: systemClock, sudo: 'no' });
  /** Says in `began` that it began, and ends when it is let go. */
  work = sh('echo begun >>"$1/began"; while [ ! -e "$1/go" ]; do sleep 0.05; done; echo worked; exit 3');
});

const place: ActPlace = { run: 'abc', step: 'work', direction: 'forth', attempt: 1, n: 0 };
const exec = (argv: readonly string[], more: Partial<Program> = {}): Program => ({
  kind: 'exec',
  on: 'host',
  argv,
  root: false,
  ...more,
});
const sh = (script: string): Program => exec(['sh', '-c', script, 'sh', folder]);

async function prepared(operation: Program, at: ActPlace = place): Promise<Act> {
  const there = await jobs.prepare(operation, at);
  if (!there.ok || there.value === null) throw new Error(JSON.stringify(there));
  return actOf(there.value, at);
}

const inFolder = (name: string): string =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 240_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The most memory that each process which has `text` among its arguments has had, in KiB. */
const peaksOf = (text: string): readonly number[] =>
  readdirSync('/proc').flatMap((pid) => {
    const of = (file: string) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8');
      } catch {
        return '';
      }
    };
    const peak = of('cmdline').includes(text) ? /VmHWM:\s+(\d+) kB/.exec(of('status'))?.[1] : undefined;
    return peak === undefined ? [] : [Number(peak)];
  });

const begun = () => until('the work begins', () => inFolder('began') !== '');
const letGo = () => mkdirSync(join(folder, 'go'));
const failedWith3 = { outcome: 'failed', receipt: { exit: 3, stdout_tail: 'worked', stderr_tail: '' } };

describe('a program that outlives its connection', () => {
  it('comes to the same as one that does not', async () => {
    const operation = sh('echo out; echo err >&2; exit 4');
    expect(await jobs.run(operation, await prepared(operation), signal)).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'command-failed', what: expect.stringContaining('on fake01 ended with exit 4'), detail: 'err' },
      receipt: { exit: 4, stdout_tail: 'out', stderr_tail: 'err' },
    });
  });

  it('keeps the end of what it says, however long', async () => {
    const operation = sh('head -c 300000 /dev/zero | tr "\\0" x; printf END; printf "only this" >&2');
    const ended = await jobs.run(operation, await prepared(operation), signal);
    if (ended.outcome !== 'done') throw new Error(JSON.stringify(ended));
    expect(ended.receipt.stdout_tail).toMatch(/^x{4093}END$/);
    expect(ended.receipt.stderr_tail).toBe('only this');
  });

  it('keeps the end also where it begins after exactly what is kept whole', async () => {
    for (const [n, extra] of [0, 1, 4096, 5000].entries()) {
      const operation = sh(`head -c ${65_536 + extra} /dev/zero | tr "\\0" x | dd bs=65536 2>/dev/null; printf y`);
      const ended = await jobs.run(operation, await prepared(operation, { ...place, n }), signal);
      expect(ended).toMatchObject({ outcome: 'done', receipt: { stdout_tail: `${'x'.repeat(4095)}y` } });
    }
  });

  it('that writes many megabytes on one line is read as it writes, and no shell on the host holds the line', async () => {
    const operation = sh(
      'head -c 16777216 /dev/zero | tr "\\0" x; echo written >"$1/began"; while [ ! -e "$1/go" ]; do sleep 0.05; done; printf END',
    );
    const act = await prepared(operation);
    const running = jobs.run(operation, act, signal);
    await begun();
    expect(Math.max(...peaksOf(join(act.folder, act.name)))).toBeLessThan(8 * 1024);
    letGo();
    expect(await running).toMatchObject({ outcome: 'done', receipt: { stdout_tail: `${'x'.repeat(4093)}END` } });
  });

  it('gets values of any text in its environment, in the folder that was asked for', async () => {
    const values = { A: 'two\nlines\n', B: 'quote \' " $x `y` \\', C: '', D: 'end' };
    const operation = exec(['sh', '-c', 'pwd; printf "%s|" "$A" "$B" "$C" "$D"'], { directory: folder });
    const act = await prepared(operation);
    const environment = { ...values, D: secret(values.D) };
    expect(await jobs.run({ ...operation, environment }, act, signal)).toMatchObject({
      receipt: { stdout_tail: `${folder}\n${Object.values(values).join('|')}|` },
    });
  });

  it('has ended when it has, although it left something running', async () => {
    const operation = sh('echo started; sleep 607.25 & echo $! >"$1/left"; exit 0');
    expect(await jobs.run(operation, await prepared(operation), signal)).toMatchObject({
      outcome: 'done',
      receipt: { stdout_tail: 'started' },
    });
    // Throws if it had been waited for.
    process.kill(Number(inFolder('left')), 'SIGKILL');
  });

  it('is told as killed where a signal ended it, and as missing where it is not there', async () => {
    const killed = sh('kill -KILL $$');
    expect(await jobs.run(killed, await prepared(killed), signal)).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'command-killed', what: expect.stringContaining('was ended by SIGKILL (exit 137)') },
    });
    const missing = exec(['no-such-program-here']);
    const act = await prepared(missing, { ...place, n: 1 });
    expect(await jobs.run(missing, act, signal)).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'tool-missing', what: 'there is no program no-such-program-here on fake01' },
    });
  });
});

describe('a connection that is lost', () => {
  it('is made again, and the true end of the program comes back', async () => {
    const act = await prepared(work);
    const ended = jobs.run(work, act, signal);
    await begun();
    machine.cut();
    letGo();
    expect(await ended).toMatchObject(failedWith3);
    expect(inFolder('began')).toBe('begun\n');
  });

  it('and does not come back within the patience, leaves the program in doubt, never guessed', async () => {
    jobs = jobsOn({ machine, clock: systemClock, sudo: 'no', patience: 1000 });
    const act = await prepared(work);
    const ended = jobs.run(work, act, signal);
    await begun();
    machine.unreachable(trouble('no-route', 'there is no route', 'Wait.'));
    machine.cut();
    expect(await ended).toMatchObject({ outcome: 'unknown', trouble: { code: 'connection-lost' } });
    expect(await jobs.recall(work, act, { signal })).toMatchObject({
      outcome: 'unreached',
      trouble: { code: 'no-route' },
    });
    machine.unreachable(undefined);
    letGo();
    expect(await jobs.recall(work, act, { signal })).toMatchObject(failedWith3);
  });

  it('before the program began, keeps it from ever beginning', async () => {
    const operation = sh('touch "$1/began"');
    const act = await prepared(operation);
    expect(await jobs.recall(operation, act, { signal })).toEqual({ outcome: 'never' });
    // What was on its way comes late.
    expect(await jobs.run(operation, act, signal)).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'never-began' },
    });
    expect(existsSync(join(folder, 'began'))).toBe(false);
  });
});

describe('another process, later', () => {
  it('waits for a program that still runs, and learns its end', async () => {
    const act = await prepared(work);
    void jobs.run(work, act, signal);
    await begun();
    const other = jobsOn({ machine, clock: systemClock, sudo: 'no' });
    const recalled = other.recall(work, act, { signal });
    letGo();
    expect(await recalled).toMatchObject(failedWith3);
    expect(await other.recall(work, act, { signal })).toMatchObject(failedWith3);
    expect(inFolder('began')).toBe('begun\n');
  });

  it('does not take a job that was killed for one that ended', async () => {
    const act = await prepared(work);
    const ended = jobs.run(work, act, signal);
    await begun();
    const [pid] = readFileSync(join(act.folder, act.name, 'pid'), 'utf8').split(' ');
    process.kill(-Number(pid), 'SIGKILL');
    const doubt = { outcome: 'unknown', trouble: { code: 'job-gone' } };
    expect(await ended).toMatchObject(doubt);
    expect(await jobs.recall(work, act, { signal })).toMatchObject(doubt);
  });

  it('does not take what ran before a restart of the host for something it knows', async () => {
    const act = await prepared(work);
    expect(await jobs.recall(work, { ...act, boot: '00000000-0000-0000-0000-000000000000' }, { signal })).toMatchObject(
      {
        outcome: 'unknown',
        trouble: { code: 'rebooted', what: 'fake01 was restarted while sh was under way on it' },
      },
    );
    expect(existsSync(join(act.folder, act.name))).toBe(false);
  });

  it('does not take a folder that is gone for an act that never began', async () => {
    const act = await prepared(work);
    rmSync(act.folder, { recursive: true });
    expect(await jobs.recall(work, act, { signal })).toMatchObject({
      outcome: 'unknown',
      trouble: { code: 'job-folder' },
    });
  });
});

describe('stopping', () => {
  it('believes no end of a program whose children were ended, neither at once nor later', async () => {
    // Its exit is 0 whatever becomes of the child that it waits for.
    const operation = sh('sleep 62.5 & echo begun >"$1/began"; wait; exit 0');
    const act = await prepared(operation);
    const stop = new AbortController();
    const ended = jobs.run(operation, act, stop.signal);
    await begun();
    stop.abort();
    expect(await ended).toMatchObject({ outcome: 'unknown', trouble: { code: 'aborted' } });
    // What the race between the child's end and its parent's may leave behind.
    writeFileSync(join(act.folder, act.name, 'rc'), '0  \n');
    expect(await jobs.recall(operation, act, { signal })).toMatchObject({
      outcome: 'unknown',
      trouble: { code: 'job-gone' },
    });
  });

  it('ends the program with all it started, and leaves it in doubt', async () => {
    const operation = sh('sleep 61.5 & echo begun >"$1/began"; wait');
    const act = await prepared(operation);
    const stop = new AbortController();
    const ended = jobs.run(operation, act, stop.signal);
    await begun();
    stop.abort();
    expect(await ended).toMatchObject({ outcome: 'unknown', trouble: { code: 'aborted' } });
    await until('nothing is left of it', () => running('sleep\u000061.5') === 0);
  });
});

describe('the folder of a run', () => {
  it('is closed to others, and gone when the run is forgotten', async () => {
    const operation = sh('exit 0');
    const act = await prepared(operation);
    await jobs.run(operation, act, signal);
    expect(act.folder).toBe(join(folder, 'jobs', 'abc', 'work'));
    expect(readdirSync(join(act.folder, act.name)).sort()).toEqual(['err', 'out', 'pid', 'rc']);
    await jobs.forget('abc');
    expect(existsSync(join(folder, 'jobs', 'abc'))).toBe(false);
  });

  it('that was open to others is closed to them', async () => {
    mkdirSync(join(folder, 'jobs'));
    chmodSync(join(folder, 'jobs'), 0o777);
    await prepared(sh('exit 0'));
    expect(statSync(join(folder, 'jobs')).mode & 0o777).toBe(0o700);
  });

  it('that is a symlink is not used', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'jobs'));
    expect(await jobs.prepare(work, place)).toMatchObject({
      ok: false,
      error: {
        code: 'no-job-folder',
        what: `no folder can be made on fake01 that remembers what is begun there (tried ${join(folder, 'jobs')})`,
      },
    });
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
  });

  it('of a host that cannot be asked is none: nothing is begun', async () => {
    machine.unreachable(trouble('no-route', 'there is no route', 'Wait.'));
    expect(await jobs.prepare(work, place)).toMatchObject({ ok: false, error: { code: 'no-route' } });
  });
});

const running = (words: string): number =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(words);
      } catch {
        return false;
      }
    }).length;
