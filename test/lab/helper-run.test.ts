import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { call, type Ended } from '../faults/program.ts';
import { type Account, makeAccount } from './account.ts';
import { poll } from './poll.ts';
import { type Sshd, startSshd } from './sshd.ts';

/*
 * The built program with a vault as a machine of its own: planned, rehearsed, run, proved, and told of in the report; killed while
 * the vault fetches, and taken up again.
 */
let host: Sshd;
let vault: Sshd;
let accounts: readonly Account[];
let folder: string;
const kept = '/home/decom-vault2/copies';
const home = '/home/decom-host2';

beforeAll(async () => {
  accounts = [makeAccount('decom-host2', 'ALL=(root) NOPASSWD: ALL'), makeAccount('decom-vault2')];
  // tar waits before it says anything for as long as there is a file named "hold" beside it.
  mkdirSync(join(home, 'bin'));
  const tar = `#!/bin/sh\ncase "$*" in *-c*) while [ -e ${home}/bin/hold ]; do printf ''; sleep 0.0625; done ;; esac\nexec /bin/tar "$@"\n`;
  writeFileSync(join(home, 'bin', 'tar'), tar, { mode: 0o755 });
  host = await startSshd({ user: 'decom-host2', homeKeys: true, path: `${home}/bin:/usr/bin:/bin:/usr/sbin` });
  vault = await startSshd({ user: 'decom-vault2' });
});
afterAll(async () => {
  await host?.stop();
  await vault?.stop();
  for (const account of accounts ?? []) account.remove();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-helper-run-'));
  mkdirSync(kept);
  execFileSync('chown', ['decom-vault2:', kept]);
  mkdirSync(join(folder, 'runbooks'));
  mkdirSync(join(folder, 'data', 'deep'), { recursive: true });
  execFileSync('chmod', ['755', folder]);
  writeFileSync(join(folder, 'data', 'a b'), 'text');
  writeFileSync(join(folder, 'data', 'deep', 'file'), 'x'.repeat(100_000));
  write('decom.yaml', workspace());
  write('hosts.yaml', `hosts:\n  web01:\n    addresses: [${host.address}]\n    serial: "S-1"\n${ssh(host, 4)}`);
  runbook('backup.archive');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(kept, { recursive: true, force: true });
  // The claim of a run that is still open, too.
  for (const left of ['.ssh', '.decom']) rmSync(join(home, left), { recursive: true, force: true });
  rmSync(join(home, 'bin', 'hold'), { force: true });
});

const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
const ssh = ({ port, user, userKey, hostKeys }: Sshd, indent: number): string =>
  [
    'ssh:',
    `  port: ${port}`,
    `  user: ${user}`,
    `  identity_files: [${userKey}]`,
    '  config: none',
    `  host_keys: ["${hostKeys[0]}"]`,
    '',
  ]
    .map((line) => (line === '' ? '' : `${' '.repeat(indent)}${line}`))
    .join('\n');
const workspace = (where = kept): string =>
  `decom: 1\nstate: ./state\nhelpers:\n  vault:\n    address: ${vault.address}\n    folder: ${where}\n${ssh(vault, 4)}`;

const runbook = (uses: string, to = `vault:${kept}/all`): void =>
  write(
    'runbooks/copy.yaml',
    `decom: 1
name: copy
title: Copy
phases:
  - phase: copy
    title: Copy
    steps:
      - id: files
        title: Copy the data
        uses: ${uses}
        with: { from: ["${folder}/data"], to: "${to}" }
      - id: proof
        title: Prove the copy
        uses: restore.verify
        with: { backup: "\${{ steps.files.backup }}" }
`,
  );

const decom = (...args: readonly string[]): Promise<Ended> => call(args, { cwd: folder }).ended;
async function ends(ended: Promise<Ended>, code: number): Promise<Ended> {
  const value = await ended;
  expect(value.code, `${value.stdout}\n${value.stderr}`).toBe(code);
  return value;
}
/** Nothing is left that lets the vault in to the host: neither there nor on the vault. */
function shut(): void {
  expect(execFileSync('find', [kept, '-name', 'way']).toString()).toBe('');
  const keys = join(home, '.ssh', 'authorized_keys');
  expect(existsSync(keys) ? readFileSync(keys, 'utf8') : '').toBe('');
  expect(existsSync(join(home, '.decom', 'way'))).toBe(false);
}

