import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Keep } from '../../../src/core/keep.ts';
import type { CopyDescription, TreeComparison } from '../../../src/core/probe.ts';
import { transferHandlers, transferProbes } from '../../../src/effects/transfer/handlers.ts';
import { type FakeMachine, fakeMachine } from '../../fakes/machine.ts';
import { context, deps, nastySource, temporary } from './fixture.ts';

let here: ReturnType<typeof temporary>;
let machine: FakeMachine;
beforeEach(() => {
  here = temporary();
  machine = fakeMachine({ name: 'web01' });
});
afterEach(async () => {
  await machine.close();
  here.remove();
});

const archive = (from: readonly string[], to: string, exclude: readonly string[] = [], keep?: Keep) =>
  transferHandlers(deps(machine))['copy.archive'](
    { kind: 'copy.archive', on: 'control', from, exclude, to, root: false, ...(keep === undefined ? {} : { keep }) },
    context(),
  );

const restore = (copy: string, scratch: string) =>
  transferHandlers(deps(machine))['copy.restore']({ kind: 'copy.restore', on: 'control', copy, scratch }, context());

async function compare(copy: string, tree: string): Promise<TreeComparison> {
  const seen = await transferProbes(deps(machine))['tree.compare']({ kind: 'tree.compare', copy, tree });
  if (!seen.known) throw new Error(seen.trouble.what);
  return seen.value;
}

const described = (copy: string): CopyDescription => JSON.parse(readFileSync(join(copy, 'copy.json'), 'utf8'));

/** A copy of a nasty source, restored; and where a name of the source lies in the restored tree. */
async function restored() {
  const source = nastySource(here.path);
  const [copy, scratch] = [join(here.path, 'copy'), join(here.path, 'scratch')];
  expect(await archive([source], copy)).toMatchObject({ outcome: 'done' });
  expect(await restore(copy, scratch)).toMatchObject({ outcome: 'done' });
  return {
    source,
    copy,
    scratch,
    at: (name: string) => join(scratch, source, name),
    named: (name: string) => `.${source}/${name}`,
  };
}

test('a copy says itself until when it is kept, and by whom it may be deleted then', async () => {
  const source = nastySource(here.path);
  const copy = join(here.path, 'copy');
  expect(await archive([source], copy, [], { until: '2031-12-31', by: 'ada', why: 'tax law' })).toMatchObject({
    outcome: 'done',
  });
  expect(described(copy).kept).toEqual({ until: '2031-12-31', by: 'ada', why: 'tax law' });
  const seen = await transferProbes(deps(machine)).copy({ kind: 'copy', copy });
  expect(seen).toMatchObject({ known: true, value: { state: 'complete', description: { kept: { by: 'ada' } } } });
});

test('what is archived and restored equals the source in every attribute that a manifest has', async () => {
  const { copy, scratch } = await restored();
  expect(described(copy)).toMatchObject({ format: 1, method: 'archive', host: 'web01', serial: 'S-1', unread: [] });
  expect(readdirSync(copy).sort()).toEqual(['copy.json', 'data.tar', 'manifest.mtree']);
  const compared = await compare(copy, scratch);
  expect(compared).toMatchObject({ equal: true, missing: [], extra: [], different: [], report: null });
  expect(compared.entries).toBe(described(copy).entries);
  const proven = compared.attributes.filter((a) => a.proven).map((a) => a.attribute);
  const owner = process.getuid?.() === 0 ? ['owner'] : [];
  expect(proven).toEqual(['type', 'size', 'hash', 'mode', ...owner, 'links', 'time']);
});

test('folders of a copy are for their owner alone', async () => {
  const { copy } = await restored();
  expect(statSync(copy).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(copy)) expect(statSync(join(copy, name)).mode & 0o777).toBe(0o600);
});

/** Changes one byte and nothing that a look at the file's inode would show. */
const flipByte = (file: string, folder: string): Buffer =>
  execFileSync('sh', [
    '-c',
    'touch -r "$0" "$1" && printf X | dd of="$0" conv=notrunc status=none && touch -r "$1" "$0"',
    file,
    join(folder, 'time'),
  ]);

