import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { transferHandlers, transferProbes } from '../../../src/effects/transfer/handlers.ts';
import { type FakeMachine, fakeMachine } from '../../fakes/machine.ts';
import { context, deps, temporary } from './fixture.ts';

/*
 * A host whose programs lie: what it sends must neither leave the copy's and the scratch folder here, nor fill the memory, nor pass
 * for a proof.
 */

let here: ReturnType<typeof temporary>;
let machine: FakeMachine;
let bin: string;
beforeEach(() => {
  here = temporary();
  bin = join(here.path, 'bin');
  mkdirSync(bin);
  mkdirSync(join(here.path, 'srv'));
  writeFileSync(join(here.path, 'srv', 'file'), 'content');
  mkdirSync(join(here.path, 'here'));
  machine = fakeMachine({ name: 'web01', path: `${bin}:${process.env.PATH}` });
});
afterEach(async () => {
  await machine.close();
  here.remove();
});

/** A program of the host that does something else when it is asked to do its work (`pattern` on its arguments). */
function lying(program: string, pattern: string, script: string): void {
  writeFileSync(
    join(bin, program),
    `#!/bin/sh\ncase "$*" in\n${pattern}) ${script}; exit 0 ;;\nesac\nPATH=\${PATH#*:}; exec ${program} "$@"\n`,
  );
  chmodSync(join(bin, program), 0o755);
}

interface Member {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly content?: string;
}

/** One member of a ustar archive. */
function member({ name, type = '0', link = '', content = '' }: Member): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 'latin1');
  header.write('0000755\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 'latin1');
  header.write('ustar\x0000', 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body]);
}

const sends = (members: readonly Member[]): void => {
  writeFileSync(join(here.path, 'sent.tar'), Buffer.concat([...members.map(member), Buffer.alloc(1024)]));
  lying('tar', '*" -c "*|"-c "*', `cat '${join(here.path, 'sent.tar')}'`);
};

const copy = () => join(here.path, 'here', 'copy');
const scratch = () => join(here.path, 'here', 'scratch');

const archive = (signal?: AbortSignal) =>
  transferHandlers(deps(machine))['copy.archive'](
    { kind: 'copy.archive', on: 'control', from: [join(here.path, 'srv')], exclude: [], to: copy(), root: false },
    context(signal),
  );

/** Copies, restores and compares; whether all that passed for a proof, and what lies beside the two folders afterwards. */
async function taken(): Promise<{ readonly proven: boolean; readonly beside: readonly string[] }> {
  const beside = () =>
    readdirSync(join(here.path, 'here')).filter((name) => !/^(copy|scratch)(\.partial|\.decom-scratch)?$/.test(name));
  const copied = await archive();
  if (copied.outcome !== 'done') return { proven: false, beside: beside() };
  return { proven: await proves(), beside: beside() };
}

/** Whether the copy can be restored, and what was restored passes for what was at the source. */
async function proves(): Promise<boolean> {
  const restored = await transferHandlers(deps(machine))['copy.restore'](
    { kind: 'copy.restore', on: 'control', copy: copy(), scratch: scratch() },
    context(),
  );
  if (restored.outcome !== 'done') return false;
  const seen = await transferProbes(deps(machine))['tree.compare']({
    kind: 'tree.compare',
    copy: copy(),
    tree: scratch(),
  });
  return seen.known && seen.value.equal;
}

test.each<[string, () => readonly Member[]]>([
  ['a name that climbs', () => [{ name: '../escaped', content: 'x' }]],
  ['a name that climbs from within', () => [{ name: './srv/../../escaped', content: 'x' }]],
  ['an absolute name', () => [{ name: join(here.path, 'here', 'escaped'), content: 'x' }]],
  [
    'a symlink that climbs, and a file through it',
    () => [
      { name: './way', type: '2', link: '..' },
      { name: './way/escaped', content: 'x' },
    ],
  ],
  [
    'an absolute symlink, and a file through it',
    () => [
      { name: './way', type: '2', link: join(here.path, 'here') },
      { name: './way/escaped', content: 'x' },
    ],
  ],
  [
    'a symlink as the target of a file of the same name',
    () => [
      { name: './escaped', type: '2', link: '../escaped' },
      { name: './escaped', content: 'x' },
    ],
  ],
])('%s writes nothing outside the folders here, and proves nothing', async (_what, members) => {
  sends(members());
  const { proven, beside } = await taken();
  expect(beside).toEqual([]);
  expect(proven).toBe(false);
});

test('a hard link to a file outside does not bring that file into the restored tree', async () => {
  writeFileSync(join(here.path, 'secret'), 'of this machine');
  sends([
    { name: './link', type: '1', link: '../../secret' },
    { name: './other', type: '1', link: join(here.path, 'secret') },
  ]);
  const { proven } = await taken();
  expect(proven).toBe(false);
  expect(lstatSync(join(here.path, 'secret')).nlink).toBe(1);
  expect(readFileSync(join(here.path, 'secret'), 'utf8')).toBe('of this machine');
});

test('the same name twice, with different content, is no proof', async () => {
  sends([
    { name: './twice', content: 'one' },
    { name: './twice', content: 'two' },
  ]);
  expect((await taken()).proven).toBe(false);
});

test('a hash program that lies makes no proof', async () => {
  lying('openssl', '*srv/file*', `printf '%064d *%s\\n' 0 "$4"`);
  expect((await taken()).proven).toBe(false);
});

const endless = "head -c 100000000 /dev/zero | tr '\\\\0' x";
test.each([
  ['complaints without an end of line', 'tar', '*" -c "*|"-c "*', `${endless} >&2`],
  ['hashes without an end of line', 'openssl', '*srv/file*', endless],
])('%s do not fill the memory', async (_what, program, pattern, script) => {
  lying(program, pattern, script);
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  const copied = await archive();
  clearInterval(watch);
  expect(copied.outcome).toBe(program === 'tar' ? 'failed' : 'done');
  expect((most - before) / (1 << 20)).toBeLessThan(100);
  if (copied.outcome === 'done') expect(await proves()).toBe(false);
});
