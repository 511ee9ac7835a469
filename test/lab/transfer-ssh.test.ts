import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PerformContext } from '../../src/core/action.ts';
import type { Machine } from '../../src/core/ports.ts';
import type { CopyDescription, TreeComparison } from '../../src/core/probe.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { transferHandlers, transferProbes } from '../../src/effects/transfer/handlers.ts';
import { context, deps, nastySource, temporary } from '../effects/transfer/fixture.ts';
import { type Account, makeAccount } from './account.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let machine: Machine;
let here: ReturnType<typeof temporary>;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());
beforeEach(() => {
  here = temporary();
  machine = sshMachine(
    {
      ...{ name: 'web01', address: sshd.address, port: sshd.port, user: sshd.user, sudo: false },
      ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys },
    },
    { home: '/nonexistent', patience: { abort: 1000 } },
  );
});
afterEach(async () => {
  await machine.close();
  here.remove();
});

/** What needs root to make: other owners, devices, ACLs, extended attributes, a socket-free crowd of small files. */
function rootSource(): string {
  const source = nastySource(here.path);
  const sh = (script: string) => execFileSync('sh', ['-ec', script], { cwd: source });
  sh('chown 1234:2345 plain folder && chown -h 99:98 link');
  sh('mknod null c 1 3 && mknod disk b 254 7 && mkfifo fifo');
  sh('setfacl -m u:1234:rw "a b" && setfacl -d -m g:77:rx folder && setfattr -n user.note -v remember empty');
  sh('chmod 0000 old && chmod 1777 "empty folder"');
  mkdirSync(join(source, 'many'));
  for (let i = 0; i < 10_000; i++) writeFileSync(join(source, 'many', `f${i}`), `${i}`);
  return source;
}

type Method = 'archive' | 'rsync';
const copyBy = (
  method: Method,
  source: string,
  to: string,
  exclude: readonly string[] = [],
  how: PerformContext = context(),
) => {
  const common = { on: 'control', from: [source], exclude, to, root: true } as const;
  const handlers = transferHandlers(deps(machine));
  return method === 'archive'
    ? handlers['copy.archive']({ kind: 'copy.archive', ...common }, how)
    : handlers['copy.rsync']({ kind: 'copy.rsync', ...common, basis: null }, how);
};
const restore = (copy: string, scratch: string) =>
  transferHandlers(deps(machine))['copy.restore']({ kind: 'copy.restore', on: 'control', copy, scratch }, context());
async function compare(copy: string, tree: string): Promise<TreeComparison> {
  const seen = await transferProbes(deps(machine))['tree.compare']({ kind: 'tree.compare', copy, tree });
  if (!seen.known) throw new Error(seen.trouble.what);
  return seen.value;
}
const described = (copy: string): CopyDescription => JSON.parse(readFileSync(join(copy, 'copy.json'), 'utf8'));

/** The mtree program's own verdict; empty when it finds nothing amiss. */
function mtree(manifest: string, tree: string): string {
  try {
    return execFileSync('mtree', ['-f', manifest, '-p', tree], { encoding: 'utf8' });
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
  }
}

