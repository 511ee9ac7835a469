import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Claims } from '../../../src/core/claim.ts';
import { trouble } from '../../../src/core/result.ts';
import { claimsOn } from '../../../src/effects/host/claims.ts';
import { systemClock } from '../../../src/effects/state/clock.ts';
import type { FakeMachine } from '../../fakes/machine.ts';
import { machineWith } from './stand-ins.ts';

let folder: string;
let file: string;
let machine: FakeMachine;
let here: Claims;
let elsewhere: Claims;

const of = (run: string, operator: string) =>
  claimsOn({
    machine,
    sudo: false,
    clock: systemClock,
    mine: { run, operator, state: `state-${run}`, control: 'laptop' },
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-claim-'));
  file = join(folder, 'lib', 'claim');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  machine = machineWith({}, { environment: { DECOM_CLAIM: file } });
  here = of('aaaa', 'ada');
  elsewhere = of('bbbb', 'bob');
});

const seen = async (asked: ReturnType<Claims['look']>) => {
  const answer = await asked;
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
};

describe('a host', () => {
  it('is free, then claimed by the first that comes, who finds it to be its own', async () => {
    expect(await seen(here.look())).toEqual({ claim: 'free', where: file });
    expect(existsSync(file)).toBe(false);
    expect(await seen(here.take())).toEqual({ claim: 'taken', where: file });
    expect(await seen(here.take())).toEqual({ claim: 'ours', where: file });
    expect(await seen(of('aaaa', 'eve').look())).toMatchObject({ claim: 'ours' });
  });

  it('that another run has claimed says which, whose, from where and since when', async () => {
    await here.take();
    for (const asked of [elsewhere.look(), elsewhere.take()]) {
      expect(await seen(asked)).toEqual({
        claim: 'other',
        where: file,
        of: { run: 'aaaa', operator: 'ada', state: 'state-aaaa', control: 'laptop', at: expect.stringMatching(/Z$/) },
      });
    }
  });

  it('is one’s own only in the state folder that holds the run', async () => {
    await here.take();
    const copied = claimsOn({
      machine,
      sudo: false,
      clock: systemClock,
      mine: { run: 'aaaa', operator: 'ada', state: 'another', control: 'laptop' },
    });
    expect(await seen(copied.take())).toMatchObject({ claim: 'other' });
  });

  it('is no stranger’s to a look of another run from the same state folder, which cannot claim it yet', async () => {
    await here.take();
    const next = claimsOn({
      machine,
      sudo: false,
      clock: systemClock,
      mine: { run: 'cccc', operator: 'ada', state: 'state-aaaa', control: 'laptop' },
    });
    expect(await seen(next.look())).toMatchObject({ claim: 'ours' });
    expect(await seen(next.take())).toMatchObject({ claim: 'other', of: { run: 'aaaa' } });
  });

  it('is claimed by one of many that come at once', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, (_, i) => seen(of(`run${i}`, 'ada').take())));
    expect(many.map(({ claim }) => claim).sort()).toEqual([
      'other',
      'other',
      'other',
      'other',
      'other',
      'other',
      'other',
      'taken',
    ]);
  });

  it('is given up by its owner only', async () => {
    await here.take();
    await elsewhere.drop();
    expect(existsSync(file)).toBe(true);
    expect(await seen(here.drop())).toEqual({ claim: 'free', where: file });
    expect(existsSync(file)).toBe(false);
    expect(await seen(here.drop())).toEqual({ claim: 'free', where: file });
  });

  it('is taken over by naming the run that has it, and no other', async () => {
    await here.take();
    expect(await seen(elsewhere.takeOver('cccc'))).toMatchObject({ claim: 'other', of: { run: 'aaaa' } });
    expect(await seen(elsewhere.takeOver('aaaa'))).toEqual({ claim: 'taken', where: file });
    expect(await seen(here.take())).toMatchObject({ claim: 'other', of: { run: 'bbbb', operator: 'bob' } });
  });

  it('whose claim cannot be read is nobody’s to act on', async () => {
    mkdirSync(join(folder, 'lib'));
    writeFileSync(file, 'garbage\nmore of it\n');
    expect(await here.take()).toMatchObject({
      ok: false,
      error: { code: 'claim-unreadable', what: `fake01 has a claim that cannot be read: ${file}` },
    });
    expect(readFileSync(file, 'utf8')).toBe('garbage\nmore of it\n');
  });

  it('where no claim can be made is not acted on', async () => {
    writeFileSync(join(folder, 'lib'), 'a file in the way');
    expect(await here.take()).toMatchObject({
      ok: false,
      error: { code: 'claim-failed', what: `fake01 cannot be claimed: ${file} cannot be made` },
    });
  });

  it('that cannot be reached is neither free nor claimed', async () => {
    machine.unreachable(trouble('no-route', 'there is no route', 'Wait.'));
    expect(await here.take()).toMatchObject({ ok: false, error: { code: 'no-route' } });
    const dropped = await here.drop();
    expect(dropped).toMatchObject({ ok: false, error: { code: 'claim-left' } });
    expect(dropped.ok ? '' : dropped.error.fix).toBe(
      'When the host is back, remove it there: sudo rm /var/lib/decom/claim (where the login cannot become root: rm ~/.decom/claim)',
    );
  });
});
