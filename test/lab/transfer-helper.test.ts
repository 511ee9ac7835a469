import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PerformContext } from '../../src/core/action.ts';
import type { Outcome } from '../../src/core/operation.ts';
import type { Machine } from '../../src/core/ports.ts';
import type { TreeComparison } from '../../src/core/probe.ts';
import { ok } from '../../src/core/result.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import type { TransferDeps } from '../../src/effects/transfer/deps.ts';
import { transferHandlers, transferProbes } from '../../src/effects/transfer/handlers.ts';
import { context, deps, nastySource, temporary } from '../effects/transfer/fixture.ts';
import { type Account, makeAccount } from './account.ts';
import { poll } from './poll.ts';
import { type Sshd, signal, startSshd } from './sshd.ts';

/*
 * Copies that are kept on another machine: the data goes straight between the host and it. Both are real SSH servers with accounts of
 * their own; what goes through this machine is counted.
 */
let host: Sshd;
let vault: Sshd;
let hostAccount: Account;
let vaultAccount: Account;
let here: ReturnType<typeof temporary>;
let machines: Machine[];
let passed: number;
const folder = '/home/decom-vault/copies and "more"';
const place = (path: string): string => `vault:${folder}/${path}`;
const real = (path: string): string => join(folder, path);

beforeAll(async () => {
  hostAccount = makeAccount('decom-host', 'ALL=(root) NOPASSWD: ALL');
  vaultAccount = makeAccount('decom-vault');
  host = await startSshd({ user: 'decom-host', homeKeys: true });
  vault = await startSshd({ user: 'decom-vault' });
});
afterAll(async () => {
  await host?.stop();
  await vault?.stop();
  hostAccount?.remove();
  vaultAccount?.remove();
});
beforeEach(() => {
  here = temporary();
  machines = [];
  passed = 0;
  mkdirSync(folder);
  execFileSync('chown', ['decom-vault:', folder]);
  mkdirSync('/home/decom-host/.ssh', { recursive: true });
  writeFileSync('/home/decom-host/.ssh/authorized_keys', '# kept', { mode: 0o640 });
  execFileSync('chown', ['-R', 'decom-host:', '/home/decom-host/.ssh']);
});
afterEach(async () => {
  for (const machine of machines) await machine.close();
  here.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A machine behind an SSH server; what its programs say is counted. */
function machineOf(sshd: Sshd, name: string, sudo = false): Machine {
  const machine = sshMachine(
    {
      ...{ name, address: sshd.address, port: sshd.port, user: sshd.user, sudo },
      ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys },
    },
    { home: '/nonexistent', patience: { abort: 1000 } },
  );
  machines.push(machine);
  return {
    ...machine,
    async start(command, options) {
      const started = await machine.start(command, options);
      if (started.ok)
        started.value.stdout.on('data', (chunk: Buffer) => {
          passed += chunk.length;
        });
      return started;
    },
  };
}

function world(given: Partial<TransferDeps['address']> = {}): TransferDeps {
  const helper = { name: 'vault', folder, machine: machineOf(vault, 'vault') };
  return {
    ...deps(machineOf(host, 'web01', true)),
    helper: async () => ok(helper),
    address: { address: host.address, port: host.port, user: host.user, legacy: false, sudo: 'yes', ...given },
  };
}

function source(): string {
  const path = nastySource(here.path);
  execFileSync('chmod', ['755', here.path]);
  writeFileSync(join(path, 'big'), randomBytes(3_000_000));
  writeFileSync(join(path, 'of root only'), 'secret', { mode: 0o600 });
  return path;
}

const common = (from: string, to: string) => ({ on: 'vault', from: [from], exclude: [], to: place(to), root: true });
const archive = (mine: TransferDeps, from: string, to: string, how: PerformContext = context()): Promise<Outcome> =>
  transferHandlers(mine)['copy.archive']({ kind: 'copy.archive', ...common(from, to) }, how);
async function proven(mine: TransferDeps, copy: string): Promise<TreeComparison> {
  const scratch = place('scratch/one');
  const restored = await transferHandlers(mine)['copy.restore'](
    { kind: 'copy.restore', on: 'vault', copy: place(copy), scratch },
    context(),
  );
  expect(restored).toMatchObject({ outcome: 'done' });
  const compared = await transferProbes(mine)['tree.compare']({
    kind: 'tree.compare',
    copy: place(copy),
    tree: scratch,
  });
  if (!compared.known) throw new Error(`${compared.trouble.what} ${compared.trouble.detail}`);
  return compared.value;
}

/** Nothing is left that let the vault in. */
function shut(): void {
  expect(readFileSync('/home/decom-host/.ssh/authorized_keys', 'utf8').trim()).toBe('# kept');
  expect(statSync('/home/decom-host/.ssh/authorized_keys').mode & 0o777).toBe(0o640);
  expect(existsSync('/home/decom-host/.decom')).toBe(false);
}

test('a copy goes straight to the vault, is restored there, and equals the source', async () => {
  const from = source();
  const mine = world();
  const done = await archive(mine, from, 'web01/one');
  expect(done).toMatchObject({ outcome: 'done', receipt: { copy: place('web01/one') } });
  expect(passed).toBeLessThan(300_000);
  shut();
  expect(readdirSync(real('web01/one')).sort()).toEqual(['copy.json', 'data.tar', 'manifest.mtree']);
  expect(await transferProbes(mine).copy({ kind: 'copy', copy: place('web01/one') })).toMatchObject({
    known: true,
    value: { state: 'complete', description: { host: 'web01', from: [from] } },
  });
  const compared = await proven(mine, 'web01/one');
  expect(compared).toMatchObject({ equal: true, missing: [], extra: [], different: [] });
  expect(compared.attributes.find((a) => a.attribute === 'owner')?.proven).toBe(false);
  // The mtree program looks at what was restored there as well; owners are root's to give.
  const said = execFileSync('sh', [
    '-c',
    'mtree -f "$1" -p "$2" || true',
    'sh',
    real('web01/one/manifest.mtree'),
    real('scratch/one'),
  ]).toString();
  expect(
    said.split('\n').filter((line) => /^\t(?!user |gid )|^(extra|missing)|^\.\/.* (extra|missing)/.test(line)),
  ).toEqual([]);
  writeFileSync(join(real('scratch/one'), from, 'plain'), 'other');
  expect(
    await transferProbes(mine)['tree.compare']({
      kind: 'tree.compare',
      copy: place('web01/one'),
      tree: place('scratch/one'),
    }),
  ).toMatchObject({ known: true, value: { equal: false, counts: { different: 1, missing: 0, extra: 0 } } });
  expect(
    await transferHandlers(mine)['scratch.remove'](
      { kind: 'scratch.remove', on: 'vault', scratch: place('scratch/one') },
      context(),
    ),
  ).toMatchObject({ outcome: 'done' });
  expect(existsSync(real('scratch'))).toBe(false);
});

test('with a relay the data goes by way of this machine, and the host lets nobody in', async () => {
  const from = source();
  const mine = world({ port: 1 });
  const done = await transferHandlers(mine)['copy.archive'](
    { kind: 'copy.archive', ...common(from, 'web01/one'), relay: true },
    context(),
  );
  expect(done).toMatchObject({ outcome: 'done' });
  expect(passed).toBeGreaterThan(3_000_000);
  shut();
  expect(await proven(mine, 'web01/one')).toMatchObject({ equal: true });
});

test('a vault that cannot reach the host, or meets another machine there, is told so before and in the act', async () => {
  const from = source();
  const nowhere = world({ port: 1 });
  expect(await transferProbes(nowhere)['helper.way']({ kind: 'helper.way', helper: 'vault' })).toMatchObject({
    known: false,
    trouble: { code: 'helper-no-way', what: 'vault cannot reach web01 at 127.0.0.1 port 1' },
  });
  expect(await archive(nowhere, from, 'web01/one')).toMatchObject({
    outcome: 'failed',
    trouble: { code: 'helper-no-way', what: 'vault could not reach web01 at 127.0.0.1 port 1, or lost it' },
  });
  shut();
  const other = world({ port: vault.port });
  expect(await transferProbes(other)['helper.way']({ kind: 'helper.way', helper: 'vault' })).toMatchObject({
    known: false,
    trouble: { code: 'helper-other-host' },
  });
  expect(await archive(other, from, 'web01/one')).toMatchObject({
    outcome: 'failed',
    trouble: { code: 'helper-no-way' },
  });
  shut();
  expect(await transferProbes(world())['helper.way']({ kind: 'helper.way', helper: 'vault' })).toEqual({
    known: true,
    value: { lacks: [] },
  });
});

test('a host that does not read the key of the login says so', async () => {
  const strict = await startSshd({ user: 'decom-host' });
  try {
    const from = source();
    const mine = world({ port: strict.port });
    const failed = await archive({ ...mine, machine: machineOf(strict, 'web01', true) }, from, 'web01/one');
    expect(failed).toMatchObject({ outcome: 'failed', trouble: { code: 'not-admitted' } });
    shut();
  } finally {
    await strict.stop();
  }
});

test('nothing outside the declared folder is touched, wherever a link in it leads', async () => {
  const from = source();
  const mine = world();
  const elsewhere = join(here.path, 'elsewhere');
  mkdirSync(elsewhere);
  chmodSync(elsewhere, 0o777);
  symlinkSync(elsewhere, real('web01'));
  expect(await archive(mine, from, 'web01/one')).toMatchObject({
    outcome: 'failed',
    trouble: {
      code: 'link-in-folder',
      what: `on vault, "web01" on the way to vault:${real('web01/one')} is a symbolic link; none is followed there`,
    },
  });
  for (const path of ['/home/decom-vault/other/one', `${folder}/../one`, `${folder}/./one`, '/one', `${folder}2/one`]) {
    const outside = { kind: 'copy.archive', ...common(from, ''), to: `vault:${path}` } as const;
    expect(await transferHandlers(mine)['copy.archive'](outside, context())).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'outside-folder' },
    });
    expect(
      await transferHandlers(mine)['scratch.remove'](
        { kind: 'scratch.remove', on: 'vault', scratch: `vault:${path}` },
        context(),
      ),
    ).toMatchObject({ outcome: 'failed', trouble: { code: 'outside-folder' } });
  }
  expect(readdirSync(elsewhere)).toEqual([]);
  expect(readdirSync('/home/decom-vault').filter((name) => !name.startsWith('.'))).toEqual(['copies and "more"']);
});

