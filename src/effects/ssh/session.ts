import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { Command, Ended, RemoteProcess } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { killLine } from './abort.ts';
import type { Carrier } from './carrier.ts';
import { commandLine } from './command-line.ts';
import { follow, type Wire } from './follow.ts';
import { type Slots, slots } from './slots.ts';
import { sudoRefusal } from './sudo.ts';
import type { Patience, SshTarget } from './target.ts';

/** sshd allows ten sessions on a connection (MaxSessions); two are kept for aborting. */
const channels = 8;

/** A connection with its places for programs. */
export interface Session {
  readonly target: SshTarget;
  readonly patience: Patience;
  readonly carrier: Carrier;
  readonly slots: Slots;
}

export const openSession = (target: SshTarget, patience: Patience, carrier: Carrier): Session => ({
  target,
  patience,
  carrier,
  slots: slots(channels),
});

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** All of standard input; absent where the caller writes it. */
  readonly input?: Uint8Array;
  /** See `follow`. */
  readonly settle?: number;
}

/** Starts a program. `ok: false` means that it did not begin. */
export async function run(
  on: Session,
  command: Command,
  how: 'login' | 'sudo',
  options: RunOptions,
): Promise<Result<RemoteProcess>> {
  const { target, carrier } = on;
  const line = commandLine(command, how, `decom-${randomBytes(8).toString('hex')}`);
  if (!line.ok) return line;
  const opened = await openChannel(on, line.value.text, options.signal);
  if (!opened.ok) return opened;
  if ('lost' in opened.value) return ok(lostProcess(opened.value.lost));
  const { wire, release } = opened.value;

  const lostEnd = (): Ended => ({ how: 'lost', trouble: carrier.lost() ?? noStatus(target) });
  const followed = follow(wire, {
    mark: line.value.mark,
    lostEnd,
    ...(options.settle === undefined ? {} : { settle: options.settle }),
  });
  const { process } = followed;
  const unwatch = carrier.onLost((why) => followed.finish({ how: 'lost', trouble: why }));
  process.stdin.on('error', () => undefined);
  if (line.value.preface.length > 0) process.stdin.write(line.value.preface);
  if (options.input !== undefined) process.stdin.end(options.input);
  const onAbort = (): void => {
    void followed.begun.then((begun) => {
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
  if (begun.began) return ok(process);
  if (begun.why === 'no-directory') {
    return fail(
      trouble(
        'no-directory',
        `${command.argv[0]} was not started: ${target.user} cannot enter ${command.directory} on ${target.name}`,
        'Check the path and its permissions on the host.',
      ),
    );
  }
  if (begun.ended.how === 'lost') return ok(process);
  return fail(sudoRefusal(target, begun.said) ?? noShell(target, begun.said.trim()));
}

/** `lost`: the request was sent and its answer never came, so the program may have begun. */
type Opened = Result<{ readonly wire: Wire; readonly release: () => void } | { readonly lost: Trouble }>;

async function openChannel(on: Session, text: string, signal: AbortSignal | undefined): Promise<Opened> {
  for (;;) {
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

/** Ends a program from a second channel; whether nothing of it is left. */
async function kill(on: Session, group: number, how: 'login' | 'sudo'): Promise<boolean> {
  const { wire } = await on.carrier.request(killLine(group, on.patience.abort, how));
  if (wire === undefined) return false;
  wire.stdout.resume();
  wire.stderr.resume();
  wire.stdin.end();
  return new Promise((resolve) => {
    let code: number | null = null;
    wire.onExit((c) => {
      code = c;
    });
    wire.onClose(() => resolve(code === 0));
  });
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
