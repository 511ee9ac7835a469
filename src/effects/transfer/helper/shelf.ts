import { belowFolder, outsideFolder } from '../../../core/helper.ts';
import { placeText } from '../../../core/place.ts';
import type { Command } from '../../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import type { HelperMachine } from '../deps.ts';
import { diskFull, saysFull } from '../disk-trouble.ts';
import { hashMissing } from '../hash-tool.ts';
import { shelfScript } from './shelf-script.ts';

/** Modes that are told a whole path; the others are told a folder and a name in it. */
const ofWholePath: ReadonlySet<string> = new Set(['about', 'look', 'key']);

/** The command that runs one mode of the shelf's script for a path on a helper; trouble where the path lies outside its folder. */
export function shelfCommand(
  helper: HelperMachine,
  mode: string,
  path: string,
  ...rest: readonly string[]
): Result<Command> {
  const below = belowFolder(helper, path);
  if (!below.ok) return below;
  const cut = below.value.lastIndexOf('/');
  const told = ofWholePath.has(mode)
    ? [below.value]
    : [below.value.slice(0, Math.max(cut, 0)), below.value.slice(cut + 1)];
  return ok({ argv: ['sh', '-c', shelfScript, 'sh', helper.folder, mode, ...told, ...rest], root: false });
}

interface Asking {
  readonly rest?: readonly string[];
  readonly stdin?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** Runs one mode of the shelf's script for a path on a helper; what it said without the last line, or why it refused. */
export async function shelf(
  helper: HelperMachine,
  mode: string,
  path: string,
  { rest = [], stdin, signal }: Asking = {},
): Promise<Result<readonly string[]>> {
  const command = shelfCommand(helper, mode, path, ...rest);
  if (!command.ok) return command;
  const asked = await helper.machine.exec(command.value, {
    ...(stdin === undefined ? {} : { stdin }),
    ...(signal === undefined ? {} : { signal }),
    limit: 16 << 20,
  });
  if (!asked.ok) return asked;
  const { ended, stdout, stderr } = asked.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  const lines = Buffer.from(stdout).toString('utf8').split('\n').slice(0, -1);
  const last = lines.at(-1) ?? '';
  if (last === 'done') return ok(lines.slice(0, -1));
  const said = Buffer.from(stderr).toString('utf8').slice(0, 2000);
  return fail(refusal(helper, path, last, said));
}

/** What it means that the script did not end with `done`. `last`: its last line; `said`: what it wrote to stderr. */
export function refusal({ name, folder }: HelperMachine, path: string, last: string, said: string): Trouble {
  const at = placeText({ on: name, path });
  const [word, part = ''] = (/^refused (.*)$/.exec(last)?.[1] ?? '').split(' ');
  if (saysFull(said)) return diskFull(path, said, name);
  switch (word) {
    case 'no-folder':
      return trouble(
        'no-folder',
        `the folder ${folder} that is declared for ${name} is not there, or closed to this login`,
        `Make it on ${name}, and give it to the login.`,
        said,
      );
    case 'outside':
      return outsideFolder({ name, folder }, path);
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
    case 'no-hash':
      return hashMissing(name);
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