test('files of somebody else are never cleared away', async () => {
  const from = source();
  const mine = world();
  mkdirSync(real('web01/one.partial'), { recursive: true });
  writeFileSync(real('web01/one.partial/precious'), 'x');
  mkdirSync(real('scratch/one'), { recursive: true });
  writeFileSync(real('scratch/one/precious'), 'x');
  execFileSync('chown', ['-R', 'decom-vault:', folder]);
  expect(await archive(mine, from, 'web01/one')).toMatchObject({ outcome: 'failed', trouble: { code: 'not-ours' } });
  expect(
    await transferHandlers(mine)['scratch.remove'](
      { kind: 'scratch.remove', on: 'vault', scratch: place('scratch/one') },
      context(),
    ),
  ).toMatchObject({ outcome: 'failed', trouble: { code: 'not-ours' } });
  expect(readFileSync(real('web01/one.partial/precious'), 'utf8')).toBe('x');
  expect(readFileSync(real('scratch/one/precious'), 'utf8')).toBe('x');
});

test('a copy whose connection is lost ends on the vault and the host, and is made anew', async () => {
  const from = source();
  const without = '#!/bin/sh\ncase "$*" in *-c*) while echo more; do sleep 0.125; done ;; esac\nexec /bin/tar "$@"\n';
  writeFileSync(join(here.path, 'tar'), without, { mode: 0o755 });
  const slow = await startSshd({ user: 'decom-host', homeKeys: true, path: `${here.path}:/usr/bin:/bin` });
  const sleeping = (): boolean => execFileSync('ps', ['-eo', 'args=']).toString().includes('sleep 0.125');
  try {
    const mine = world({ port: slow.port, sudo: 'no' });
    const login = machineOf(slow, 'web01');
    const copy = transferHandlers({ ...mine, machine: login })['copy.archive'](
      { kind: 'copy.archive', ...common(from, 'web01/one'), root: false },
      context(),
    );
    await poll('tar sends without end', () => sleeping() || undefined);
    const servers = vault.sessions().filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sshd'));
    for (const server of servers) signal(server, 'SIGKILL');
    expect(await copy).toMatchObject({ outcome: 'failed', trouble: { code: 'connection-lost' } });
    await poll('nothing is left running', () => !sleeping() || undefined);
  } finally {
    await slow.stop();
  }
  expect(await archive(world(), from, 'web01/one')).toMatchObject({ outcome: 'done' });
  shut();
});