const changes: readonly [
  string,
  (at: (name: string) => string) => void,
  Partial<TreeComparison['counts']>,
  readonly string[],
][] = [
  ['a flipped byte', (at) => flipByte(at('plain'), here.path), { different: 1 }, ['hash']],
  ['a longer file', (at) => appendFileSync(at('plain'), '!'), { different: 1 }, ['size', 'time', 'hash']],
  ['another mode', (at) => chmodSync(at('plain'), 0o600), { different: 1 }, ['mode']],
  [
    'another time by a nanosecond',
    (at) => execFileSync('touch', ['-d', '@1.500000001', at('old')]),
    { different: 1 },
    ['time'],
  ],
];

test.each(changes)('%s in a restored file is found and named', async (_what, change, counts, attributes) => {
  const { copy, scratch, at, named } = await restored();
  const name = attributes.join() === 'time' ? 'old' : 'plain';
  change(at);
  const compared = await compare(copy, scratch);
  expect(compared).toMatchObject({ equal: false, counts: { missing: 0, extra: 0, ...counts } });
  expect(compared.different).toEqual([{ name: named(name), attributes }]);
  for (const attribute of compared.attributes.filter((a) => attributes.includes(a.attribute))) {
    expect(attribute).toEqual({ attribute: attribute.attribute, proven: false, why: 'it differs' });
  }
});

test('missing and added files, other types, other links and split hard links are found and named', async () => {
  const { copy, scratch, at, named } = await restored();
  const before = statSync(at('.'));
  unlinkSync(at('plain'));
  writeFileSync(at('added'), '');
  unlinkSync(at('empty'));
  mkdirSync(at('empty'));
  unlinkSync(at('link'));
  symlinkSync('elsewhere', at('link'));
  const linked = readFileSync(at('zz-last'));
  const { mtime } = statSync(at('zz-last'));
  unlinkSync(at('zz-last'));
  writeFileSync(at('zz-last'), linked);
  utimesSync(at('zz-last'), mtime, mtime);
  utimesSync(at('.'), before.atime, before.mtime);
  const compared = await compare(copy, scratch);
  expect(compared.missing).toEqual([named('plain')]);
  expect(compared.extra).toEqual([named('added')]);
  const different = new Map(compared.different.map((d) => [d.name, d.attributes]));
  expect(different.get(named('empty'))).toEqual(['type']);
  expect(different.get(named('link'))).toContain('links');
  expect(different.get(named('zz-last'))).toContain('links');
  expect(compared.report).not.toBeNull();
});

