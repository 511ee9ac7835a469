import type { Anchor } from '../core/ports.ts';
import { fail, ok, type Trouble, trouble } from '../core/result.ts';
import { type ProgramEnd, runProgram } from './process.ts';

export interface AnchorOptions {
  readonly argv: readonly string[];
  /** Where it runs, and where a relative path to it starts. */
  readonly folder: string;
  /** Of our own environment the program gets what stands in `inherited`, and nothing else. */
  readonly environment: { readonly [name: string]: string | undefined };
  /** Milliseconds that it may take. */
  readonly within: number;
}

/** What a program needs to find its tools, its own settings and the operator's agents. */
const inherited = ['PATH', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'TZ', 'SSH_AUTH_SOCK', 'KRB5CCNAME', 'LANG'];

/** Keeps heads by a program of the operator's: one JSON line in, whatever it says out; 0 means kept (docs/audit-format.md). */
export function commandAnchor(options: AnchorOptions): Anchor {
  const { argv, folder, within } = options;
  // Also the head of a run that was stopped is kept; the time that it may take is bounded.
  const { signal } = new AbortController();
  const environment = Object.fromEntries(
    inherited.flatMap((name) => (options.environment[name] === undefined ? [] : [[name, options.environment[name]]])),
  ) as { [name: string]: string };
  const name = argv[0] ?? '';
  return {
    name,
    async keep(head) {
      const stdin = `${JSON.stringify({ format: 1, ...head })}\n`;
      const end = await runProgram({ argv, environment, folder, stdin, within, signal });
      if (end.how === 'exit' && end.code === 0 && !end.overflow) return ok(end.stdout);
      return fail(notKept(name, within, end));
    },
  };
}

function notKept(name: string, within: number, end: ProgramEnd): Trouble {
  const fix =
    'Keep the head by hand where nobody who can change the log can write, and mend the program: decom.yaml, anchor.';
  const what = `the anchor program ${name}`;
  switch (end.how) {
    case 'not-started':
      return trouble('anchor-missing', `${what} cannot be run: ${end.why}`, fix);
    case 'too-long':
      return trouble('anchor-failed', `${what} did not end within ${within / 1000} s`, fix, end.stderr);
    case 'stopped':
      return trouble('anchor-failed', `${what} was stopped`, fix, end.stderr);
    case 'signal':
      return trouble('anchor-failed', `${what} was ended by ${end.signal}`, fix, end.stderr);
    case 'exit':
      return end.overflow
        ? trouble('anchor-failed', `${what} said more than 64 KiB`, fix)
        : trouble('anchor-failed', `${what} ended with ${end.code}`, fix, end.stderr);
  }
}
