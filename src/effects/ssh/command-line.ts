import type { Command } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';

/**
 * A command as the text that a login shell is handed, and what its standard input begins with.
 * The shell first writes `<mark> <process group>` as a line on stderr, or `<mark> <process group> no-directory`.
 */
export interface CommandLine {
  readonly text: string;
  /** The values of the environment, read by the shell before the program starts. Never in an argument vector. */
  readonly preface: Uint8Array;
  readonly mark: string;
}

/** A word for a POSIX shell: single quotes keep every byte but NUL as it is. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** A shell gets its text as one argument, and Linux allows 128 KiB for one. */
const longest = 120_000;

/**
 * Builds the text for `sh -c`. `sudo` without directory or environment keeps the argument vector as it is, so that rules in
 * sudoers and its log see the program itself. Fails with `not-a-command` for what no program can be handed.
 */
export function commandLine(command: Command, how: 'login' | 'sudo', mark: string): Result<CommandLine> {
  const wrong = complaint(command);
  if (wrong !== undefined) return fail(wrong);
  const environment = Object.entries(command.environment ?? {});
  const values = environment.map(([, value]) => (typeof value === 'string' ? value : value.reveal()));
  if (values.some((value) => value.includes('\0') || !value.isWellFormed())) {
    return fail(notACommand(command, 'a value of its environment holds a NUL or broken text'));
  }
  const directory = command.directory === undefined ? [] : [`cd -- ${quoted(command.directory)} 2>/dev/null`];
  const argv = command.argv.map(quoted).join(' ');
  const reads = environment.map(([name]) => readVariable(name));
  const plain = directory.length === 0 && reads.length === 0;
  let text: string;
  if (how === 'login') text = [...opening('$$', directory, mark), ...reads, `exec ${argv}`].join('\n');
  else if (plain) text = [...opening('$$', [], mark), `LC_ALL=C exec sudo -n -- ${argv}`].join('\n');
  else {
    const inner = ['decom_p=$1; shift', ...opening('$decom_p', directory, mark), ...reads, 'exec "$@"'].join('\n');
    text = `LC_ALL=C exec sudo -n -- sh -c ${quoted(inner)} sh "$$" ${argv}`;
  }
  if (Buffer.byteLength(text) > longest) {
    return fail(notACommand(command, `its arguments are longer than ${longest} bytes`));
  }
  return ok({ text, preface: Buffer.from(values.map(prefaceOf).join('')), mark });
}

/** Finds the private line in what stderr has brought so far; what stands before it (a login script's words) is kept. */
export function findMark(
  bytes: Buffer,
  mark: string,
): { readonly group: number; readonly directory: boolean; readonly rest: Buffer } | undefined {
  const at = bytes.indexOf(`${mark} `);
  if (at === -1) return undefined;
  const end = bytes.indexOf(0x0a, at);
  if (end === -1) return undefined;
  const [, group, note] = bytes.toString('latin1', at, end).split(' ');
  const rest = at === 0 ? bytes.subarray(end + 1) : Buffer.concat([bytes.subarray(0, at), bytes.subarray(end + 1)]);
  return { group: Number(group), directory: note !== 'no-directory', rest };
}

function opening(group: string, directory: readonly string[], mark: string): readonly string[] {
  const say = `echo "${mark} ${group}" >&2`;
  const cd = directory[0];
  return cd === undefined ? [say] : [`${cd} || { echo "${mark} ${group} no-directory" >&2; exit 1; }`, say];
}

// A value may hold newlines, so its number of lines comes first. Only builtins: nothing of it is ever in an argument vector.
const readVariable = (name: string): string =>
  [
    `IFS= read -r decom_n; IFS= read -r ${name}`,
    'while [ "$decom_n" -gt 1 ]; do IFS= read -r decom_l',
    `${name}="$${name}`,
    '$decom_l"; decom_n=$((decom_n-1)); done',
    `export ${name}; unset decom_n decom_l`,
  ].join('\n');

const prefaceOf = (value: string): string => `${value.split('\n').length}\n${value}\n`;

function complaint(command: Command): Trouble | undefined {
  const first = command.argv[0];
  if (first === undefined || first === '') return notACommand(command, 'it names no program');
  if (first.startsWith('-') || first.includes('=')) {
    return notACommand(command, 'the name of its program begins with "-" or holds "="');
  }
  if (command.argv.some((word) => word.includes('\0') || !word.isWellFormed())) {
    return notACommand(command, 'an argument holds a NUL or broken text');
  }
  if (command.directory !== undefined && (!command.directory.startsWith('/') || command.directory.includes('\0'))) {
    return notACommand(command, 'its directory is not an absolute path');
  }
  const name = Object.keys(command.environment ?? {}).find((n) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(n));
  return name === undefined ? undefined : notACommand(command, `"${name}" cannot name a variable`);
}

const notACommand = (command: Command, why: string): Trouble =>
  trouble('not-a-command', `${command.argv[0] ?? 'the command'} cannot be run: ${why}`, 'Correct the argument vector.');