test('the full list of differences is kept where the answer is cut off', async () => {
  const source = join(here.path, 'many');
  mkdirSync(source);
  for (let i = 0; i < 150; i++) writeFileSync(join(source, `f${i}`), '');
  const mine = deps(machine);
  const [copy, empty] = [join(here.path, 'copy'), join(here.path, 'empty')];
  await archive([source], copy);
  mkdirSync(empty);
  const seen = await transferProbes(mine)['tree.compare']({ kind: 'tree.compare', copy, tree: empty });
  if (!seen.known || seen.value.report === null) throw new Error('no report');
  const { missing, counts, report } = seen.value;
  expect(missing).toHaveLength(100);
  const lines = Buffer.from(mine.blobs.get(report)).toString().trim().split('\n');
  expect(lines).toHaveLength(counts.missing);
  expect(JSON.parse(lines[0] ?? '')).toEqual({ difference: 'missing', name: expect.stringMatching(/^\.\//) });
});

test('an archive of which one byte was changed is not restored', async () => {
  const { copy } = await restored();
  const data = join(copy, 'data.tar');
  const bytes = readFileSync(data);
  bytes[600] = (bytes[600] ?? 0) ^ 1;
  writeFileSync(data, bytes);
  const scratch = join(here.path, 'second');
  expect(await restore(copy, scratch)).toMatchObject({ outcome: 'failed', trouble: { code: 'archive-changed' } });
  expect(existsSync(scratch)).toBe(false);
});

test('a manifest that was changed proves nothing', async () => {
  const { copy, scratch } = await restored();
  appendFileSync(join(copy, 'manifest.mtree'), './x type=file\n');
  const seen = await transferProbes(deps(machine))['tree.compare']({ kind: 'tree.compare', copy, tree: scratch });
  expect(seen).toMatchObject({ known: false, trouble: { code: 'manifest-changed' } });
});

test('a comparison that is stopped says so', async () => {
  const { copy, scratch, at } = await restored();
  writeFileSync(at('plain'), 'x'.repeat(1_000_000));
  const stop = new AbortController();
  const seen = await transferProbes(deps(machine))['tree.compare'](
    { kind: 'tree.compare', copy, tree: scratch },
    { signal: stop.signal, progress: () => stop.abort() },
  );
  expect(seen).toMatchObject({ known: false, trouble: { code: 'aborted' } });
});

test('a manifest that is gone is named by its place', async () => {
  const { copy, scratch } = await restored();
  rmSync(join(copy, 'manifest.mtree'));
  const seen = await transferProbes(deps(machine))['tree.compare']({ kind: 'tree.compare', copy, tree: scratch });
  expect(seen).toMatchObject({ known: false });
  expect(seen.known ? '' : seen.trouble.what).toContain(`${copy}/manifest.mtree: `);
});

test('an exclusion leaves out that path and what is below it, and nothing that only resembles it', async () => {
  const source = join(here.path, 'srv');
  for (const name of ['cache', 'cache2', 'x/cache', 'st*r', 'star', 'b\\s']) {
    mkdirSync(join(source, name), { recursive: true });
    writeFileSync(join(source, name, 'file'), name);
  }
  const copy = join(here.path, 'copy');
  const exclude = ['cache', 'st*r', 'b\\s'].map((name) => join(source, name));
  expect(await archive([source], copy, exclude)).toMatchObject({ outcome: 'done' });
  const names = readFileSync(join(copy, 'manifest.mtree'), 'utf8').match(/(?<=\/srv\/)\S+(?= type=file)/g);
  expect(names).toEqual(['cache2/file', 'star/file', 'x/cache/file']);
});

test('several folders and single files are one copy, and folders on the way claim nothing but that they exist', async () => {
  const source = nastySource(here.path);
  const copy = join(here.path, 'copy');
  const from = [join(source, 'plain'), join(source, 'folder'), join(source, 'folder/inner')];
  expect(await archive(from, copy)).toMatchObject({ outcome: 'done' });
  const lines = readFileSync(join(copy, 'manifest.mtree'), 'utf8').split('\n');
  expect(lines).toContain(`.${source} type=dir`);
  expect(await restore(copy, join(here.path, 'scratch'))).toMatchObject({ outcome: 'done' });
  expect(await compare(copy, join(here.path, 'scratch'))).toMatchObject({ equal: true });
});

test('a socket, which tar cannot copy, is named', async () => {
  const source = join(here.path, 'srv');
  mkdirSync(source);
  writeFileSync(join(source, 'file'), 'x');
  const server = createServer().listen(join(source, 's'));
  await new Promise((listening) => server.once('listening', listening));
  const copy = join(here.path, 'copy');
  expect(await archive([source], copy)).toMatchObject({ outcome: 'done', receipt: { unread: 1 } });
  expect(described(copy).unread).toEqual([{ name: `.${source}/s`, why: 'socket ignored' }]);
  await new Promise((closed) => server.close(closed));
});

/** A machine whose tools are only these, the first ones being given as scripts. */
function machineWith(tools: readonly string[], scripts: { readonly [name: string]: string } = {}): FakeMachine {
  const path = join(here.path, 'tools');
  mkdirSync(path);
  for (const tool of tools)
    symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(path, tool));
  for (const [name, script] of Object.entries(scripts)) writeFileSync(join(path, name), script, { mode: 0o755 });
  return fakeMachine({ name: 'old01', path });
}

/** What sh and the machine's own wrapper use. */
const basics = ['sh', 'env', 'cat', 'ps', 'kill', 'sleep', 'setsid', 'tar'].filter(
  (tool) => execFileSync('sh', ['-c', `command -v ${tool} || true`], { encoding: 'utf8' }).trim() !== '',
);

test.each(['sha256sum', 'shasum', 'openssl'])('%s alone is enough for the hashes', async (tool) => {
  machine = machineWith([...basics, tool, ...(tool === 'shasum' ? ['perl'] : [])]);
  const source = nastySource(here.path);
  const [copy, scratch] = [join(here.path, 'copy'), join(here.path, 'scratch')];
  expect(await archive([source], copy)).toMatchObject({ outcome: 'done', receipt: { unread: 0 } });
  expect(await restore(copy, scratch)).toMatchObject({ outcome: 'done' });
  expect(await compare(copy, scratch)).toMatchObject({ equal: true });
});

test('a host without a SHA-256 program that works is refused before anything is made here', async () => {
  machine = machineWith(basics, { sha256sum: '#!/bin/sh\necho 0000 -\n' });
  const source = nastySource(here.path);
  expect(await archive([source], join(here.path, 'vault', 'copy'))).toMatchObject({
    outcome: 'failed',
    trouble: {
      code: 'tool-missing',
      what: 'old01 has no SHA-256 program',
      fix: 'Install coreutils, openssl or busybox there (looked for: openssl, sha256sum, shasum, busybox), then try again.',
    },
  });
  expect(existsSync(join(here.path, 'vault'))).toBe(false);
});

test('a folder that is not there is refused by name', async () => {
  expect(await archive(['/srv/not here', here.path], join(here.path, 'copy'))).toMatchObject({
    outcome: 'failed',
    trouble: { code: 'source-missing', what: 'web01 has no /srv/not here' },
  });
});

test('a copy that exists is never overwritten', async () => {
  const { source, copy } = await restored();
  const before = readFileSync(join(copy, 'copy.json'), 'utf8');
  expect(await archive([source], copy)).toMatchObject({ outcome: 'failed', trouble: { code: 'copy-exists' } });
  expect(readFileSync(join(copy, 'copy.json'), 'utf8')).toBe(before);
});

test('an unfinished copy that decom did not make is left alone', async () => {
  const source = nastySource(here.path);
  mkdirSync(join(here.path, 'copy.partial'));
  writeFileSync(join(here.path, 'copy.partial', 'data.tar'), 'mine');
  expect(await archive([source], join(here.path, 'copy'))).toMatchObject({
    outcome: 'failed',
    trouble: { code: 'not-ours' },
  });
  expect(readFileSync(join(here.path, 'copy.partial', 'data.tar'), 'utf8')).toBe('mine');
});

/** A tar that sends the beginning of an archive, then waits for ever. */
const stuckTar = `#!/bin/sh
case "$*" in *--version*) exec /bin/tar "$@" ;; esac
/bin/tar "$@" 2>/dev/null | dd bs=512 count=40 2>/dev/null
exec sleep 1000
`;

test.each(['aborted', 'cut'] as const)(
  'a copy that is %s in the middle is partial, and the next attempt makes it whole',
  async (how) => {
    const source = nastySource(here.path);
    const copy = join(here.path, 'copy');
    const stuck = machineWith([...basics.filter((t) => t !== 'tar'), 'openssl', 'dd'], { tar: stuckTar });
    const abort = new AbortController();
    const began = new Promise<void>((begun) => {
      const operation = {
        kind: 'copy.archive',
        on: 'control',
        from: [source],
        exclude: [],
        to: copy,
        root: false,
      } as const;
      const progress = (): void => begun();
      outcome = transferHandlers(deps(stuck))['copy.archive'](operation, { signal: abort.signal, progress });
    });
    await began;
    if (how === 'cut') stuck.cut();
    else abort.abort();
    expect(await outcome).toMatchObject({
      outcome: 'failed',
      trouble: { code: how === 'cut' ? 'connection-lost' : 'aborted' },
    });
    await stuck.close();
    const probes = transferProbes(deps(machine));
    expect(await probes.copy({ kind: 'copy', copy })).toEqual({
      known: true,
      value: { state: 'partial', description: null },
    });
    expect(await archive([source], copy)).toMatchObject({ outcome: 'done' });
    expect(await probes.copy({ kind: 'copy', copy })).toMatchObject({ known: true, value: { state: 'complete' } });
    expect(existsSync(`${copy}.partial`)).toBe(false);
  },
);
let outcome: Promise<unknown>;

test('an archive that ends too early is not a copy, whatever tar says', async () => {
  machine = machineWith([...basics.filter((t) => t !== 'tar'), 'openssl', 'dd'], {
    tar: stuckTar.replace('exec sleep 1000', 'exit 0'),
  });
  const copy = join(here.path, 'copy');
  expect(await archive([nastySource(here.path)], copy)).toMatchObject({
    outcome: 'failed',
    trouble: { code: 'tar-failed', what: 'tar on old01 ended with 0 before its archive was whole' },
  });
  expect(existsSync(copy)).toBe(false);
});

test('files that change while they are read are copied and named', async () => {
  const source = join(here.path, 'srv');
  mkdirSync(source);
  writeFileSync(join(source, 'log'), 'x');
  const changing = `#!/bin/sh
case "$*" in *--version*) exec /bin/tar "$@" ;; esac
/bin/tar "$@"
echo 'tar: "./srv/log": file changed as we read it' >&2
exit 1
`;
  machine = machineWith([...basics.filter((t) => t !== 'tar'), 'openssl'], { tar: changing });
  const copy = join(here.path, 'copy');
  expect(await archive([source], copy)).toMatchObject({ outcome: 'done', receipt: { unread: 1 } });
  expect(described(copy).unread).toEqual([{ name: './srv/log', why: 'file changed as we read it' }]);
});

test('a file that is gone when its hash is to be taken is told from one that cannot be read', async () => {
  const source = join(here.path, 'srv');
  mkdirSync(source);
  for (const name of ['a', 'b gone', 'c\ngone', 'd']) writeFileSync(join(source, name), name);
  const removing = `#!/bin/sh
case "$*" in *--version*) exec /bin/tar "$@" ;; esac
/bin/tar "$@"
rm -f '${source}'/*gone
`;
  machine = machineWith([...basics.filter((t) => t !== 'tar'), 'openssl', 'rm'], { tar: removing });
  const copy = join(here.path, 'copy');
  expect(await archive([source], copy)).toMatchObject({ outcome: 'done', receipt: { unread: 2 } });
  const why = 'it vanished before its hash was taken';
  expect(described(copy).unread).toEqual([
    { name: `.${source}/b\\040gone`, why },
    { name: `.${source}/c\\012gone`, why },
  ]);
  await restore(copy, join(here.path, 'scratch'));
  const compared = await compare(copy, join(here.path, 'scratch'));
  const names = [`.${source}/b\\040gone`, `.${source}/c\\012gone`];
  expect(compared).toMatchObject({ equal: true, different: [], vanished: { count: 2, names } });
  expect(compared.counts).toEqual({ missing: 0, extra: 0, different: 0 });
  // Only while the restored file is there and like its entry otherwise.
  const lost = Buffer.concat([Buffer.from(join(here.path, 'scratch', source)), Buffer.from('/b gone')]);
  chmodSync(lost, 0o600);
  expect(await compare(copy, join(here.path, 'scratch'))).toMatchObject({
    equal: false,
    different: [{ name: names[0], attributes: ['mode'] }],
    vanished: { count: 1 },
  });
  rmSync(lost);
  expect(await compare(copy, join(here.path, 'scratch'))).toMatchObject({ equal: false, missing: [names[0]] });
});

test('nothing to copy, relative paths and a path that is also left out are refused', async () => {
  const to = join(here.path, 'copy');
  expect(await archive([], to)).toMatchObject({ trouble: { what: 'there is nothing to copy: `from` is empty' } });
  expect(await archive(['srv'], to)).toMatchObject({ trouble: { what: '"srv" is not an absolute path' } });
  expect(await archive(['/srv/../etc'], to)).toMatchObject({ trouble: { what: '"/srv/../etc" holds "." or ".."' } });
  expect(await archive(['/srv/a'], to, ['/srv'])).toMatchObject({
    trouble: { what: '/srv/a is to be copied and left out' },
  });
});
