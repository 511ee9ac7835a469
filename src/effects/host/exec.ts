import type { OperationHandlers } from '../../core/action.ts';
import type { OperationOf, Outcome, Receipt } from '../../core/operation.ts';
import type { CollectedOutput, Command, Machine, Secrets } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { lastLines, tailText } from './plain-text.ts';

/** How much of the end of each stream the receipt keeps, in bytes. */
const tailLimit = 4096;

/** `exec`: runs an argument vector on the host. Receipt: `{exit, stdout_tail, stderr_tail}`. */
export const execHandlers = (machine: Machine, secrets: Secrets): Pick<OperationHandlers, 'exec'> => ({
  exec: async (operation, { signal }) => {
    const command = await withSecrets(operation, secrets);
    if (!command.ok) return { outcome: 'failed', trouble: command.error };
    const ran = await machine.exec(command.value, { signal, limit: tailLimit, keep: 'last' });
    // Not started at all: nothing is in doubt.
    if (!ran.ok) return { outcome: 'failed', trouble: ran.error };
    return outcome(machine, operation.argv, ran.value);
  },
});

function outcome(machine: Machine, argv: readonly string[], output: CollectedOutput): Outcome {
  const { ended } = output;
  const tails = {
    stdout_tail: tailText(output.stdout, tailLimit),
    stderr_tail: tailText(output.stderr, tailLimit),
  };
  const receipt: Receipt = { exit: ended.how === 'exit' ? ended.code : null, ...tails };
  switch (ended.how) {
    case 'exit':
      return ended.code === 0
        ? { outcome: 'done', receipt }
        : { outcome: 'failed', trouble: badExit(machine, argv, ended.code, tails), receipt };
    case 'signal': {
      const what = `${shown(argv)} on ${machine.name} was ended by ${ended.signal}`;
      const detail = lastWords(tails);
      return {
        outcome: 'failed',
        trouble: trouble(
          'command-killed',
          what,
          'Find out what ended it: its own log, or dmesg (out of memory).',
          detail,
        ),
        receipt: { ...receipt, signal: ended.signal },
      };
    }
    case 'aborted':
      return ended.trouble.code === 'aborted'
        ? { outcome: 'failed', trouble: ended.trouble, receipt }
        : { outcome: 'unknown', trouble: ended.trouble };
    case 'lost':
      return { outcome: 'unknown', trouble: ended.trouble };
  }
}

interface Tails {
  readonly stdout_tail: string;
  readonly stderr_tail: string;
}

function badExit(machine: Machine, argv: readonly string[], code: number, tails: Tails): Trouble {
  const program = argv[0] ?? '';
  const detail = lastWords(tails);
  // A script may end with 127 for a program of its own: only one that was not found by its name is missing here.
  if (code === 127 && tails.stderr_tail.includes(program)) {
    const name = program.split('/').pop() ?? program;
    return trouble(
      'tool-missing',
      `there is no program ${program} on ${machine.name}`,
      `Install it there (Debian: apt-get install ${packageOf[name] ?? name}), or change the step.`,
      detail,
    );
  }
  return trouble(
    'command-failed',
    `${shown(argv)} on ${machine.name} ended with exit ${code}`,
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

async function withSecrets(operation: OperationOf<'exec'>, secrets: Secrets): Promise<Result<Command>> {
  const { argv, root, directory, environment } = operation;
  const filled: { [name: string]: string | Secret } = {};
  for (const [name, value] of Object.entries(environment ?? {})) {
    if (typeof value === 'string') {
      filled[name] = value;
      continue;
    }
    const got = await secrets(value, name);
    if (!got.ok) return fail(got.error);
    filled[name] = got.value;
  }
  return ok({
    argv,
    root,
    ...(directory === undefined ? {} : { directory }),
    ...(environment === undefined ? {} : { environment: filled }),
  });
}
