import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { type Person, person } from './people.ts';

/*
 * Two Unix users and a group that both are in, as every Debian has them: they drive one run by turns, by the built program.
 */
const group = { name: 'games', id: 60 };
const ids = { daemon: 1, bin: 2 } as const;
type User = keyof typeof ids;

let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
let keys: { readonly [user in User]: Person };

beforeAll(async () => {
  // Both have to get at it, whatever TMPDIR says.
  folder = mkdtempSync('/var/tmp/decom-shared-');
  chmodSync(folder, 0o755);
  const root = fileURLToPath(new URL('../../', import.meta.url));
  for (const part of ['bin', 'dist', 'package.json', 'runbooks', 'schemas'])
    cpSync(join(root, part), join(folder, 'program', part), { recursive: true });
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  b = await practiceBench(machine);
  chmodSync(b.folder, 0o755);
  const keyOf = (user: User): Person => {
    const home = join(b.folder, user);
    mkdirSync(home);
    const made = person(home, `${user}@example.org`);
    copyFileSync(machine.ssh.identityFile, join(home, 'login'));
    for (const file of [home, ...readdirSync(home).map((name) => join(home, name))])
      chownSync(file, ids[user], ids[user]);
    chmodSync(join(home, 'login'), 0o600);
    return made;
  };
  keys = { daemon: keyOf('daemon'), bin: keyOf('bin') };
  b.edit('hosts.yaml', JSON.stringify(machine.ssh.identityFile), '"~/login"');
  b.edit('hosts.yaml', /password: .*/, 'password: { env: BMC_PASSWORD }');
  b.write('allowed_signers', keys.daemon.line + keys.bin.line);
  mkdirSync(join(b.folder, 'shared'));
  chownSync(join(b.folder, 'shared'), ids.daemon, ids.daemon);
  share(group.name);
});
afterEach(() => b.close());

const share = (name: string): void =>
  b.write(
    'decom.yaml',
    `decom: 1\nstate: ./shared/state\nallowed_signers: allowed_signers\n${name === '' ? '' : `group: ${name}\n`}`,
  );
const state = (...names: readonly string[]): string => join(b.folder, 'shared', 'state', ...names);