test('a copy on a vault: planned, rehearsed, run, proved and told', async () => {
  expect((await ends(decom('validate'), 0)).stdout).toContain('copy');
  const planned = await ends(decom('plan', 'web01', '-o', 'plan.json'), 0);
  expect(planned.stdout).toContain(`helper vault  at ${vault.address}; only ${kept} is changed there`);
  expect(planned.stdout).toContain('straight between the two; for that time vault is let in to the host');
  expect(planned.stdout).toMatch(/restore the copy \(known after files\) into an empty folder where it is kept/);
  expect(planned.stdout).not.toContain('blocker');
  await ends(decom('run', '--plan', 'plan.json', '--dry-run', '--non-interactive'), 0);
  expect(readdirSync(kept)).toEqual([]);
  const ran = await ends(decom('run', '--plan', 'plan.json', '--non-interactive', '--confirm=S-1'), 0);
  expect(ran.stderr).toContain(`in vault:${kept}/all/web01/`);
  expect(ran.stderr).toContain('2 files, 97.7 KiB restored and equal');
  shut();
  expect(existsSync(join(kept, 'scratch'))).toBe(false);
  const [copy = ''] = readdirSync(join(kept, 'all', 'web01'));
  expect(copy).toMatch(/^[0-9a-f]{12}-files$/);
  expect((await ends(decom('report', 'web01'), 0)).stdout).toContain(`vault:${kept}/all/web01/${copy}`);
  await ends(decom('audit', 'verify', 'web01'), 12);
});

test('backup.rsync keeps no copy on a helper, and says so', async () => {
  runbook('backup.rsync');
  const refused = await ends(decom('validate'), 2);
  expect(refused.stderr).toContain('an absolute path');
});

test('a copy that was changed on the vault since the run made it proves nothing', async () => {
  await ends(decom('plan', 'web01', '-o', 'plan.json'), 0);
  writeFileSync(
    join(folder, 'runbooks', 'copy.yaml'),
    readFileSync(join(folder, 'runbooks', 'copy.yaml'), 'utf8').replace(
      '      - id: proof',
      '      - id: changed\n        title: Wait\n        uses: wait\n        with: { for: 1s }\n      - id: proof',
    ),
  );
  await ends(decom('plan', 'web01', '-o', 'plan.json'), 0);
  await ends(decom('run', '--plan', 'plan.json', '--non-interactive', '--confirm=S-1'), 9);
  const [copy = ''] = readdirSync(join(kept, 'all', 'web01'));
  const at = join(kept, 'all', 'web01', copy);
  const manifest = readFileSync(join(at, 'manifest.mtree'), 'utf8')
    .split('\n')
    .filter((line) => !line.includes('a\\040b'))
    .join('\n');
  const described = JSON.parse(readFileSync(join(at, 'copy.json'), 'utf8'));
  writeFileSync(join(at, 'manifest.mtree'), manifest);
  const sha256 = createHash('sha256').update(manifest).digest('hex');
  writeFileSync(
    join(at, 'copy.json'),
    JSON.stringify({ ...described, manifest: { sha256, bytes: Buffer.byteLength(manifest) } }),
  );
  const resumed = await poll('the wait to be over', async () => {
    const ended = await decom('resume', 'web01', '--non-interactive', '--confirm=S-1');
    return ended.code === 9 ? undefined : ended;
  });
  expect([resumed.code, `${resumed.stdout}${resumed.stderr}`]).toEqual([4, expect.stringContaining('[copy-changed]')]);
});