test('a line that cannot be taken out is told, and lets nobody do anything', async () => {
  const from = source();
  const keys = '/home/decom-host/.ssh/authorized_keys';
  const fills = join(here.path, 'tar');
  // The keys cannot be written any more once tar runs.
  writeFileSync(fills, `#!/bin/sh\ncase "$*" in *-c*) sudo -n chattr +i ${keys} ;; esac\nexec /bin/tar "$@"\n`, {
    mode: 0o755,
  });
  const closing = await startSshd({ user: 'decom-host', homeKeys: true, path: `${here.path}:/usr/bin:/bin` });
  try {
    const mine = world({ port: closing.port, sudo: 'no' });
    const copied = await transferHandlers({ ...mine, machine: machineOf(closing, 'web01') })['copy.archive'](
      { kind: 'copy.archive', ...common(from, 'web01/one'), root: false },
      context(),
    );
    expect(copied).toMatchObject({
      outcome: 'failed',
      trouble: {
        code: 'still-admitted',
        what: "a line of decom's stays in ~/.ssh/authorized_keys on web01; what it ran is removed, so it lets nobody do anything",
        fix: 'Remove every line there that ends in "decom:one", and ~/.decom/way.',
      },
    });
    expect(existsSync('/home/decom-host/.decom')).toBe(false);
  } finally {
    execFileSync('chattr', ['-i', keys]);
    await closing.stop();
  }
  expect(await archive(world(), from, 'web01/one')).toMatchObject({ outcome: 'done' });
  shut();
});

