import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readChain } from '../fakes/read-chain.ts';
import { holdIn } from '../faults/hold.ts';
import { poll } from '../lab/poll.ts';

/*
 * The built program's own demo: it needs nothing but Node, so it is also where the whole main job is tried without a terminal, an
 * account's own files, or a virtual machine.
 */
const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-lab-')));
  for (const name of ['home', 'tmp']) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Calling {
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  readonly ended: Promise<number | null>;
}

function start(argv: readonly string[] = [], path = process.env.PATH): Calling {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, bin, 'demo', ...argv], {
    cwd: folder,
    env: { PATH: path, LC_ALL: 'C', HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      said[stream] += chunk;
    });
  }
  return { child, said, ended: new Promise((resolve) => child.once('close', resolve)) };
}

/** Pids of what runs with the demo's folder in its arguments or environment. */
const left = (): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`).includes(join(folder, 'tmp')))
      );
    } catch {
      return false;
    }
  });

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

test('the demo retires its machine, shows the proof, and leaves report, log and backup behind', async () => {
  const { said, ended } = start();
  expect(await ended, said.stdout + said.stderr).toBe(0);
  expect(said.stderr).toMatch(/^This is practice\. No server of yours is touched\.$/m);
  expect(said.stdout + said.stderr).toMatch(
    /proof v verified: \d+ files, .* restored and equal; proven: type, size, hash/,
  );
  expect(said.stdout).toMatch(/^The practice machine is off\. Processes of it that are left: 0\.$/m);
  const found = (name: string): string => new RegExp(`^${name} +(\\S+)$`, 'm').exec(said.stdout)?.[1] ?? name;
  const log = readChain(readFileSync(found('Audit log')), undefined);
  expect(log.breach).toBeUndefined();
  expect(log.events.at(-1)?.type).toBe('session.closed');
  expect(readFileSync(found('Report'), 'utf8')).toMatch(/^<!doctype html>/i);
  const copies = readdirSync(join(found('Backup'), 'practice'));
  expect(copies).toHaveLength(2);
  for (const copy of copies) expect(existsSync(join(found('Backup'), 'practice', copy, 'copy.json'))).toBe(true);
  const port = Number(/SSH +127\.0\.0\.1:(\d+)/.exec(said.stderr)?.[1]);
  expect(port).toBeGreaterThan(0);
  expect(await listens(port)).toBe(false);
  expect(left()).toEqual([]);
});

test('with --json, stdout holds JSON lines only', async () => {
  const { said, ended } = start(['--json']);
  expect(await ended, said.stdout + said.stderr).toBe(0);
  const lines = said.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({ type: 'version' });
  expect(lines.at(-1)).toMatchObject({ type: 'demo', message: 'the practice machine is retired' });
});

test('stopped in the middle, nothing of the practice machine goes on', async () => {
  const bin = join(folder, 'bin');
  const held = holdIn(bin, 'tar', '*-c*');
  const { child, said, ended } = start([], `${bin}:${process.env.PATH ?? ''}`);
  await poll('the copy is under way', () => held.calls() > 0 || undefined);
  child.kill('SIGTERM');
  expect(await ended).toBe(143);
  expect(said.stderr).toContain('The demo ended early.');
  expect(left()).toEqual([]);
});

test('without a terminal it cannot be stepped through', async () => {
  const { said, ended } = start(['--interactive']);
  expect(await ended).toBe(64);
  expect(said.stderr).toContain('stepping through the demo needs a terminal');
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
});
