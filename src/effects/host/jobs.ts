import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { Act, Acts, There } from '../../core/act.ts';
import type { BegunOutcome, Operation, OperationOf, Outcome } from '../../core/operation.ts';
import type { Clock, CollectedOutput, Machine } from '../../core/ports.ts';
import type { Precondition } from '../../core/precondition.ts';
import { printable } from '../../core/printable.ts';
import { fail, ok, type Trouble, trouble } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { endTreeScript } from '../end-tree.ts';
import { calledOf, erased } from './erase-job.ts';
import { exitOutcome, notStarted, type Streams, signalOutcome } from './exit-outcome.ts';
import { freeCalled, freed } from './free-job.ts';
import { jobScript, prepareScript } from './job-script.ts';

export interface JobDeps {
  readonly machine: Machine;
  /**
   * Whether and how a login that is not root becomes root. A job cannot be asked for a password: with `password` the job of what needs root is
   * root's own, begun, found and ended by way of sudo.
   */
  readonly sudo: 'no' | 'yes' | 'password';
  readonly clock: Clock;
  /** Milliseconds to go on trying to reach the host after the connection was lost. Default 60 seconds. */
  readonly patience?: number;
}

/** Programs on the host that outlive their connection. Every method translates what the scripts say; none of them throws. */
export interface Jobs extends Acts {
  /** With `precondition` the job is begun only where that holds; its fence is not made before. */
  run(operation: Ready, act: Act, signal: AbortSignal, precondition?: Precondition): Promise<Outcome>;
}

/** An `exec` whose secrets have their values. */
export type Ready = Omit<OperationOf<'exec'>, 'environment'> & {
  readonly environment?: { readonly [name: string]: string | Secret };
  /** What it is called to people; absent: by its words. */
  readonly called?: readonly string[];
};

type Named = Pick<Ready, 'argv' | 'root' | 'called'>;

/** An operation that is a program on the host; undefined for every other one. Its words are for people. */
function programOf(operation: Operation): Named | undefined {
  if (operation.kind === 'exec') return operation;
  if (operation.kind === 'disk.erase') return { argv: calledOf(operation), root: true };
  return operation.kind === 'disk.free' ? { argv: freeCalled(operation), root: true } : undefined;
}

const usualPatience = 60_000;

