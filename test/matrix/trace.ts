import { readFileSync } from 'node:fs';

/** A system call as strace tells it. */
export interface Call {
  readonly name: string;
  /** Thread, where strace follows them. */
  readonly thread: number | undefined;
  /** Arguments as strace writes them. */
  readonly args: string;
  /** What the descriptor in the first argument is: a path, `TCP:[…]`, `pipe:[…]`; empty where the call has none. */
  readonly on: string;
  /** Which call of this name in its thread, from 1: what `when=` counts. */
  readonly nth: number;
  /** What it returned; undefined where it did not come back. */
  readonly result: number | undefined;
  readonly error: string | undefined;
  /** Done by a fault of the matrix, not by the kernel. */
  readonly injected: boolean;
}

export interface Trace {
  readonly calls: readonly Call[];
}

/** Reads what `strace -o FILE -yy` wrote, with or without `-f`. */
export const readTrace = (file: string): Trace => traceOf(readFileSync(file, 'latin1'));

export function traceOf(text: string): Trace {
  const calls: Call[] = [];
  const counts = new Map<string, number>();
  const unfinished = new Map<string, string>();
  const add = (whole: string, thread: string | undefined): void => {
    const [, name, rest] = /^(\w+)\((.*)$/s.exec(whole) ?? [];
    if (name === undefined || rest === undefined) return;
    const [, args = rest, result = '?', error] =
      /^(.*)\) += (-?\d+|\?)(?:<[^>]*>)?(?: (E[A-Z]+))?[^)"]*(?:\([^)"]*\) *)*$/s.exec(rest) ?? [];
    const counted = `${thread ?? ''} ${name}`;
    const nth = (counts.get(counted) ?? 0) + 1;
    counts.set(counted, nth);
    calls.push({
      name,
      thread: thread === undefined ? undefined : Number(thread),
      args,
      on: /^\d+<((?:->|[^<>]|<[^<>]*>)*)>/.exec(args)?.[1] ?? '',
      nth,
      result: result === '?' ? undefined : Number(result),
      error,
      injected: rest.endsWith('(INJECTED)'),
    });
  };
  for (const line of text.split('\n')) {
    const [, thread, said = ''] = /^(?:(\d+) +)?(.*)$/.exec(line) ?? [];
    const key = thread ?? '';
    let whole = said;
    if (said.endsWith(' <unfinished ...>')) {
      unfinished.set(key, said.slice(0, -' <unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(said);
    if (resumed !== null) {
      whole = `${unfinished.get(key) ?? ''}${resumed[1] ?? ''}`;
      unfinished.delete(key);
    }
    add(whole, thread);
  }
  for (const [thread, said] of unfinished) add(said, thread === '' ? undefined : thread);
  return { calls };
}

/** The bytes of the first string among the arguments. strace must have been told not to cut it. */
export function bytesIn(args: string): Buffer {
  const quoted = /"((?:[^"\\]|\\.)*)"/s.exec(args)?.[1];
  if (quoted === undefined) throw new Error(`no text in: ${args.slice(0, 200)}`);
  return unescaped(quoted);
}

/** Every path named by a string argument, in order. */
export const pathsIn = (args: string): readonly string[] =>
  [...args.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, text = '']) => unescaped(text).toString());

const letters: { readonly [letter: string]: number } = { n: 10, t: 9, r: 13, v: 11, f: 12, a: 7, b: 8 };

/** strace writes bytes as C does: letters, or up to three octal digits. */
function unescaped(text: string): Buffer {
  const plain = text.replace(/\\([0-7]{1,3}|.)/gs, (_, code: string) =>
    String.fromCharCode(/^[0-7]/.test(code) ? Number.parseInt(code, 8) : (letters[code] ?? code.charCodeAt(0))),
  );
  return Buffer.from(plain, 'latin1');
}
