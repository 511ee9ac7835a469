import { setMaxListeners } from 'node:events';
import type { ProbeHandlers } from '../../core/action.ts';
import type { Machine } from '../../core/ports.ts';
import type { PathKind, PathSeen } from '../../core/probe.ts';
import { type Seen, seen, trouble, unseen } from '../../core/result.ts';
import { decode, lastLines, plainText } from './plain-text.ts';

// A path that is not there and one that may not be looked at are told apart by the words of ls.
const script = `
LC_ALL=C; export LC_ALL
for path; do
  if [ -L "$path" ]; then echo symlink
  elif [ -d "$path" ]; then if [ -r "$path" ] && [ -x "$path" ]; then echo directory; else echo unreadable; fi
  elif [ -f "$path" ]; then if [ -r "$path" ]; then echo file; else echo unreadable; fi
  elif [ -e "$path" ]; then echo other
  else case $(ls -d -- "$path" 2>&1) in *'ermission denied'*) echo unreadable ;; *) echo missing ;; esac
  fi
done`;

const kinds: readonly string[] = [
  'file',
  'directory',
  'symlink',
  'other',
  'missing',
  'unreadable',
] satisfies PathKind[];
const isKind = (text: string | undefined): text is PathKind => text !== undefined && kinds.includes(text);

/** `host.paths`: what each path is, and how much is in it where `du` can tell within `patience` milliseconds (all of them together). */
export const pathsProbe =
  (machine: Machine, patience = 10_000): ProbeHandlers['host.paths'] =>
  async ({ paths, root }) => {
    if (paths.length === 0) return seen([]);
    const asked = await machine.exec({ argv: ['sh', '-c', script, 'sh', ...paths], root });
    if (!asked.ok) return unseen(asked.error);
    const { ended, stdout } = asked.value;
    if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
    const answers = decode(stdout).trim().split('\n');
    const signal = AbortSignal.timeout(patience);
    setMaxListeners(0, signal);
    const all = await Promise.all(
      paths.map(async (path, i): Promise<PathSeen | undefined> => {
        const kind = answers[i];
        if (!isKind(kind)) return undefined;
        return { path, kind, bytes: await size(machine, path, kind, root, signal) };
      }),
    );
    const whole = all.filter((one) => one !== undefined);
    return whole.length === paths.length
      ? seen(whole)
      : unseen(
          trouble(
            'no-answer',
            `${machine.name} did not tell what its paths are`,
            'Check that its sh works.',
            plainText(stdout),
          ),
        );
  };

async function size(
  machine: Machine,
  path: string,
  kind: PathKind,
  root: boolean,
  signal: AbortSignal,
): Promise<Seen<number>> {
  if (kind !== 'file' && kind !== 'directory') {
    return unseen(trouble('no-size', `${path} is ${kind}, and has no size to tell`, 'Nothing to do.'));
  }
  const asked = await machine.exec({ argv: ['du', '-sb', '--', path], root }, { signal });
  if (!asked.ok) return unseen(signal.aborted ? tooLong(path) : asked.error);
  const { ended, stdout, stderr } = asked.value;
  if (ended.how === 'aborted') return unseen(tooLong(path));
  if (ended.how === 'lost') return unseen(ended.trouble);
  const bytes = /^(\d+)\t/.exec(decode(stdout))?.[1];
  if (ended.how === 'exit' && ended.code === 0 && bytes !== undefined) return seen(Number(bytes));
  return unseen(
    trouble(
      'size-unknown',
      `the size of ${path} could not be told`,
      'Go on without it.',
      lastLines(plainText(stderr), 5),
    ),
  );
}

const tooLong = (path: string) =>
  trouble('size-unknown', `measuring ${path} takes too long`, 'Go on without its size.');
