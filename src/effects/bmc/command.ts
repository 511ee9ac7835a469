import type { Bmc, Clock } from '../../core/ports.ts';
import { fail, ok, type Result, type Seen, seen, type Trouble, unseen } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { greatestAnswer, type ProgramEnd, runProgram } from '../process.ts';
import { type Answered, type Asked, readAnswer } from './command-answer.ts';
import {
  programCannot,
  programCannotTell,
  programDeclined,
  programKnowsNoLight,
  programLeftOpen,
  programMissing,
  programNotAsked,
  programReachesNothing,
  programRefused,
  programSaysNothing,
  type Told,
} from './command-trouble.ts';
import { firstForeignLine, foreignText } from './foreign-text.ts';
import { swapGuid } from './guid.ts';
import { inTurn } from './turns.ts';

export interface CommandOptions {
  /** Name of the host it belongs to; told to the program. */
  readonly name: string;
  readonly argv: readonly string[];
  /** Secrets that only this program gets. */
  readonly secrets: { readonly [name: string]: Secret };
  /** Of our own environment the program gets what stands in `inherited`, and nothing else. */
  readonly environment: { readonly [name: string]: string | undefined };
  /** Where it runs, and where a relative path to it starts. */
  readonly folder: string;
  readonly clock: Clock;
  /** Milliseconds for one answer. Default 30,000. */
  readonly within?: number;
  /** Milliseconds between two questions. Default 0. */
  readonly spacing?: number;
}

/** What a program needs to find its tools, its own settings and the operator's agents. None of it is a secret of a host. */
const inherited = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'TZ', 'SSH_AUTH_SOCK', 'KRB5CCNAME'],
  ...['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME'],
];

/** Characters of a wrong answer that are shown. */
const shownOfAnswer = 200;

/** Power by a program of the operator's: one JSON object in, one out (docs/power-by-command.md). */
export function commandBmc(options: CommandOptions): Bmc {
  const { name, argv, secrets, folder, clock, within = 30_000, spacing = 0 } = options;
  const told: Told = {
    name,
    program: argv[0] ?? '',
    byHand: `echo '{"format":1,"ask":"power","host":"${name}"}' | ${argv.map(shellWord).join(' ')}`,
  };
  const key = `command ${JSON.stringify([folder, argv])}`;
  const hidden = Object.values(secrets);
  const shown = (text: string) => foreignText(text, hidden);
  const closing = new AbortController();
  const never = new AbortController().signal;
  const environment = Object.fromEntries([
    ...inherited.flatMap((each) =>
      options.environment[each] === undefined ? [] : [[each, options.environment[each]]],
    ),
    ['LC_ALL', 'C'],
    ...Object.entries(secrets).map(([each, value]) => [each, value.reveal()]),
  ]) as { [name: string]: string };

  async function ask(asked: Asked, signal: AbortSignal): Promise<Result<Exclude<Answered, { is: 'no' | 'odd' }>>> {
    const changes = 'want' in asked || asked.ask === 'reset';
    const stdin = `${JSON.stringify({ format: 1, ...asked, host: name })}\n`;
    const end = await inTurn({ key, spacing, clock, signal: AbortSignal.any([signal, closing.signal]) }, () =>
      // A change that was begun is not cut off when we are told to stop: then nobody would know what became of it.
      runProgram({ argv, environment, folder, stdin, within, signal: changes ? never : closing.signal }),
    );
    if (end === undefined) return fail(programNotAsked(told));
    if (end.how === 'not-started') return fail(programMissing(told, end.why));
    const answer = end.how === 'exit' && end.code === 0 && !end.overflow ? readAnswer(end.stdout, asked) : undefined;
    if (answer !== undefined && answer.is !== 'odd') {
      return answer.is === 'no' ? fail(toldNo(answer, end, asked)) : ok(answer);
    }
    const why = answer?.why ?? endWords(end);
    const said = shown(end.stderr);
    const printed = 'stdout' in end ? firstForeignLine(end.stdout, hidden, shownOfAnswer) : '';
    const detail = `${why}${said === '' ? '' : `: ${said}`}${printed === '' ? '' : `; it printed: ${printed}`}`;
    return fail(changes ? programLeftOpen(told, wordsOf(asked), detail) : programSaysNothing(told, why, detail));
  }

  async function change(asked: Asked, signal: AbortSignal): Promise<Result<void>> {
    const answer = await ask(asked, signal);
    return answer.ok ? ok(undefined) : answer;
  }

  async function state(of: 'power' | 'indicator'): Promise<Seen<'on' | 'off'>> {
    const answer = await ask({ ask: of }, never);
    if (!answer.ok) return unseen(answer.error);
    if (answer.value.is === 'state' && answer.value.state !== 'unknown') return seen(answer.value.state);
    return unseen(of === 'power' ? programCannotTell(told, 'power') : programKnowsNoLight(told));
  }

  function toldNo({ trouble: code, why }: Extract<Answered, { is: 'no' }>, end: ProgramEnd, asked: Asked): Trouble {
    const detail = shown(`${why} ${'stderr' in end ? end.stderr : ''}`);
    switch (code) {
      case 'unreachable':
        return programReachesNothing(told, detail);
      case 'refused':
        return programRefused(told, detail);
      case 'declined':
        return programDeclined(told, wordsOf(asked), detail);
      case 'unsupported':
        return asked.ask === 'indicator'
          ? programKnowsNoLight(told, detail)
          : programCannot(told, wordsOf(asked), detail);
    }
  }

  return {
    name,
    power: () => state('power'),
    async identity() {
      const answer = await ask({ ask: 'identity' }, never);
      if (!answer.ok) return unseen(answer.error);
      const { guid, serial } = answer.value.is === 'identity' ? answer.value : { guid: null, serial: null };
      const none = (what: string) => unseen(programCannotTell(told, `${what} of the machine`));
      return seen({
        guid: guid === null ? none('GUID') : seen(guid),
        guid_swapped: guid === null ? none('GUID') : seen(swapGuid(guid)),
        serial: serial === null ? none('serial') : seen(foreignText(serial, hidden, 100)),
      });
    },
    setPower: (want, how, signal) => change({ ask: 'set', want, how }, signal),
    indicator: () => state('indicator'),
    setIndicator: (want, signal) => change({ ask: 'locate', want }, signal),
    restart: (signal) => change({ ask: 'reset' }, signal),
    weaknesses: async () => seen([]),
    notes: () => [],
    async close() {
      closing.abort();
      await inTurn({ key, spacing: 0, clock, signal: never }, async () => undefined);
    },
  };
}

/** A word as a POSIX shell takes it: for a command that a person copies. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

function wordsOf(asked: Asked): string {
  switch (asked.ask) {
    case 'set':
      return asked.want === 'on' ? 'power on' : asked.how === 'soft' ? 'a soft power-off' : 'power off';
    case 'locate':
      return `its locator light ${asked.want}`;
    case 'reset':
      return 'a fresh start of what holds the power';
    default:
      return asked.ask;
  }
}

function endWords(end: Exclude<ProgramEnd, { how: 'not-started' }>): string {
  switch (end.how) {
    case 'too-long':
      return 'it took too long and was ended';
    case 'stopped':
      return 'it was stopped';
    case 'signal':
      return `it was ended by ${end.signal}`;
    case 'exit':
      return end.overflow ? `it printed more than ${greatestAnswer} bytes` : `it ended with exit code ${end.code}`;
  }
}