describe.each(['archive', 'rsync'] as const)('%s over a real sshd', (method) => {
  test('everything that root can make comes back equal, and the mtree program agrees', async () => {
    const source = rootSource();
    const [copy, scratch] = [join(here.path, 'copy'), join(here.path, 'scratch')];
    expect(await copyBy(method, source, copy)).toMatchObject({ outcome: 'done', receipt: { unread: 0 } });
    expect(await restore(copy, scratch)).toMatchObject({ outcome: 'done' });
    expect(await compare(copy, scratch)).toMatchObject({ equal: true, missing: [], extra: [], different: [] });
    expect(mtree(join(copy, 'manifest.mtree'), scratch)).toBe('');
    const at = join(scratch, source);
    expect(execFileSync('getfacl', ['-cn', join(at, 'a b')], { encoding: 'utf8' })).toContain('user:1234:rw-');
    expect(
      execFileSync('getfattr', ['-n', 'user.note', '--only-values', join(at, 'empty')], { encoding: 'utf8' }),
    ).toBe('remember');
    expect(Number(execFileSync('stat', ['-c', '%b', join(at, 'sparse')], { encoding: 'utf8' }))).toBeLessThan(100);

    // What mtree finds, the comparison finds, and the other way round.
    execFileSync('sh', ['-ec', 'chown 5 plain; rm null; mknod null c 1 5; touch "new one"; rm "st*ar"'], { cwd: at });
    const compared = await compare(copy, scratch);
    const names = [...compared.missing, ...compared.extra, ...compared.different.map((d) => d.name)].map((n) =>
      n.split('/').at(-1),
    );
    expect(names.sort()).toEqual(['new\\040one', 'null', 'plain', 'srv', 'st\\052ar']);
    const said = mtree(join(copy, 'manifest.mtree'), scratch);
    for (const word of ['new one', 'plain', 'st*ar']) expect(said).toContain(word);
  });

  test('exclusions leave out exactly what they name', async () => {
    const source = join(here.path, 's[r]v');
    for (const name of ['cache', 'cache2', 'x/cache', 'st*r', 'star', 'b\\s', 'b\\*s', '[ab]', 'a']) {
      mkdirSync(join(source, name), { recursive: true });
      writeFileSync(join(source, name, 'file'), name);
    }
    const copy = join(here.path, 'copy');
    const exclude = ['cache', 'st*r', 'b\\s', 'b\\*s', '[ab]'].map((name) => join(source, name));
    expect(await copyBy(method, source, copy, exclude)).toMatchObject({ outcome: 'done' });
    const names = readFileSync(join(copy, 'manifest.mtree'), 'utf8').match(/(?<=\/s\\133r\\135v\/)\S+(?= type=file)/g);
    expect(names).toEqual(['a/file', 'cache2/file', 'star/file', 'x/cache/file']);
    expect(await restore(copy, join(here.path, 'scratch'))).toMatchObject({ outcome: 'done' });
    expect(await compare(copy, join(here.path, 'scratch'))).toMatchObject({ equal: true });
  });

  test.each(['cut', 'aborted'] as const)(
    'a copy that is %s in the middle is never complete, and a new attempt makes it so',
    async (how) => {
      const source = join(here.path, 'srv');
      mkdirSync(source);
      for (let i = 0; i < 8; i++) writeFileSync(join(source, `large-${i}`), randomBytes(24 << 20));
      const copy = join(here.path, 'copy');
      const abort = new AbortController();
      let begun: () => void = () => undefined;
      const began = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const outcome = copyBy(method, source, copy, [], { signal: abort.signal, progress: () => begun() });
      await began;
      if (how === 'aborted') abort.abort();
      else for (const pid of sshd.sessions()) process.kill(pid, 'SIGKILL');
      expect(await outcome).toMatchObject({
        outcome: 'failed',
        trouble: { code: how === 'cut' ? 'connection-lost' : 'aborted' },
      });
      expect(await transferProbes(deps(machine)).copy({ kind: 'copy', copy })).toMatchObject({
        value: { state: 'partial' },
      });
      expect(await copyBy(method, source, copy)).toMatchObject({ outcome: 'done', receipt: { files: 8 } });
      expect(existsSync(`${copy}.partial`)).toBe(false);
      expect(await restore(copy, join(here.path, 'scratch'))).toMatchObject({ outcome: 'done' });
      expect(await compare(copy, join(here.path, 'scratch'))).toMatchObject({ equal: true });
    },
  );

  test('a full disk here is said so, and leaves nothing that looks complete', async () => {
    const source = join(here.path, 'srv');
    const vault = join(here.path, 'vault');
    for (const folder of [source, vault]) mkdirSync(folder);
    writeFileSync(join(source, 'large'), randomBytes(16 << 20));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', vault]);
    try {
      const copy = join(vault, 'copy');
      expect(await copyBy(method, source, copy)).toMatchObject({ outcome: 'failed', trouble: { code: 'disk-full' } });
      expect(existsSync(copy)).toBe(false);
      const whole = join(here.path, 'copy');
      expect(await copyBy(method, source, whole)).toMatchObject({ outcome: 'done' });
      const scratch = join(vault, 'scratch');
      execFileSync('rm', ['-rf', `${copy}.partial`]);
      expect(await restore(whole, scratch)).toMatchObject({ outcome: 'failed', trouble: { code: 'disk-full' } });
    } finally {
      execFileSync('umount', [vault]);
    }
  });

  test('a read-only place is said so', async () => {
    const source = nastySource(here.path);
    const vault = join(here.path, 'vault');
    mkdirSync(vault);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', vault]);
    try {
      expect(await copyBy(method, source, join(vault, 'copy'))).toMatchObject({
        outcome: 'failed',
        trouble: { code: 'not-writable' },
      });
      expect(await transferProbes(deps(machine)).place({ kind: 'place', path: vault })).toMatchObject({
        value: { writable: false },
      });
    } finally {
      execFileSync('umount', [vault]);
    }
  });
});

describe('a login that may not read everything', () => {
  let other: Sshd;
  let account: Account;
  beforeAll(async () => {
    account = makeAccount(`decom-copy-${process.pid}`);
    other = await startSshd({ user: account.name });
  });
  afterAll(async () => {
    await other.stop();
    account.remove();
  });

  test.each(['archive', 'rsync'] as const)('%s names what it could not read, and proves the rest', async (method) => {
    const source = join(here.path, 'srv');
    mkdirSync(join(source, 'closed'), { recursive: true });
    for (const name of ['open', 'secret file', 'closed/in']) writeFileSync(join(source, name), name);
    execFileSync('sh', ['-ec', 'chmod 755 . srv; chmod 600 "srv/secret file"; chmod 700 srv/closed'], {
      cwd: here.path,
    });
    const mine = sshMachine(
      {
        ...{ name: 'web01', address: other.address, port: other.port, user: other.user, sudo: false },
        ...{ identityFiles: [other.userKey], hostKeys: other.hostKeys },
      },
      { home: '/nonexistent' },
    );
    try {
      const copy = join(here.path, 'copy');
      const common = { on: 'control', from: [source], exclude: [], to: copy, root: false } as const;
      const handlers = transferHandlers(deps(mine));
      const outcome =
        method === 'archive'
          ? await handlers['copy.archive']({ kind: 'copy.archive', ...common }, context())
          : await handlers['copy.rsync']({ kind: 'copy.rsync', ...common, basis: null }, context());
      expect(outcome).toMatchObject({ outcome: 'done' });
      const unread = described(copy).unread;
      expect(unread.map((u) => u.name).sort()).toEqual([`.${source}/closed`, `.${source}/secret\\040file`]);
      for (const { why } of unread) expect(why).toContain('Permission denied');
      await restore(copy, join(here.path, 'scratch'));
      expect(await compare(copy, join(here.path, 'scratch'))).toMatchObject({ missing: [], extra: [] });
    } finally {
      await mine.close();
    }
  });
});
