import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../../../src/effects/ssh/command-line.ts';
import { preconditionIn } from '../../contracts/precondition.ts';

const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

describe.each<[string, readonly string[]]>([
  ['dash', ['/bin/dash']],
  ['bash', ['/bin/bash', '--norc']],
])('in %s', (_, sh) => preconditionIn(sh));

test('the boot and the machine-id of the kernel’s own files are compared without any process', () => {
  const own = readFileSync('/etc/machine-id', 'utf8').trim();
  const line = commandLine(
    { argv: ['/bin/true'], root: false, precondition: { boot, machine_id: own } },
    'login',
    'mark',
    'plain',
  );
  if (!line.ok) throw new Error(line.error.what);
  // No program is found on this PATH.
  const { status, stderr } = spawnSync('/bin/dash', ['-c', line.value.text], {
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  });
  expect({ status, stderr: stderr.replace(/\d+/, 'N') }).toEqual({ status: 0, stderr: 'mark N\n' });
});

test.each(['login', 'sudo', 'password'] as const)('every login shell is handed one line (%s)', (how) => {
  for (const shell of ['plain', 'unknown'] as const) {
    const line = commandLine(
      { argv: ['true'], root: false, precondition: { serial: '0012345', boot } },
      how,
      'mark',
      shell,
    );
    expect(line.ok && line.value.text).not.toContain('\n');
  }
});
