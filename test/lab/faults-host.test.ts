import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { approval, approved } from '../faults/approved.ts';
import type { Ended } from '../faults/program.ts';
import { answers } from './lab-runbook.ts';
import { type OldWorkspace, oldJob, oldWorkspace, serial } from './old-workspace.ts';
import { poll } from './poll.ts';

/*
 * A host that is not as it should be, in whole runs of the built program.
 */
let w: OldWorkspace;
afterEach(() => w.close());

const unattended = ['--non-interactive', '--answers', 'answers.yaml', `--confirm=${serial}`];
const run = ['run', '--plan', 'plan.json', ...approval, ...unattended];
const ended = (called: Ended, code: number): Ended => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return called;
};
const resume = (): Promise<Ended> => w.b.decom('resume', 'old01', ...unattended);
async function planned(): Promise<void> {
  w.b.write('answers.yaml', answers);
  w.b.write('runbooks/retire.yaml', oldJob(w.b.vault));
  ended(await w.b.decom('plan', 'old01', '-o', 'plan.json'), 0);
  approved(w.b.folder);
}
/** What the script of the service says. */
const runs = (): boolean => {
  try {
    w.host.inside('chroot "$1" /etc/init.d/app status');
    return true;
  } catch {
    return false;
  }
};
/** Where the host kept the command that may be done once. */
const keptAt = (): readonly string[] =>
  w.b.events().flatMap((e) => (e.type === 'operation.intended' && e.step === 'mark' ? [e.there?.folder ?? ''] : []));
const mark = (): string => {
  const file = join(w.host.root, 'srv/mark');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

describe('MaxSessions 1, and a login banner', () => {
  beforeEach(async () => {
    w = await oldWorkspace(['MaxSessions 1', 'Banner /etc/inittab']);
  });

  test('hold up no action: the whole job goes through', async () => {
    await planned();
    ended(await w.b.decom(...run), 0);
    expect(await w.host.power.get()).toBe('off');
    expect(mark()).toBe('mark\n');
    ended(await w.b.decom('audit', 'verify', 'old01'), 0);
  });
});

describe('a disk that cannot be written', () => {
  beforeEach(async () => {
    w = await oldWorkspace();
  });
  const remount = (folder: string, how: 'ro' | 'rw'): void =>
    w.host.inside(
      `mountpoint -q "$1${folder}" || mount --bind "$1${folder}" "$1${folder}"; mount -o remount,bind,${how} "$1${folder}"`,
    );

  test('at /run: what may be done once is kept in the home folder instead, and the whole job goes through', async () => {
    await planned();
    remount('/run', 'ro');
    // The service ends, and its script cannot remove the pidfile: the step has failed, and a second look finds it stopped.
    expect(ended(await w.b.decom(...run), 10).stdout).toContain('/etc/init.d/app');
    expect(keptAt()).toEqual([expect.stringMatching(/^\/root\/\.decom\/run\//)]);
    // While it is ending, what its script and its process say may contradict each other: that would be unknown.
    await poll('the service to be gone', () => (runs() ? undefined : true));
    ended(await resume(), 0);
    expect(mark()).toBe('mark\n');
    expect(await w.host.power.get()).toBe('off');
  });

  test('at /var/lib: the host cannot be claimed, so nothing is begun there', async () => {
    await planned();
    remount('/var/lib', 'ro');
    const { code, stdout } = await w.b.decom(...run);
    expect([code, stdout]).toEqual([7, expect.stringContaining('old01 cannot be claimed')]);
    expect(w.b.events().filter((e) => e.type === 'operation.intended')).toEqual([]);
    remount('/var/lib', 'rw');
    ended(await resume(), 0);
    expect(await w.host.power.get()).toBe('off');
  });

  test('at /run and at home: nothing is begun, and it is said where room is needed', async () => {
    await planned();
    for (const folder of ['/run', '/root']) remount(folder, 'ro');
    const { stdout } = ended(await w.b.decom(...run), 10);
    expect(stdout).toContain('no folder can be made on old01');
    expect(mark()).toBe('');
    for (const folder of ['/run', '/root']) remount(folder, 'rw');
    ended(await resume(), 0);
    expect(mark()).toBe('mark\n');
  });
});