test('a place that no helper stands for, or outside its folder, blocks the plan', async () => {
  for (const [to, code, what] of [
    ['vualt:/x', 'unknown-helper', 'there is no helper "vualt" in decom.yaml'],
    [
      `vault:${kept}-other`,
      'outside-folder',
      `vault:${kept}-other is not inside ${kept}, the folder that is declared for vault`,
    ],
  ]) {
    runbook('backup.archive', to);
    const planned = await ends(decom('plan', 'web01'), 0);
    expect(planned.stdout).toContain(what);
    expect(planned.stdout).toContain(`[${code}]`);
  }
  expect(readdirSync(kept)).toEqual([]);
});

test('a helper is a bastion where a host is reached by way of it', async () => {
  const direct = readFileSync(join(folder, 'hosts.yaml'), 'utf8');
  write('hosts.yaml', direct.replace('    ssh:\n', '    ssh:\n      jump: [vault]\n'));
  const planned = await ends(decom('plan', 'web01'), 0);
  expect(planned.stdout).toContain(`by way of decom-vault2@${vault.address} port ${vault.port}`);
  expect(planned.stdout).toContain('nothing stands in the way');
});

test('a helper that was declared otherwise since makes a plan stale', async () => {
  await ends(decom('plan', 'web01', '-o', 'plan.json'), 0);
  mkdirSync(join(kept, 'below'));
  write('decom.yaml', workspace(join(kept, 'below')));
  const refused = await ends(decom('run', '--plan', 'plan.json', '--non-interactive', '--confirm=S-1'), 8);
  expect(refused.stderr).toContain(`helpers.vault.folder: was "${kept}", is "${kept}/below"`);
});

test('killed while the vault fetches: nothing goes on by itself, and resume makes the copy anew', async () => {
  writeFileSync(join(home, 'bin', 'hold'), '');
  await ends(decom('plan', 'web01', '-o', 'plan.json'), 0);
  const run = call(['run', '--plan', 'plan.json', '--non-interactive', '--confirm=S-1'], { cwd: folder });
  const holds = (): boolean => execFileSync('ps', ['-eo', 'args=']).toString().includes('sleep 0.0625');
  await poll('tar is held', () => holds() || undefined);
  run.signal('SIGKILL');
  await run.ended;
  // Closing the connection ends what the vault runs; the host notices when it next says something.
  const fetches = (): boolean =>
    execFileSync('ps', ['-u', 'decom-vault2', '-o', 'args=']).toString().includes('way/ssh');
  await poll('the vault has ended its ssh', () => !safely(fetches) || undefined);
  expect(readFileSync(join(home, '.ssh', 'authorized_keys'), 'utf8')).toContain('decom:');
  rmSync(join(home, 'bin', 'hold'));
  const resumed = await ends(decom('resume', 'web01', '--non-interactive', '--confirm=S-1'), 0);
  expect(resumed.stdout).toContain('2 done');
  shut();
});

test('abandoned after it was killed there, nothing stays that lets the vault in', async () => {
  writeFileSync(join(home, 'bin', 'hold'), '');
  await ends(decom('plan', 'web01', '-o', 'plan.json'), 0);
  const run = call(['run', '--plan', 'plan.json', '--non-interactive', '--confirm=S-1'], { cwd: folder });
  const holds = (): boolean => execFileSync('ps', ['-eo', 'args=']).toString().includes('sleep 0.0625');
  await poll('tar is held', () => holds() || undefined);
  run.signal('SIGKILL');
  await run.ended;
  rmSync(join(home, 'bin', 'hold'));
  const abandoned = await ends(decom('abandon', 'web01', '--reason', 'not any more'), 0);
  shut();
  const [partial = ''] = readdirSync(join(kept, 'all', 'web01'));
  expect(partial).toMatch(/-files\.partial$/);
  expect(abandoned.stdout).toContain(
    `Left behind: an unfinished copy stays at vault:${kept}/all/web01/${partial}. It is never removed by itself; to delete it on vault: rm -rf -- ${kept}/all/web01/${partial}`,
  );
});

/** `ps -u` fails where the account has no process at all. */
function safely(ask: () => boolean): boolean {
  try {
    return ask();
  } catch {
    return false;
  }
}