export function jobsOn(deps: JobDeps): Jobs {
  const { machine, clock } = deps;
  /** Whose job the last one prepared is. */
  let uid: string | undefined;
  const needsSudo = (operation: Named): boolean => operation.root && uid !== '0';
  const rootsOwn = (operation: Named): boolean => operation.root && deps.sudo === 'password';

  /** What one call of a script said: its state's words and both streams after the line; or why nothing is known. */
  const ask = async (
    operation: Named,
    script: string,
    words: readonly string[],
    input: (nonce: string) => string,
    signal?: AbortSignal,
    precondition?: Precondition,
  ): Promise<Said> => {
    const nonce = `decom-${randomBytes(8).toString('hex')}`;
    const [mode, ...rest] = words;
    const argv = [
      'sh',
      '-c',
      script,
      'sh',
      ...(script === jobScript ? [mode ?? '', nonce, ...rest] : [nonce, ...words]),
    ];
    const ran = await machine.exec(
      { argv, root: rootsOwn(operation), ...(precondition === undefined ? {} : { precondition }) },
      { stdin: input(nonce), ...(signal === undefined ? {} : { signal }) },
    );
    if (!ran.ok) return { said: 'not-asked', trouble: ran.error };
    return reading(ran.value, nonce, machine.name);
  };

  /** Asks about an act until somebody answers or the patience is at its end. The act itself goes on meanwhile. */
  const follow = async (operation: Named, act: Act, signal: AbortSignal): Promise<Said> => {
    let until = clock.monotonic() + (deps.patience ?? usualPatience);
    for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
      const said = await ask(operation, jobScript, ['look', act.boot, `${act.folder}/${act.name}`], nothing, signal);
      if (said.said === 'state' || signal.aborted) return said;
      // It was reached, and lost once more: that may go on for as long as the act does.
      if (said.said === 'lost') until = clock.monotonic() + (deps.patience ?? usualPatience);
      if (clock.monotonic() + wait > until) return said;
      await clock.sleep(wait, signal);
    }
  };

  /** Ends an act that is under way; what it left is judged afterwards. */
  const end = async (operation: Named, act: Act): Promise<Said> => {
    const place = `${act.folder}/${act.name}`;
    const seen = await ask(operation, jobScript, ['stop', act.boot, place], nothing);
    if (seen.said !== 'state') return seen;
    if (seen.state === 'alive') {
      const argv = ['sh', '-c', endTreeScript, 'sh', seen.rest, '30'];
      await machine.exec({ argv, root: needsSudo(operation) || rootsOwn(operation) });
    }
    return ask(operation, jobScript, ['look', act.boot, place], nothing);
  };

  const judged = (said: Said, operation: Named): BegunOutcome | Never => {
    const argv = operation.called ?? operation.argv;
    if (said.said !== 'state') return { outcome: 'unknown', trouble: said.trouble };
    if (said.state === 'never') return { outcome: 'never' };
    if (said.state === 'ended' && /^\d{1,3}$/.test(said.rest))
      return endedAs(machine.name, argv, Number(said.rest), said);
    return { outcome: 'unknown', trouble: doubtful(machine.name, argv, shown(`${said.state} ${said.rest}`)) };
  };

  const settled = async (
    operation: Named,
    act: Act,
    said: Said,
    signal: AbortSignal,
  ): Promise<BegunOutcome | Never> => {
    if (signal.aborted) {
      const after = judged(await end(operation, act), operation);
      if (after.outcome === 'unknown')
        return { outcome: 'unknown', trouble: stopped(machine.name, operation.called ?? operation.argv) };
      return after;
    }
    return judged(said, operation);
  };

  return {
    prepare: async (begun, { run, step }) => {
      const operation = programOf(begun);
      if (operation === undefined) return ok(null);
      const said = await ask(operation, prepareScript, [`${run}/${step}`], nothing);
      if (said.said !== 'state') return fail(said.trouble);
      if (said.state === 'no-boot-id') return ok(null);
      if (said.state !== 'ready') return fail(noFolder(machine.name, shown(said.rest)));
      const [id = '', boot = '', ...folder] = said.rest.split(' ');
      // It goes into the log, and comes back as an argument.
      if (!/^[0-9a-f-]{36}$/.test(boot) || !/^\/[^\0]{1,4095}$/.test(folder.join(' '))) {
        return fail(noFolder(machine.name, shown(said.rest)));
      }
      uid = id;
      if (needsSudo(operation) && deps.sudo === 'no') return fail(rootNeeded(machine.name, operation.argv));
      return ok<There>({ boot, folder: folder.join(' ') });
    },

    run: async (operation, act, signal, precondition) => {
      const environment = Object.entries(operation.environment ?? {});
      const values = environment.map(([, value]) => (typeof value === 'string' ? value : value.reveal()));
      const words = [
        'begin',
        act.boot,
        `${act.folder}/${act.name}`,
        needsSudo(operation) && !rootsOwn(operation) ? 'sudo' : 'login',
        String(environment.length),
        ...environment.map(([name]) => name),
        operation.directory ?? '',
        ...operation.argv,
      ];
      const preface = values.map((value) => `${value.split('\n').length}\n${value}\n`).join('');
      const said = await ask(operation, jobScript, words, (nonce) => `${preface}${nonce}\n`, signal, precondition);
      if (said.said === 'not-asked' && !signal.aborted) return notStarted(said.trouble);
      // What could not make its folder, did not get its whole input, or came to a host that was restarted meanwhile, did not begin.
      if (said.said === 'state' && ['cut', 'nowhere', 'rebooted'].includes(said.state)) {
        return { outcome: 'failed', trouble: notBegun(machine.name, operation.called ?? operation.argv, said.state) };
      }
      const last = said.said === 'lost' && !signal.aborted ? await follow(operation, act, signal) : said;
      // The first loss tells more than that the host could not be reached again.
      const seen = last.said === 'not-asked' && said.said === 'lost' ? said : last;
      const ended = await settled(operation, act, seen, signal);
      if (ended.outcome !== 'never') return said.said === 'lost' ? afterLoss(ended, said.trouble) : ended;
      return { outcome: 'failed', trouble: neverBegan(machine.name, operation.called ?? operation.argv) };
    },

    recall: async (begun, act, { signal }) => {
      const operation = programOf(begun);
      if (operation === undefined) throw new Error(`${begun.kind} cannot be found again`);
      const first = await ask(operation, jobScript, ['look', act.boot, `${act.folder}/${act.name}`], nothing, signal);
      if (first.said === 'not-asked' && !signal.aborted) return { outcome: 'unreached', trouble: first.trouble };
      const said = first.said === 'lost' && !signal.aborted ? await follow(operation, act, signal) : first;
      if (said.said === 'not-asked' && !signal.aborted) return { outcome: 'unreached', trouble: said.trouble };
      const outcome = await settled(operation, act, said, signal);
      if (begun.kind === 'disk.erase') return erased(begun, machine.name, outcome);
      return begun.kind === 'disk.free' ? freed(begun, machine.name, outcome) : outcome;
    },

    forget: async (run) => {
      // A host that was switched off took them along, and to wait for it would hold up the end of the run.
      const there = await machine.reachable(1000);
      if (!there.known || there.value !== 'yes') return;
      const argv = ['sh', '-c', forgetScript, 'sh', run];
      await machine.exec({ argv, root: false });
      if (deps.sudo === 'password') await machine.exec({ argv, root: true });
    },
  };
}

/** That the connection was lost meanwhile stays on record. */
const afterLoss = (outcome: BegunOutcome, { what }: Trouble): BegunOutcome =>
  outcome.outcome === 'unknown' ? outcome : { ...outcome, receipt: { ...outcome.receipt, lost: what } };

type Never = { readonly outcome: 'never' };

const nothing = (): string => '';

