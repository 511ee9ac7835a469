import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Command } from '../../../src/core/ports.ts';
import { type As, commandLine, findMark, type LoginShell } from '../../../src/effects/ssh/command-line.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom line\n')));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const built = (command: Omit<Command, 'root'>, how: As = 'login', shell: LoginShell = 'unknown') => {
  const line = commandLine({ ...command, root: false }, how, 'mark', shell);
  if (!line.ok) throw new Error(line.error.what);
  return line.value;
};

/** What the program printed after the mark, in a shell of POSIX. */
function printed(command: Omit<Command, 'root'>, shell: LoginShell): string {
  const { text, preface } = built(command, 'login', shell);
  expect(text).not.toContain('\n');
  const { stdout } = spawnSync('sh', ['-c', text], { input: preface, encoding: 'utf8' });
  expect(stdout).toMatch(/^mark\n/);
  return stdout.slice('mark\n'.length);
}

test.each<As>(['login', 'sudo', 'password'])(
  'a command that holds no newline starts no process for one (%s)',
  (how) => {
    expect(built({ argv: ['systemctl', 'stop', "it's"] }, how).text).not.toContain('printf');
  },
);

test.each<[string, () => Omit<Command, 'root'>, string]>([
  ['an argument', () => ({ argv: ['printf', '%s|', 'a\nb', '\n', 'c\n'] }), 'a\nb|\n|c\n|'],
  ['a directory', () => ({ argv: ['pwd'], directory: folder }), '\n'],
  [
    'a variable',
    () => ({ argv: ['sh', '-c', 'printf "%s|%s|" "$ONE" "$TWO"'], environment: { ONE: '1\n\n2\n', TWO: 'plain' } }),
    '1\n\n2\n|plain|',
  ],
])('newlines reach the program in %s', (_, command, wanted) => {
  const { directory = '' } = command();
  for (const shell of ['unknown', 'plain'] as const) expect(printed(command(), shell)).toBe(directory + wanted);
});

test.each<[string | undefined, As, LoginShell]>([
  ['/bin/sh', 'login', 'plain'],
  ['/bin/dash', 'login', 'plain'],
  ['/bin/ash', 'login', 'plain'],
  ['/bin/bash', 'login', 'unknown'],
  ['/usr/bin/fish', 'login', 'unknown'],
  [undefined, 'login', 'unknown'],
])('a login shell that is said to be %s is told to be one: %s, %s', (SHELL, how, wanted) => {
  const env = { PATH: process.env.PATH ?? '', ...(SHELL === undefined ? {} : { SHELL }) };
  const { stderr } = spawnSync('/bin/sh', ['-c', built({ argv: ['true'] }, how).text], { env });
  expect(findMark(stderr, 'mark')).toMatchObject({ directory: true, shell: wanted });
});

test('a plain login shell is handed the commands themselves, and no second sh', () => {
  expect(built({ argv: ['true'] }, 'login', 'plain').text).not.toContain('sh');
});
