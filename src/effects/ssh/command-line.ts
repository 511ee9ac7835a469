import type { Command } from '../../core/ports.ts';
import type { PreconditionSource } from '../../core/precondition.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { preconditionSteps, type Refused, refusalPattern } from './precondition.ts';

/**
 * A command as the text that a login shell is handed, and what its standard input begins with. Before the program begins, a line
 * `<mark>` is written to stdout and `<mark> <process group>` to stderr, there with ` plain`, ` no-directory` or ` refused …` behind it: what came before
 * them are the words of login scripts and of sudo.
 */
export interface CommandLine {
  readonly text: string;
  /** The values of the environment, read by the shell before the program starts. Never in an argument vector. */
  readonly preface: Uint8Array;
  readonly mark: string;
  /** With `password`: what sudo asks with. */
  readonly prompt: string;
}

/** `login`: as who is logged in; `sudo`: as root, without being asked; `password`: as root, with the password where sudo asks for it. */
export type As = 'login' | 'sudo' | 'password';

/** What is known of a login shell. `plain`: a sh of POSIX that reads no start-up file before a command. */
export type LoginShell = 'unknown' | 'plain';

/** A word for a POSIX shell: single quotes keep every byte but NUL as it is. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** A shell gets its text as one argument, and Linux allows 128 KiB for one. */
const longest = 120_000;

/**
 * Builds the text for a login shell, whichever that is: it starts `sh`, in words that sh, csh and fish read alike, and `sh` tells by the mark
 * whether the login shell is plain. For one that is known to be, the text is what `sh` would have been given. With `sudo` and neither directory
 * nor environment the argument vector stays as it is, so that rules in sudoers and its log see the program itself; with `password` it is sh,
 * because only from within can be told that sudo has let it begin. Fails with `not-a-command` for what no program can be handed.
 */
export function commandLine(
  command: Command,
  how: As,
  mark: string,
  shell: LoginShell = 'unknown',
): Result<CommandLine> {
  const wrong = complaint(command);
  if (wrong !== undefined) return fail(wrong);
  const environment = Object.entries(command.environment ?? {});
  const values = environment.map(([, value]) => (typeof value === 'string' ? value : value.reveal()));
  if (values.some((value) => value.includes('\0') || !value.isWellFormed())) {
    return fail(notACommand(command, 'a value of its environment holds a NUL or broken text'));
  }
  const argv = command.argv.map(word).join(' ');
  const reads = environment.map(([name]) => readVariable(name));
  const { directory } = command;
  const prompt = `${mark} password:`;
  const plain = directory === undefined && reads.length === 0;
  // Not told by the values: whether a secret has several lines would stand in an argument vector.
  const breaks = reads.length > 0 || [...command.argv, directory ?? ''].some((part) => part.includes('\n'));
  const steps: string[] = breaks ? [newline] : [];
  if (shell === 'unknown') steps.push(tellPlain);
  const group = shell === 'unknown' ? '$$$decom_s' : '$$';
  const met = preconditionSteps(command.precondition, how, how === 'password' ? '$decom_p' : '$$', mark);
  if (how !== 'password') steps.push(...met);
  if (how === 'login') steps.push(...enter(directory, '$$', mark), ...began(group, mark), ...reads, `exec ${argv}`);
  else if (how === 'sudo' && plain) steps.push(...began(group, mark), `LC_ALL=C exec sudo -n -- ${argv}`);
  else {
    const inner = ['decom_p=$1', 'cd_to=$2', 'shift 2', ...(reads.length > 0 ? [newline] : [])];
    if (how === 'password') inner.push(...met);
    inner.push(...(directory === undefined ? [] : enterGiven(mark)), ...began('$decom_p', mark), ...reads, 'exec "$@"');
    const sudo = how === 'sudo' ? 'sudo -n' : `sudo -S -p ${quoted(prompt)}`;
    steps.push(`LC_ALL=C exec ${sudo} -- sh -c ${quoted(inner.join('; '))} sh "$$" ${word(directory ?? '')} ${argv}`);
  }
  const script = steps.join('; ');
  const text = shell === 'plain' ? script : `exec sh -c ${quotedForAny(script)} sh ${evidence}`;
  if (Buffer.byteLength(text) > longest) {
    return fail(notACommand(command, `its arguments are longer than ${longest} bytes`));
  }
  return ok({ text, preface: Buffer.from(values.map(prefaceOf).join('')), mark, prompt });
}