test('links where the files of a copy will stand are not written through', async () => {
  const from = source();
  const mine = world();
  const precious = join(here.path, 'precious');
  writeFileSync(precious, 'x', { mode: 0o666 });
  chmodSync(precious, 0o666);
  mkdirSync(real('web01/one.partial'), { recursive: true });
  symlinkSync(precious, real('web01/one.partial/partial.json'));
  execFileSync('chown', ['-Rh', 'decom-vault:', folder]);
  expect(await archive(mine, from, 'web01/one')).toMatchObject({ outcome: 'done' });
  mkdirSync(real('scratch'));
  symlinkSync(precious, real('scratch/one.decom-scratch'));
  execFileSync('chown', ['-Rh', 'decom-vault:', folder]);
  expect(
    await transferHandlers(mine)['copy.restore'](
      { kind: 'copy.restore', on: 'vault', copy: place('web01/one'), scratch: place('scratch/one') },
      context(),
    ),
  ).toMatchObject({ outcome: 'failed', trouble: { code: 'link-in-folder' } });
  expect(readFileSync(precious, 'utf8')).toBe('x');
});

test('a manifest that is longer than was recorded is not brought here', async () => {
  const from = source();
  const mine = world();
  expect(await archive(mine, from, 'web01/one')).toMatchObject({ outcome: 'done' });
  rmSync(real('web01/one/manifest.mtree'));
  symlinkSync('/dev/zero', real('web01/one/manifest.mtree'));
  const scratch = place('scratch/one');
  const compare = () =>
    transferProbes(mine)['tree.compare']({ kind: 'tree.compare', copy: place('web01/one'), tree: scratch });
  expect(await compare()).toMatchObject({ known: false, trouble: { code: 'manifest-changed' } });
  rmSync(real('web01/one/manifest.mtree'));
  writeFileSync(real('web01/one/manifest.mtree'), 'x'.repeat(1_000_000));
  expect(await compare()).toMatchObject({ known: false, trouble: { code: 'manifest-changed' } });
});

