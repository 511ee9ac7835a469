import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { actOf } from '../../src/core/act.ts';
import type { OperationOf } from '../../src/core/operation.ts';
import { samplesScript } from '../../src/effects/host/disk-script.ts';
import { diskHandlers, samplesProbe } from '../../src/effects/host/disks.ts';
import { jobsOn } from '../../src/effects/host/jobs.ts';
import { systemClock } from '../../src/effects/state/clock.ts';
import { machineWith } from '../effects/host/stand-ins.ts';

const size = 12 << 20;

function bench(ro: '0' | '1') {
  const folder = mkdtempSync(join(tmpdir(), 'decom-erase-'));
  const roots = { sys: join(folder, 'sys'), proc: join(folder, 'proc'), dev: join(folder, 'dev') };
  const file = join(folder, 'disk.img');
  writeFileSync(file, Buffer.alloc(size, 'secret'));
  const loop = execFileSync('losetup', ['--show', '-f', file], { encoding: 'utf8' }).trim();
  onTestFinished(() => {
    execFileSync('losetup', ['-d', loop]);
    rmSync(folder, { recursive: true, force: true });
  });
  for (const path of [join(roots.proc, 'self'), roots.dev, join(roots.sys, 'block/vdb')])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(roots.proc, 'self/mountinfo'), '27 1 250:1 / / rw - ext4 /dev/root rw\n');
  writeFileSync(join(roots.proc, 'swaps'), '');
  symlinkSync(loop, join(roots.dev, 'vdb'));
  const { rdev } = statSync(loop);
  const about = { serial: 'D-1', size: String(size / 512), ro, dev: `${(rdev >> 8) & 0xfff}:${rdev & 0xff}` };
  for (const [name, text] of Object.entries(about)) writeFileSync(join(roots.sys, 'block/vdb', name), `${text}\n`);
  const machine = machineWith({}, { environment: { DECOM_JOBS: join(folder, 'jobs') } });
  const jobs = jobsOn({ machine, clock: systemClock, sudo: 'no' });
  return { roots, file, loop, machine, jobs };
}

const erase: OperationOf<'disk.erase'> = {
  ...{
    kind: 'disk.erase',
    on: 'host',
    serial: 'D-1',
    wwn: '',
    size,
    sector: 512,
    technique: 'overwrite',
    seed: 'a seed',
    verify: 'sampled',
  },
};
const place = { run: 'abc', step: 'erase', direction: 'forth', attempt: 1, n: 0 } as const;
const context = { signal: new AbortController().signal, progress: () => {} };

it('an erase is kept by the host, found again there, and read back at every place', { timeout: 120_000 }, async () => {
  const { roots, file, loop, machine, jobs } = bench('0');
  const there = await jobs.prepare(erase, place);
  if (!there.ok || there.value === null) throw new Error(JSON.stringify(there));
  const act = actOf(there.value, place);
  const { 'disk.erase': perform } = diskHandlers({ machine, jobs, clock: systemClock, roots });
  const done = await perform(erase, { ...context, act });
  expect(done).toMatchObject({
    outcome: 'done',
    receipt: { exit: 0, stdout_tail: expect.stringMatching(/^erased \d+ \d+ dd/) },
  });
  expect(await jobs.recall(erase, act, context)).toEqual(done);
  execFileSync('blockdev', ['--flushbufs', loop]);
  expect(readFileSync(file).equals(Buffer.alloc(size))).toBe(true);
  const asked = { kind: 'disk.samples', serial: 'D-1', wwn: '', size, sector: 512, seed: 'a seed' } as const;
  const probe = samplesProbe(machine, samplesScript(roots));
  expect(await probe({ ...asked, how: 'full' })).toEqual({
    ...{ known: true, value: { bytes: size + 1024, places: 3, other: 0, first: null } },
  });
  const sampled = await probe({ ...asked, how: 'sampled' });
  expect(sampled).toMatchObject({ known: true, value: { places: 2002, other: 0 } });
});

it('an erase that the host refused says why in its own words, also when it is found again', async () => {
  const { roots, file, machine, jobs } = bench('1');
  const there = await jobs.prepare(erase, place);
  if (!there.ok || there.value === null) throw new Error(JSON.stringify(there));
  const act = actOf(there.value, place);
  const { 'disk.erase': perform } = diskHandlers({ machine, jobs, clock: systemClock, roots });
  const what = `disk D-1 of ${machine.name} was not erased, and nothing was written to it: vdb is write-protected`;
  expect(await perform(erase, { ...context, act })).toMatchObject({
    outcome: 'failed',
    trouble: { code: 'disk-refused', what },
  });
  expect(await jobs.recall(erase, act, context)).toMatchObject({ outcome: 'failed', trouble: { what } });
  expect(readFileSync(file).equals(Buffer.alloc(size, 'secret'))).toBe(true);
});

it('is not begun where the host cannot keep it', async () => {
  const { roots, machine, jobs } = bench('0');
  const { 'disk.erase': perform } = diskHandlers({ machine, jobs, clock: systemClock, roots });
  expect(await perform(erase, context)).toMatchObject({ outcome: 'failed', trouble: { code: 'no-job-folder' } });
});