export interface FoundMark {
  readonly group: number;
  readonly directory: boolean;
  readonly refused?: Refused;
  readonly shell: LoginShell;
  readonly rest: Buffer;
}

/** Finds the private line in what stderr has brought so far, and what stands after it. */
export function findMark(bytes: Buffer, mark: string): FoundMark | undefined {
  const line = lineOf(bytes, `${mark} `, markWords);
  if (line === undefined) return undefined;
  const [group, note, source, ...seen] = line.words.split(' ');
  const shell = note === 'plain' ? 'plain' : 'unknown';
  const found = { group: Number(group), directory: note !== 'no-directory', shell, rest: line.rest } as const;
  return note === 'refused'
    ? { ...found, refused: { source: source as PreconditionSource, seen: seen.join(' ') } }
    : found;
}

const markWords = new RegExp(`^\\d+(?: no-directory| plain| ${refusalPattern})?$`);

/** What stands after the private line of stdout; undefined where it is not there yet. */
export const afterMark = (bytes: Buffer, mark: string): Buffer | undefined => lineOf(bytes, mark, /^$/)?.rest;

/** A line that begins with `start` and goes on with such words, wherever what a login script left of its last line ends. */
function lineOf(
  bytes: Buffer,
  start: string,
  words: RegExp,
): { readonly words: string; readonly rest: Buffer } | undefined {
  for (let from = 0; ; ) {
    const at = bytes.indexOf(start, from);
    const end = at === -1 ? -1 : bytes.indexOf(0x0a, at);
    if (end === -1) return undefined;
    const found = bytes.toString('latin1', at + start.length, end);
    if (words.test(found)) return { words: found, rest: bytes.subarray(end + 1) };
    from = at + 1;
  }
}

/**
 * Whoever is not heard must not begin: with its channel closed, the shell ends at these lines. They come before the program, and nothing else does.
 */
const began = (group: string, mark: string): readonly string[] => [
  `echo ${mark} || exit 1`,
  `echo "${mark} ${group}" >&2 || exit 1`,
];

const notEntered = (group: string, mark: string): string => `{ echo "${mark} ${group} no-directory" >&2; exit 1; }`;

const enter = (directory: string | undefined, group: string, mark: string): readonly string[] =>
  directory === undefined ? [] : [`cd -- ${word(directory)} 2>/dev/null || ${notEntered(group, mark)}`];

const enterGiven = (mark: string): readonly string[] => [
  `cd -- "$cd_to" 2>/dev/null || ${notEntered('$decom_p', mark)}`,
];

/**
 * Words that fish and csh change, and a plain shell does not: fish takes one of two backslashes, csh the one before "!". SHELL alone would
 * not do, because an environment file may say anything. bash is not plain: it reads ~/.bashrc, where anything may be redefined.
 */
const evidence = `'\\\\' '\\!'`;
const tellPlain = `decom_s=; case "$1$2:\${SHELL##*/}" in '\\\\\\!:sh' | '\\\\\\!:dash' | '\\\\\\!:ash') decom_s=' plain';; esac`;

// csh reads no newline within quotes, and would run what follows it as a command of its own: so none is ever sent. It costs a process,
// a third of what a trivial command takes, so it is there only where it is used.
const newline = `decom_l=$(printf '\\nx'); decom_l=\${decom_l%x}`;

const word = (text: string): string => quoted(text).replaceAll('\n', `'"$decom_l"'`);

/** One line as a word for any login shell: fish takes backslashes within quotes for its own, csh "!". */
const quotedForAny = (text: string): string => `'${text.replace(/['\\!]/g, (c) => `'\\${c}'`)}'`;

// A value may hold newlines, so its number of lines comes first. Only builtins: nothing of it is ever in an argument vector.
const readVariable = (name: string): string =>
  [
    'IFS= read -r decom_n',
    `IFS= read -r ${name}`,
    'while [ "$decom_n" -gt 1 ]; do IFS= read -r decom_r',
    `${name}="$${name}$decom_l$decom_r"`,
    'decom_n=$((decom_n-1)); done',
    `export ${name}`,
    'unset decom_n decom_r',
  ].join('; ');

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