/** The built program, as another user would call it, under a umask that opens nothing to a group. */
async function as(user: User, args: readonly string[], { groups = group.name, umask = '077' } = {}) {
  const child = spawn(
    'setpriv',
    [
      ...[
        `--reuid=${user}`,
        `--regid=${user}`,
        `--groups=${groups}`,
        '--',
        'sh',
        '-c',
        `umask ${umask}; exec "$@"`,
        'sh',
      ],
      ...[process.execPath, join(folder, 'program', 'bin', 'decom.js'), ...args],
    ],
    {
      cwd: b.folder,
      env: {
        ...{
          PATH: process.env.PATH ?? '',
          HOME: join(b.folder, user),
          LANG: 'C.UTF-8',
          USER: user,
          TMPDIR: '/var/tmp',
        },
        ...{ BMC_PASSWORD: machine.bmc.password, ...keys[user].as.env },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, said };
}
const well = async (
  ran: Promise<{ readonly code: number | null; readonly said: string }>,
  code = 0,
): Promise<string> => {
  const { code: came, said } = await ran;
  expect(came, said).toBe(code);
  return said;
};

/** Everything in the state folder with its mode and group, but what a proof restored. */
function kept(path = state()): readonly (readonly [string, string, number])[] {
  const { mode, gid } = lstatSync(path);
  const own = [path.slice(state().length), (mode & 0o7777).toString(8), gid] as const;
  return lstatSync(path).isDirectory() ? [own, ...readdirSync(path).flatMap((name) => kept(join(path, name)))] : [own];
}

const steps = `
- { id: look, title: Look at the power, uses: power.status }
- { id: hands, title: Unplug it, uses: checklist, with: { items: [{ id: left, text: Left }, { id: right, text: Right }] } }
- { id: again, title: Look again, uses: power.status }
- { id: more, title: More hands, uses: checklist, with: { items: [{ id: cord, text: Cord }] } }`;

async function parked(): Promise<void> {
  b.runbook(steps);
  b.write('answers.yaml', 'answers:\n  hands: { others: true }\n  more: { others: true }\n');
  await well(as('daemon', ['plan', 'practice', '-o', 'shared/plan.json']));
  await well(as('daemon', ['run', '--plan', 'shared/plan.json', '--non-interactive', '--answers', 'answers.yaml']), 9);
}

test('members of the group drive one run by turns, and everything that it is made of stays the group’s and nobody else’s', async () => {
  await parked();
  await well(as('bin', ['tick', 'practice', 'hands', 'left']));
  await well(as('bin', ['resume', 'practice', '--non-interactive', '--answers', 'answers.yaml']), 9);
  await well(as('daemon', ['tick', 'practice', 'hands', 'right']));
  writeFileSync(state('runs', 'practice', readdirSync(state('runs', 'practice'))[0] ?? '', 'inbox', 'x.json'), '{', {
    mode: 0o644,
  });
  await well(as('daemon', ['inbox', 'take', 'practice']), 2);
  rmSync(state('runs', 'practice', readdirSync(state('runs', 'practice'))[0] ?? '', 'inbox', 'refused', 'x.json'));
  await well(as('bin', ['resume', '--due', '--non-interactive']));
  await well(as('bin', ['run', '--plan', 'shared/plan.json', '--dry-run', '--non-interactive'], {}), 2);
  await well(as('bin', ['run', 'practice', '--dry-run', '--non-interactive'], { umask: '000' }));
  await well(as('bin', ['tick', 'practice', 'more']));
  await well(as('daemon', ['resume', '--due', '--non-interactive']));
  expect(await well(as('bin', ['audit', 'verify', 'practice']))).toContain('closed and signed');
  const all = kept();
  expect(all.length).toBeGreaterThan(12);
  for (const [path, mode, gid] of all) {
    expect(mode, path).toMatch(/^(?:2770|660)$/);
    expect(gid, path).toBe(group.id);
  }
});

test('a group that nobody knows, one that somebody is not in, and a folder that is another’s are refused with what to do', async () => {
  await parked();
  const resume = ['resume', 'practice', '--non-interactive', '--answers', 'answers.yaml'];
  share('no-such-group');
  expect(await well(as('daemon', resume), 2)).toContain(
    '"group: no-such-group" in decom.yaml names a group that this machine does not know [group-unknown]',
  );
  expect(await well(as('daemon', ['tick', 'practice', 'more']), 2)).toContain('groupadd no-such-group');
  share(group.name);
  expect(await well(as('daemon', resume, { groups: 'mail' }), 2)).toContain('usermod -aG games USER');
  const [run = ''] = readdirSync(state('runs', 'practice'));
  const log = state('runs', 'practice', run, 'audit.jsonl');
  for (const [open, close, why] of [
    [() => chmodSync(log, 0o666), () => chmodSync(log, 0o660), 'audit.jsonl: everybody may write to it'],
    [
      () => chownSync(log, ids.daemon, 8),
      () => chownSync(log, ids.daemon, group.id),
      'another group (number 8) than "games"',
    ],
    [() => chmodSync(state(), 0o2777), () => chmodSync(state(), 0o2770), 'everybody may write to'],
    [() => chmodSync(state('locks'), 0o700), () => chmodSync(state('locks'), 0o2770), 'locks has the mode 700'],
  ] as const) {
    open();
    const said = await well(as('daemon', resume), 2);
    expect(said).toContain(why);
    expect(said).toContain('[state-not-shared]');
    expect(said).toContain(`chgrp -R games`);
    close();
  }
  // Without the line it is as it was: only its owner writes to a log.
  share('');
  expect(await well(as('daemon', resume), 2)).toContain('is not a file that only its owner writes to');
  share(group.name);
  await well(as('daemon', resume), 9);
});

test('a folder that its owner used alone is given to the group by the command that the refusal names', async () => {
  share('');
  await parked();
  share(group.name);
  const refused = await well(as('daemon', ['resume', 'practice', '--non-interactive', '--answers', 'answers.yaml']), 2);
  const command = /Have its owner share it: (chgrp .*)$/m.exec(refused)?.[1] ?? '';
  execFileSync('sh', ['-c', command]);
  await well(as('bin', ['resume', 'practice', '--non-interactive', '--answers', 'answers.yaml']), 9);
});
