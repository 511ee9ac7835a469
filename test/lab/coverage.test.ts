import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approval, approved } from '../faults/approved.ts';
import type { Ended } from '../faults/program.ts';
import { type OldWorkspace, oldJob, oldWorkspace, serial } from './old-workspace.ts';

/*
 * A host of BusyBox behind a real sshd, and a real file system on a loop device: mounted there once the plan was made, and once the copy was proved.
 */
let w: OldWorkspace;
let image: string;
beforeAll(async () => {
  w = await oldWorkspace();
  writeFileSync(join(w.host.root, 'srv/data'), 'x'.repeat(10_000));
  image = join(w.b.folder, 'late.img');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', image, '8M']);
  w.b.write('runbooks/retire.yaml', oldJob(w.b.vault));
  w.b.write('answers.yaml', 'answers:\n  agreed: { others: true }\n');
});
afterAll(async () => {
  await w?.close();
});

const ended = (called: Ended, code: number): Ended => {
  expect(called.code, `${called.stdout}\n${called.stderr}`).toBe(code);
  return called;
};
const mount = (): void => w.host.inside(`mkdir -p "$1/srv/late" && mount -o loop '${image}' "$1/srv/late"`);
const unmount = (): void => w.host.inside('umount "$1/srv/late"');
const resume = ['resume', 'old01', '--non-interactive', '--answers', 'answers.yaml', `--confirm=${serial}`] as const;
const lost = /a file system with data is in no proved copy: \/srv\/late \(ext4 on \/dev\/loop\d+, [\d.]+ [KM]iB\)/;

test('a file system that is mounted after the plan is foreseen to be copied with the folder that it lies in', async () => {
  ended(await w.b.decom('plan', 'old01', '-o', 'plan.json'), 0);
  mount();
  const { stdout } = ended(await w.b.decom('plan', 'old01'), 0);
  expect(stdout).toMatch(/copied +\/srv\/late +[\d.]+ [KM]iB +ext4 on \/dev\/loop\d+ +in the copy of step "archive"/);
  expect(stdout).toMatch(/not kept +\/ /);
  unmount();
});

test('one that is mounted once the copy is proved keeps the power on, and is named with how much is in it', async () => {
  approved(w.b.folder);
  const begun = ['run', '--plan', 'plan.json', ...approval, '--non-interactive', '--answers', 'answers.yaml'];
  ended(await w.b.decom(...begun, `--confirm=${serial}`), 9);
  mount();
  ended(await w.b.decom('tick', 'old01', 'agreed'), 0);
  const { stdout, stderr } = ended(await w.b.decom(...resume), 4);
  expect(stdout + stderr).toMatch(lost);
  expect(stdout + stderr).toContain(
    'it was not mounted at /srv/late all the time while the copy of step "archive" was made',
  );
  expect(await w.host.power.get()).toBe('on');
});

test('without it the power goes', async () => {
  unmount();
  ended(await w.b.decom(...resume), 0);
  expect(await w.host.power.get()).toBe('off');
});
