import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command, Ended, RemoteProcess } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { killCommand } from './abort.ts';
import type { Carrier } from './carrier.ts';
import { collect } from './collect.ts';
import { type As, type CommandLine, commandLine, type LoginShell } from './command-line.ts';
import { follow, type Wire } from './follow.ts';
import { refusal } from './precondition.ts';
import { type Slots, slots } from './slots.ts';
import { passwordWrong, sudoRefusal } from './sudo.ts';
import type { Patience, SshTarget } from './target.ts';

/** sshd allows ten sessions on a connection (MaxSessions); two are kept for aborting. */
const channels = 8;

/** A connection with its places for programs. */
export interface Session {
  readonly target: SshTarget;
  readonly patience: Patience;
  readonly carrier: Carrier;
  readonly slots: Slots;
  /** The login shell, as far as the commands on this connection have told. */
  readonly login: { shell: LoginShell };
  /** What sudo is told where it asks. */
  readonly password?: Secret;
}

export const openSession = (target: SshTarget, patience: Patience, carrier: Carrier): Session => ({
  target,
  patience,
  carrier,
  slots: slots(channels),
  login: { shell: 'unknown' },
});

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** All of standard input; absent where the caller writes it. */
  readonly input?: Uint8Array;
  /** See `follow`. */
  readonly settle?: number;
}

/** Starts a program. `ok: false` means that it did not begin. */
export async function run(on: Session, command: Command, how: As, options: RunOptions): Promise<Result<RemoteProcess>> {
  const line = commandLine(command, how, `decom-${randomBytes(8).toString('hex')}`, on.login.shell);
  if (!line.ok) return line;
  const opened = await openChannel(on, line.value.text, options.signal);
  if (!opened.ok) return opened;
  if ('lost' in opened.value) return ok(lostProcess(opened.value.lost));
  const { wire, release } = opened.value;
  return begin(on, command, how, options, line.value, wire, release);
}

async function begin(
  on: Session,
  command: Command,
  how: As,
  options: RunOptions,
  line: CommandLine,
  wire: Wire,
  release: () => void,
): Promise<Result<RemoteProcess>> {
  const { target, carrier, patience } = on;
  const lostEnd = (): Ended => ({ how: 'lost', trouble: carrier.lost() ?? noStatus(target) });
  const answers = answersTo(line.prompt, on.password, wire);
  const followed = follow(wire, {
    mark: line.mark,
    lostEnd,
    ...(options.settle === undefined ? {} : { settle: options.settle }),
    ...(how === 'password' ? { saidBefore: answers.hear } : {}),
  });
  const { process } = followed;
  const unwatch = carrier.onLost((why) => followed.finish({ how: 'lost', trouble: why }));
  process.stdin.on('error', () => undefined);
  const feed = (): void => {
    if (line.preface.length > 0) process.stdin.write(line.preface);
    if (options.input !== undefined) process.stdin.end(options.input);
  };
  // Nothing may be read as the password that is not the password.
  if (how !== 'password') feed();
  // Login scripts may wait for something for ever. Hung up on, the shell ends where it would say that it begins; whether it has said so just now, nobody knows.
  const hangUp = (): void => followed.finish({ how: 'lost', trouble: shellHangs(target, patience.ready) });
  const impatience = setTimeout(hangUp, patience.ready);
  const onAbort = (): void => {
    const soon = setTimeout(hangUp, patience.abort);
    void followed.begun.then((begun) => {
      clearTimeout(soon);
      if (begun.began) followed.abort(() => kill(on, begun.group, how));
    });
  };
  if (options.signal?.aborted) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });
  void process.ended.then(() => {
    unwatch();
    release();
    options.signal?.removeEventListener('abort', onAbort);
  });

  const begun = await followed.begun;
  clearTimeout(impatience);
  if (begun.began) {
    if (begun.shell === 'plain') on.login.shell = 'plain';
    if (how === 'password') feed();
    return ok(process);
  }
  if (begun.why === 'no-directory') {
    return fail(
      trouble(
        'no-directory',
        `${command.argv[0]} was not started: ${target.user} cannot enter ${command.directory} on ${target.name}`,
        'Check the path and its permissions on the host.',
      ),
    );
  }
  if (begun.why === 'refused') return fail(refusal(target.name, command.precondition ?? {}, begun.refused));
  if (answers.refused()) return fail(passwordWrong(target));
  if (begun.ended.how === 'lost') return ok(process);
  const said = begun.said.replaceAll(line.prompt, '\n').trim();
  return fail(sudoRefusal(target, said) ?? noShell(target, said));
}

