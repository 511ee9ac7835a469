import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Precondition } from '../../src/core/precondition.ts';
import { commandLine, findMark } from '../../src/effects/ssh/command-line.ts';
import { refusal } from '../../src/effects/ssh/precondition.ts';

const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const uuid = 'a1234567-89ab-4def-8123-456789abcdef';
const machineId = '0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c';
const is = { serial: '0012345', uuid, machine_id: machineId, boot };

interface Ran {
  /** What the program printed; null where it did not begin. */
  readonly said: string | null;
  /** The code of the trouble, and what was seen instead. */
  readonly why: string | undefined;
  readonly what: string;
}

/** What `sh` and its arguments, a shell of some host, have to do with a precondition: begin the program only where the host says that it is the one meant. */
export function preconditionIn(sh: readonly string[]): void {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'decom-only-'));
    put('dmidecode', `case $2 in system-uuid) echo ${uuid} ;; *) echo 0012345 ;; esac`);
    put('hostnamectl', `echo '        Machine ID: ${machineId}'`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (name: string, text: string): void =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

  /** What became of a program that prints its standard input. */
  function ran(precondition: Precondition, PATH = `${folder}:${process.env.PATH}`): Ran {
    const line = commandLine({ argv: ['cat'], root: false, precondition }, 'login', 'mark', 'plain');
    if (!line.ok) throw new Error(line.error.what);
    const [program = '', ...words] = sh;
    const { stdout, stderr } = spawnSync(program, [...words, '-c', line.value.text], {
      input: 'its input',
      env: { PATH },
    });
    const found = findMark(stderr, 'mark');
    if (found?.refused === undefined) return { said: String(stdout).replace(/^mark\n/, ''), why: undefined, what: '' };
    expect(String(stdout)).toBe('');
    const { code, what } = refusal('web01', precondition, found.refused);
    return { said: null, why: code, what };
  }

  test('a program begins, with its input whole, where everything agrees', () => {
    expect(ran(is)).toEqual({ said: 'its input', why: undefined, what: '' });
  });

  test.each<[string, string, string]>([
    [
      'a UUID in capital letters',
      'dmidecode',
      `case $2 in *uuid) echo ${uuid.toUpperCase()} ;; *) echo 0012345 ;; esac`,
    ],
    [
      'remarks and blanks around a serial',
      'dmidecode',
      `echo '# SMBIOS'; echo; case $2 in *uuid) echo ${uuid} ;; *) echo '  0012345  ' ;; esac`,
    ],
    ['a machine-id with dashes', 'hostnamectl', "echo 'Machine ID: 0F2C0F2C-0f2c-0f2c-0f2c-0f2c0f2c0f2c'"],
  ])('%s is read as the identity is', (_what, program, text) => {
    put(program, text);
    expect(ran(is).said).toBe('its input');
  });

  test.each<[string, string, string, string, string]>([
    [
      'serial',
      'dmidecode',
      `case $2 in *uuid) echo ${uuid} ;; *) echo 12345 ;; esac`,
      'another-machine',
      '(serial "0012345" was expected, "12345" was seen)',
    ],
    [
      'UUID',
      'dmidecode',
      'case $2 in *uuid) echo b1234567-89ab-4def-8123-456789abcdef ;; *) echo 0012345 ;; esac',
      'another-machine',
      '"b1234567-89ab-4def-8123-456789abcdef" was seen)',
    ],
    [
      'machine-id',
      'hostnamectl',
      'echo "Machine ID: 1f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c"',
      'another-machine',
      '"1f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c" was seen)',
    ],
    [
      'placeholder in place of the serial',
      'dmidecode',
      `case $2 in *uuid) echo ${uuid} ;; *) echo 'To be filled by O.E.M.' ;; esac`,
      'identity-unread',
      'it did not tell its serial, which was "0012345"',
    ],
    [
      'firmware that is closed',
      'dmidecode',
      'echo "/dev/mem: Permission denied"; exit 1',
      'identity-unread',
      'it did not tell its UUID',
    ],
  ])('nothing begins because of another %s', (_what, program, text, code, says) => {
    put(program, text);
    const { said, why, what } = ran(is);
    expect({ said, why }).toEqual({ said: null, why: code });
    expect(what).toContain(says);
  });

  test('nothing begins in another boot', () => {
    put('hostnamectl', `echo 'Machine ID: ${machineId}'; echo 'Boot ID: ${boot.replaceAll('-', '')}'`);
    const was = '5f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060';
    expect(ran({ ...is, boot: was })).toMatchObject({
      said: null,
      why: 'restarted-since',
      what: expect.stringContaining(`(boot id "${was}", now "${boot.replaceAll('-', '')}")`) as string,
    });
  });

  test('what the host says is never run, and never more than a line', () => {
    put(
      'dmidecode',
      `case $2 in *uuid) echo ${uuid} ;; *) printf '%s\\n' '$(touch ${folder}/ran)"; touch ${folder}/ran; "' ;; esac`,
    );
    expect(ran(is)).toMatchObject({ said: null, why: 'another-machine' });
    expect(spawnSync('ls', [folder], { encoding: 'utf8' }).stdout.split('\n')).not.toContain('ran');
  });
}
