import type { Command, Machine, Secrets } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Carrier } from './carrier.ts';
import { collect } from './collect.ts';
import type { As } from './command-line.ts';
import { abortedBefore, openSession, run, type Session } from './session.ts';
import { sudoListRefusal, unsudo } from './sudo.ts';
import { sudoPassword } from './sudo-password.ts';
import type { Patience, SshTarget } from './target.ts';
import { reachFromHere } from './way.ts';

const usualLimit = 64 * 1024;
const nothing = new Uint8Array();

interface Pooled extends Session {
  /** Whether the login is root; asked once. */
  readonly root: () => Promise<Result<boolean>>;
}

/**
 * A machine over connections that `open` makes: verified, and logged in. The first call opens one, and so does the first call after a loss;
 * a command is never sent twice. `ok: false` means that the program was not started; one whose end nobody saw ends as `lost`.
 * Troubles besides those of `open`: `sudo-refused`, `sudo-password-wrong`, `no-secret`, `root-needed`, `no-directory`, `no-shell`, `not-a-command`, `no-channel`,
 * `connection-lost`, `aborted`.
 */
export function machineOver(
  target: SshTarget,
  patience: Patience,
  openCarrier: (signal: AbortSignal) => Promise<Result<Carrier>>,
  { reach, secrets }: { readonly reach?: Machine['reachable']; readonly secrets?: Secrets | undefined } = {},
): Machine {
  const password = sudoPassword(target, secrets);
  const closing = new AbortController();
  let pooled: { readonly opening: Promise<Result<Pooled>>; opened?: Result<Pooled> } | undefined;

  const session = (): Promise<Result<Pooled>> => {
    const opened = pooled?.opened;
    const dead = opened !== undefined && !(opened.ok && opened.value.carrier.usable());
    if (pooled === undefined || dead) {
      const opening = open();
      const entry: NonNullable<typeof pooled> = { opening };
      pooled = entry;
      void opening.then((result) => {
        entry.opened = result;
      });
    }
    return pooled.opening;
  };

  const open = async (): Promise<Result<Pooled>> => {
    const opened = await openCarrier(closing.signal);
    if (!opened.ok) return opened;
    const base = openSession(target, patience, opened.value);
    let root: Promise<Result<boolean>> | undefined;
    return ok({
      ...base,
      root: () => {
        root ??= isRoot(base);
        return root;
      },
    });
  };

  const prepare = async (
    command: Command,
    signal: AbortSignal | undefined,
  ): Promise<Result<{ readonly on: Session; readonly how: As }>> => {
    if (signal?.aborted) return fail(abortedBefore(target));
    const on = await unlessAborted(session(), signal);
    if (on === undefined) return fail(abortedBefore(target));
    if (!on.ok) return on;
    if (!command.root) return ok({ on: on.value, how: 'login' });
    const root = await on.value.root();
    if (!root.ok) return root;
    if (root.value) return ok({ on: on.value, how: 'login' });
    if (!target.sudo) return fail(rootNeeded(target, command));
    if (password === undefined) return ok({ on: on.value, how: 'sudo' });
    const proven = await unlessAborted(password.proven(on.value), signal);
    if (proven === undefined) return fail(abortedBefore(target));
    return proven.ok ? ok({ on: { ...on.value, password: proven.value }, how: 'password' }) : proven;
  };

  const runAs: typeof run = async (on, command, how, options) => {
    const started = await run(on, command, how, options);
    if (!started.ok && started.error.code === 'sudo-password-wrong') password?.refuse(started.error);
    return started;
  };

  return {
    name: target.name,

    exec: async (command, { signal, stdin, limit = usualLimit, keep } = {}) => {
      const ready = await prepare(command, signal);
      if (!ready.ok) return ready;
      const { on, how } = ready.value;
      const input = stdin === undefined ? nothing : Buffer.from(stdin);
      const started = await runAs(on, command, how, { signal, input, settle: patience.settle });
      if (!started.ok) return started;
      const output = await collect(started.value, limit, keep);
      if (how !== 'sudo') return ok(output);
      const told = unsudo(target, output);
      return 'code' in told ? fail(told) : ok(told);
    },

    start: async (command, { signal } = {}) => {
      const ready = await prepare(command, signal);
      if (!ready.ok) return ready;
      const { on, how } = ready.value;
      if (how === 'sudo') {
        const refused = await refusedBySudo(on, command, signal);
        if (refused !== undefined) return fail(refused);
      }
      return runAs(on, command, how, { signal });
    },

    hostKey: async () => {
      const on = await session();
      return on.ok ? ok(on.value.carrier.hostKey) : on;
    },

    legacy: async () => {
      const on = await session();
      return on.ok ? ok(on.value.carrier.legacy ?? []) : on;
    },

    reachable: reach ?? ((within) => reachFromHere(target, within)),

    close: async () => {
      closing.abort();
      const on = await pooled?.opening;
      if (on?.ok) on.value.carrier.close();
    },
  };
}

async function isRoot(on: Session): Promise<Result<boolean>> {
  const started = await run(on, { argv: ['id', '-u'], root: false }, 'login', { input: nothing });
  if (!started.ok) return started;
  const { ended, stdout } = await collect(started.value, usualLimit);
  if (ended.how === 'lost') return fail(ended.trouble);
  return ok(Buffer.from(stdout).toString().trim() === '0');
}

/** Asks sudo beforehand, so that its refusal does not come out in the middle of a stream. */
async function refusedBySudo(
  on: Session,
  command: Command,
  signal: AbortSignal | undefined,
): Promise<Trouble | undefined> {
  const question: Command = {
    argv: ['sudo', '-n', '-l', '--', ...command.argv],
    root: false,
    environment: { LC_ALL: 'C' },
  };
  const started = await run(on, question, 'login', { signal, input: nothing });
  if (!started.ok) return started.error;
  const { ended, stdout, stderr } = await collect(started.value, usualLimit);
  if (ended.how === 'lost' || ended.how === 'aborted') return ended.trouble;
  const code = ended.how === 'exit' ? ended.code : 1;
  return sudoListRefusal(on.target, code, Buffer.concat([stderr, stdout]).toString());
}

const rootNeeded = (target: SshTarget, command: Command): Trouble =>
  trouble(
    'root-needed',
    `${command.argv[0]} needs root on ${target.name}, and ${target.user} is not root`,
    `Set ssh.sudo: true for ${target.name} in hosts.yaml, or log in as root.`,
  );

/** What is promised, or undefined where the signal comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