/** Tells sudo the password when it asks, once; asked again, it is told nothing more, so that no account is locked for many attempts. */
function answersTo(
  prompt: string,
  password: Secret | undefined,
  wire: Wire,
): { readonly hear: (said: Buffer) => void; readonly refused: () => boolean } {
  let asked = 0;
  return {
    hear: (said) => {
      const times = said.toString('latin1').split(prompt).length - 1;
      if (times === asked) return;
      if (asked === 0 && times === 1 && password !== undefined) wire.stdin.write(`${password.reveal()}\n`);
      else wire.stdin.end();
      asked = times;
    },
    refused: () => asked > 1,
  };
}

/** `lost`: the request was sent and its answer never came, so the program may have begun. */
type Opened = Result<{ readonly wire: Wire; readonly release: () => void } | { readonly lost: Trouble }>;

async function openChannel(on: Session, text: string, signal: AbortSignal | undefined): Promise<Opened> {
  for (let refusals = 0; ; ) {
    let release: () => void;
    try {
      release = await on.slots.take(signal);
    } catch {
      return fail(abortedBefore(on.target));
    }
    const asked = await on.carrier.request(text);
    if (asked.wire !== undefined) return ok({ wire: asked.wire, release });
    release();
    if (asked.refused === 'channel' && on.slots.taken() > 0) {
      // The server allows fewer sessions than usual: wait for one of ours to end.
      on.slots.shrink();
      continue;
    }
    if (asked.refused === 'channel' && ++refusals < 8) {
      // A server counts a session for a moment after it has told its end.
      await pause(25 * refusals);
      continue;
    }
    if (asked.refused === 'channel') return fail(noChannel(on.target, asked.said));
    if (asked.refused === 'exec') return fail(noShell(on.target, asked.said));
    const why = on.carrier.lost() ?? noStatus(on.target);
    return asked.sent ? ok({ lost: why }) : fail(why);
  }
}

/** A program of which nothing was seen, not even whether it began. */
const lostProcess = (why: Trouble): RemoteProcess => ({
  stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
  stdout: Readable.from([]),
  stderr: Readable.from([]),
  ended: Promise.resolve({ how: 'lost', trouble: why }),
});

/** Ends a program from a second channel, which waits for no place; whether nothing of it is left. */
async function kill(on: Session, group: number, how: As): Promise<boolean> {
  const command = killCommand(group, on.patience.abort);
  const line = commandLine(command, how, `decom-${randomBytes(8).toString('hex')}`, on.login.shell);
  if (!line.ok) return false;
  const { wire } = await on.carrier.request(line.value.text);
  if (wire === undefined) return false;
  const begun = await begin(on, command, how, { input: new Uint8Array() }, line.value, wire, () => undefined);
  if (!begun.ok) return false;
  const { ended } = await collect(begun.value, 1024);
  return ended.how === 'exit' && ended.code === 0;
}

export const abortedBefore = (target: SshTarget): Trouble =>
  trouble(
    'aborted',
    `nothing was started on ${target.name}: it was stopped here before`,
    'Start again when you are ready.',
  );

const noStatus = (target: SshTarget): Trouble =>
  trouble(
    'connection-lost',
    `${target.name} closed the channel without saying how the program ended`,
    'Look on the host whether it ran to its end.',
  );

const noShell = (target: SshTarget, said: string): Trouble =>
  trouble(
    'no-shell',
    `${target.name} does not run programs for ${target.user}`,
    'Check that its login shell is a POSIX shell, and that neither sshd_config (ForceCommand) nor authorized_keys (command=) replaces commands.',
    said,
  );

const noChannel = (target: SshTarget, said: string): Trouble =>
  trouble(
    'no-channel',
    `${target.name} opens no session on the connection`,
    'Check MaxSessions in its sshd_config.',
    said,
  );

const shellHangs = (target: SshTarget, within: number): Trouble =>
  trouble(
    'shell-hangs',
    `the login shell of ${target.user} on ${target.name} did not begin within ${Math.ceil(within / 1000)} s, and was hung up on`,
    'Look what its start-up files (~/.bashrc, ~/.ssh/rc, /etc/profile.d) or sudo wait for.',
  );