type Said =
  | {
      readonly said: 'state';
      readonly state: string;
      readonly rest: string;
      readonly stdout: Uint8Array;
      readonly stderr: Uint8Array;
    }
  /** Nothing was begun by it. */
  | { readonly said: 'not-asked'; readonly trouble: Trouble }
  /** It may have begun. */
  | { readonly said: 'lost'; readonly trouble: Trouble };

/** Finds the script's own line; what stands before it is a login script's. */
function reading({ ended, stdout, stderr }: CollectedOutput, nonce: string, host: string): Said {
  const bytes = Buffer.from(stdout);
  const at = bytes.indexOf(`${nonce} `);
  const end = at === -1 ? -1 : bytes.indexOf('\n', at);
  if (end !== -1) {
    const [state = '', ...rest] = bytes.toString('utf8', at + nonce.length + 1, end).split(' ');
    return { said: 'state', state, rest: rest.join(' '), stdout: bytes.subarray(end + 1), stderr };
  }
  if (ended.how === 'lost' || ended.how === 'aborted') return { said: 'lost', trouble: ended.trouble };
  const what = ended.how === 'exit' ? `exit ${ended.code}` : ended.signal;
  const said = Buffer.from(stderr).toString().trim();
  return {
    said: 'lost',
    trouble: trouble(
      'job-unclear',
      `the shell of ${host} ended without saying what it did (${what})`,
      'Check that its login shell is a POSIX shell, and that its start-up files neither end nor replace it.',
      ...(said === '' ? [] : [said]),
    ),
  };
}

/** Below each place that `prepareScript` may have chosen. */
const forgetScript = `
run=$1
case $run in '' | */* | .*) exit 1 ;; esac
for base in "\${DECOM_JOBS:-}" /run/decom "\${HOME:-}/.decom/run"; do
  case $base in /*) ;; *) continue ;; esac
  [ -O "$base/$run" ] && [ ! -L "$base/$run" ] && rm -rf "$base/$run"
  rmdir "$base" 2>/dev/null
done
exit 0`;

/** The shell tells a signal as 128 and its number; a program may choose such a number too, so both are said. */
function endedAs(host: string, argv: readonly string[], code: number, streams: Streams): BegunOutcome {
  const said = Buffer.from(streams.stderr).toString();
  if (code === 1 && /^sudo: /m.test(said)) {
    const what = `sudo on ${host} did not run ${program(argv)}`;
    const fix = 'Allow it in sudoers without a password (NOPASSWD), or set ssh.sudo_password.';
    return { outcome: 'failed', trouble: trouble('sudo-refused', what, fix, said.trim()) };
  }
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined
    ? exitOutcome(host, argv, code, streams)
    : signalOutcome(host, argv, `${signal} (exit ${code})`, streams);
}

/** What a host said, for people. */
const shown = (text: string): string => printable(text.trim().slice(0, 200));

const program = (argv: readonly string[]): string => argv[0] ?? 'the command';

const doubtful = (host: string, argv: readonly string[], state: string): Trouble => {
  const look = 'Look on the host whether it was done.';
  switch (state) {
    case 'rebooted':
      return trouble('rebooted', `${host} was restarted while ${program(argv)} was under way on it`, look);
    case 'gone':
      return trouble('job-gone', `${program(argv)} was begun on ${host}, does not run any more, and left no end`, look);
    case 'nowhere':
      return trouble(
        'job-folder',
        `the folder in which ${program(argv)} was to be kept on ${host} is not there any more, or is closed to this login`,
        'Log in as the one who began it (ssh.user), or look on the host whether it was done.',
      );
    default:
      return trouble('job-unclear', `${host} says "${state}" of ${program(argv)}`, look);
  }
};

const notBegun = (host: string, argv: readonly string[], state: string): Trouble =>
  state === 'rebooted'
    ? trouble('rebooted', `${host} was restarted before ${program(argv)} was begun on it`, 'Take it up again.')
    : trouble(
        'job-folder',
        `${program(argv)} was not begun on ${host}: it could not be kept there`,
        'Look whether the disk is full, and whether ~/.decom or /run/decom belongs to the login.',
      );

const stopped = (host: string, argv: readonly string[]): Trouble =>
  trouble('aborted', `${program(argv)} was ended on ${host} before it was done`, 'Go on with: decom resume');

const neverBegan = (host: string, argv: readonly string[]): Trouble =>
  trouble('never-began', `${program(argv)} was not begun on ${host}: the connection was lost before`, 'Try again.');

const noFolder = (host: string, folder: string): Trouble =>
  trouble(
    'no-job-folder',
    `no folder can be made on ${host} that remembers what is begun there (tried ${folder})`,
    'Make room or make it writable; or set DECOM_JOBS in the login’s environment to a folder that is its own.',
  );

const rootNeeded = (host: string, argv: readonly string[]): Trouble =>
  trouble(
    'root-needed',
    `${program(argv)} needs root on ${host}, and the login is not root`,
    `Set ssh.sudo: true for ${host} in hosts.yaml, or log in as root.`,
  );
