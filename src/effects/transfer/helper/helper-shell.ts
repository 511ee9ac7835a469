import { once } from 'node:events';
import { outsideFolder } from '../../../core/helper.ts';
import type { Machine } from '../../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import type { HelperMachine } from '../deps.ts';
import { diskFull, saysFull } from '../disk-trouble.ts';
import { hearStderr, type ProgramEnd, type ProgramOptions } from '../keeper.ts';
import { shelfScript, workScript } from './shelf-script.ts';

/** Splits a path below the folder into where it is and its last name. */
export const parted = (below: string): { readonly at: string; readonly name: string } => {
  const cut = below.lastIndexOf('/');
  return cut === -1 ? { at: '', name: below } : { at: below.slice(0, cut), name: below.slice(cut + 1) };
};

/** How many of a mode's arguments name a path; two, where nothing else is said. */
const pathsOf: { readonly [mode: string]: number } = { about: 0, look: 1, key: 1 };

/** The command that runs one mode of the shelf's script on a helper. */
export const shelfArgv = (
  { folder }: Pick<HelperMachine, 'folder'>,
  mode: readonly [string, ...string[]],
): readonly string[] => ['sh', '-c', shelfScript, 'sh', folder, ...mode];

/** Runs one mode of the shelf's script on a helper; what it said without the last line, or why it refused. */
export async function shelf(
  { name, folder, machine }: HelperMachine,
  mode: readonly [string, ...string[]],
  options: { readonly stdin?: string | Uint8Array; readonly signal?: AbortSignal } = {},
): Promise<Result<readonly string[]>> {
  const argv = shelfArgv({ folder }, mode);
  const asked = await machine.exec({ argv, root: false }, { ...options, limit: 16 << 20 });
  if (!asked.ok) return asked;
  const { ended, stdout, stderr } = asked.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  const lines = Buffer.from(stdout).toString('utf8').split('\n').slice(0, -1);
  const last = lines.at(-1) ?? '';
  if (last === 'done') return ok(lines.slice(0, -1));
  const said = Buffer.from(stderr).toString('utf8').slice(0, 2000);
  const below = mode
    .slice(1, 1 + (pathsOf[mode[0]] ?? 2))
    .filter((part) => part !== '')
    .join('/');
  return fail(refusal(name, folder, below, /^refused (.*)$/.exec(last)?.[1] ?? 'failed', said));
}

function refusal(name: string, folder: string, below: string, why: string, said: string): Trouble {
  const at = `${name}:${below === '' ? folder : `${folder}/${below}`}`;
  const [word, part = ''] = why.split(' ');
  if (saysFull(said)) return diskFull(at, said, name);
  switch (word) {
    case 'no-folder':
      return trouble(
        'no-folder',
        `the folder ${folder} that is declared for ${name} is not there, or closed to this login`,
        `Make it on ${name}, and give it to the login.`,
        said,
      );
    case 'outside':
      return outsideFolder({ name, folder }, `${folder}/${below}`);
    case 'link':
      return trouble(
        'link-in-folder',
        `on ${name}, "${part}" on the way to ${at} is a symbolic link; none is followed there`,
        'Put a real folder in its place, or choose another one.',
      );
    case 'not-folder':
      return trouble(
        'not-a-folder',
        `on ${name}, "${part}" on the way to ${at} is not a folder`,
        'Choose another place.',
      );
    case 'exists':
      return trouble(
        'copy-exists',
        `${at} already exists`,
        'Copies are never overwritten: choose another folder, or move it away.',
      );
    case 'not-ours':
      return trouble(
        'not-ours',
        `${at} holds files that decom did not put there`,
        'Move them away, or choose another folder.',
      );
    case 'cut':
      return trouble('connection-lost', `what was written to ${at} did not arrive whole`, 'Try again.', said);
    case 'gone':
      return trouble('place-gone', `${at} is not there any more`, 'Find out who removed it, then try again.', said);
    default:
      return trouble(
        'helper-failed',
        `${at} could not be worked on: ${said.trim().split('\n').at(-1) || 'no reason was given'}`,
        `Look at the folder on ${name}: its owner, its rights, its disk.`,
        said,
      );
  }
}

/** Runs a long program on a helper, in a place below its folder; it ends when the connection does. */
export async function runThere(
  helper: HelperMachine,
  below: string,
  out: string,
  argv: readonly [string, ...string[]],
  options: ProgramOptions,
): Promise<Result<ProgramEnd>> {
  const process = await startThere(helper.machine, [workScript, 'sh', helper.folder, below, out, ...argv], options);
  if (!process.ok) return process;
  const { ended, stdin, stdout, stderr } = process.value;
  stdin.on('error', () => undefined);
  const said = hearStderr(stderr, options.stderrLine);
  stdout.on('data', options.stdout ?? (() => undefined));
  const end = await ended;
  stdin.end();
  for (const stream of [stdout, stderr]) if (!stream.readableEnded && !stream.destroyed) await ending(stream);
  if (end.how === 'lost' || end.how === 'aborted') return fail(end.trouble);
  const code = end.how === 'exit' ? end.code : null;
  if (code === 127) {
    const what = `${helper.name} has no ${argv[0]}`;
    return fail(trouble('tool-missing', what, `Install ${options.pkg} there, then try again.`, said.text()));
  }
  return ok({ code, stderr: said.text() });
}

const ending = (stream: NodeJS.ReadableStream): Promise<unknown> =>
  Promise.race([once(stream, 'end'), once(stream, 'close')]).catch(() => undefined);

const startThere = (machine: Machine, argv: readonly string[], { signal }: ProgramOptions) =>
  machine.start({ argv: ['sh', '-c', ...argv], root: false }, signal === undefined ? {} : { signal });