test('what was changed on the vault is named as a runbook names it', async () => {
  const from = source();
  const mine = world();
  expect(await archive(mine, from, 'web01/one')).toMatchObject({ outcome: 'done' });
  const scratch = place('scratch/one');
  const restore = () =>
    transferHandlers(mine)['copy.restore'](
      { kind: 'copy.restore', on: 'vault', copy: place('web01/one'), scratch },
      context(),
    );
  expect(await restore()).toMatchObject({ outcome: 'done' });
  const flip = (file: string): void => {
    const bytes = readFileSync(file);
    bytes[600] = (bytes[600] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  };
  flip(real('web01/one/manifest.mtree'));
  const compared = await transferProbes(mine)['tree.compare']({
    kind: 'tree.compare',
    copy: place('web01/one'),
    tree: scratch,
  });
  expect(compared).toMatchObject({ known: false, trouble: { code: 'manifest-changed' } });
  expect(compared.known ? '' : compared.trouble.what).toContain(
    `${place('web01/one/manifest.mtree')} is not what was written: its SHA-256 is `,
  );
  flip(real('web01/one/data.tar'));
  const restored = await restore();
  expect(restored).toMatchObject({ outcome: 'failed', trouble: { code: 'archive-changed' } });
  expect(restored.outcome === 'done' ? '' : restored.trouble.what).toContain(
    `${place('web01/one/data.tar')} is not what was written: its SHA-256 is `,
  );
});

test('an archive that comes damaged is not cured by what no helper can do', async () => {
  const from = source();
  const short = '#!/bin/sh\ncase "$*" in *-c*) /bin/tar "$@" | head -c 100000; exit 0 ;; esac\nexec /bin/tar "$@"\n';
  writeFileSync(join(here.path, 'tar'), short, { mode: 0o755 });
  const cutting = await startSshd({ user: 'decom-host', homeKeys: true, path: `${here.path}:/usr/bin:/bin` });
  try {
    const mine = world({ port: cutting.port, sudo: 'no' });
    const copied = await transferHandlers({ ...mine, machine: machineOf(cutting, 'web01') })['copy.archive'](
      { kind: 'copy.archive', ...common(from, 'web01/one'), root: false },
      context(),
    );
    expect(copied).toMatchObject({
      outcome: 'failed',
      trouble: {
        code: 'archive-damaged',
        fix: 'Try again; if it happens again, copy to a place here with backup.rsync.',
      },
    });
  } finally {
    await cutting.stop();
  }
  shut();
});

test.each([undefined, true as const])('a vault whose disk is full is told as that (relay: %s)', async (relay) => {
  const from = source();
  const mine = world();
  mkdirSync(real('web01'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=777', 'tmpfs', real('web01')]);
  try {
    const copied = await transferHandlers(mine)['copy.archive'](
      { kind: 'copy.archive', ...common(from, 'web01/one'), ...(relay === undefined ? {} : { relay }) },
      context(),
    );
    expect(copied).toMatchObject({
      outcome: 'failed',
      trouble: {
        code: 'disk-full',
        what: `the disk is full on vault, at ${real('web01/one.partial/data.tar')}`,
        fix: 'Free some room or choose another place, then resume.',
      },
    });
  } finally {
    // The pause between two reports of the length may not be over there.
    execFileSync('umount', ['--lazy', real('web01')]);
  }
  shut();
});

test('a login that prints something is named as the cause', async () => {
  const from = source();
  writeFileSync('/home/decom-host/.bashrc', 'echo hello from bashrc\n');
  try {
    expect(await archive(world(), from, 'web01/one')).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'login-talks' },
    });
  } finally {
    rmSync('/home/decom-host/.bashrc');
  }
  shut();
});
