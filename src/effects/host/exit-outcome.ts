import type { BegunOutcome, Outcome } from '../../core/operation.ts';
import { refusals } from '../../core/precondition.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { lastLines, tailText } from './plain-text.ts';

/** How much of the end of each stream a receipt keeps, in bytes. */
export const tailLimit = 4096;

export interface Streams {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** `{exit, stdout_tail, stderr_tail}`, as a receipt of `exec` has them. */
export const tailsOf = (streams: Streams) => ({
  stdout_tail: tailText(streams.stdout, tailLimit),
  stderr_tail: tailText(streams.stderr, tailLimit),
});
type Tails = ReturnType<typeof tailsOf>;

/** What was not started at all: nothing is in doubt. */
export const notStarted = (why: Trouble): Outcome =>
  refusals.includes(why.code) ? { outcome: 'refused', trouble: why } : { outcome: 'failed', trouble: why };

/** What a program's exit code and last words come to. */
export function exitOutcome(host: string, argv: readonly string[], code: number, streams: Streams): BegunOutcome {
  const tails = tailsOf(streams);
  const receipt = { exit: code, ...tails };
  if (code === 0) return { outcome: 'done', receipt };
  return { outcome: 'failed', trouble: badExit(host, argv, code, tails), receipt };
}

/** What a program that a signal ended comes to. */
export function signalOutcome(host: string, argv: readonly string[], signal: string, streams: Streams): BegunOutcome {
  const tails = tailsOf(streams);
  return {
    outcome: 'failed',
    trouble: trouble(
      'command-killed',
      `${shown(argv)} on ${host} was ended by ${signal}`,
      'Find out what ended it: its own log, or dmesg (out of memory).',
      lastWords(tails),
    ),
    receipt: { exit: null, ...tails, signal },
  };
}

function badExit(host: string, argv: readonly string[], code: number, tails: Tails): Trouble {
  const program = argv[0] ?? '';
  const detail = lastWords(tails);
  // A script may end with 127 for a program of its own: only one that was not found by its name is missing here.
  if (code === 127 && tails.stderr_tail.includes(program)) {
    const name = program.split('/').pop() ?? program;
    return trouble(
      'tool-missing',
      `there is no program ${program} on ${host}`,
      `Install it there (Debian: apt-get install ${packageOf[name] ?? name}), or change the step.`,
      detail,
    );
  }
  return trouble(
    'command-failed',
    `${shown(argv)} on ${host} ended with exit ${code}`,
    'Put right what its last lines say, and try again.',
    detail,
  );
}

const packageOf: { readonly [program: string]: string } = {
  systemctl: 'systemd',
  hostnamectl: 'systemd',
  lsblk: 'util-linux',
  ip: 'iproute2',
  sha256sum: 'coreutils',
  pg_dump: 'postgresql-client',
  mysqldump: 'default-mysql-client',
};

const lastWords = (tails: Tails): string | undefined =>
  lastLines(tails.stderr_tail, 10) || lastLines(tails.stdout_tail, 10) || undefined;

/** An argument vector for people: short, on one line. */
function shown(argv: readonly string[]): string {
  const text = argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
