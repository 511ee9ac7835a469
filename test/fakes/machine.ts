import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Command, Machine, RemoteProcess } from '../../src/core/ports.ts';
import { fail, ok, type Result, seen, type Trouble, trouble } from '../../src/core/result.ts';
import { killCommand } from '../../src/effects/ssh/abort.ts';
import { collect } from '../../src/effects/ssh/collect.ts';
import { commandLine } from '../../src/effects/ssh/command-line.ts';
import { type Followed, follow, type Wire } from '../../src/effects/ssh/follow.ts';
import { refusal } from '../../src/effects/ssh/precondition.ts';

export interface FakeMachineOptions {
  readonly name?: string;
  readonly hostKey?: string;
  /** The PATH of what is run: a folder of stand-ins, then the usual ones. */
  readonly path?: string;
  /** Variables of the login's environment. */
  readonly environment?: { readonly [name: string]: string };
  /** What root commands are refused with; absent: they run like others. */
  readonly rootTrouble?: Trouble;
}

export interface FakeMachine extends Machine {
  /** Cuts the connection: what runs ends as `lost`, and goes on running on "the host" until `close`. */
  cut(): void;
  /** While set, every call fails with it, as an unreachable host's do. */
  unreachable(why: Trouble | undefined): void;
  /** Every command that was begun. */
  readonly commands: readonly Command[];
}

export const fakeHostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdpdmVuIGJ5IGEgZmFrZSwgbm90IGEga2V5IGF0IGFs';

/** A machine that is this one: programs run by its own sh, with the wrapper, abort and endings of the SSH machine. */
export function fakeMachine(options: FakeMachineOptions = {}): FakeMachine {
  const name = options.name ?? 'fake01';
  const running = new Map<ChildProcess, Followed>();
  const commands: Command[] = [];
  let why: Trouble | undefined;
  const environment = {
    PATH: options.path ?? process.env.PATH ?? '/usr/bin:/bin',
    HOME: process.env.HOME ?? '/',
    ...options.environment,
  };

  const spawned = (text: string): ChildProcess =>
    spawn('/bin/sh', ['-c', text], { detached: true, stdio: 'pipe', env: environment });

  const run = async (
    command: Command,
    { signal, input, settle }: { signal?: AbortSignal | undefined; input?: Uint8Array; settle?: number },
  ): Promise<Result<RemoteProcess>> => {
    if (signal?.aborted) return fail(trouble('aborted', `nothing was started on ${name}`, 'Start again.'));
    if (why !== undefined) return fail(why);
    if (command.root && options.rootTrouble !== undefined) return fail(options.rootTrouble);
    const line = commandLine(command, 'login', `decom-${randomBytes(8).toString('hex')}`);
    if (!line.ok) return line;
    commands.push(command);
    const child = spawned(line.value.text);
    const followed = follow(wireOf(child), {
      mark: line.value.mark,
      lostEnd: () => ({ how: 'lost', trouble: lost(name) }),
      ...(settle === undefined ? {} : { settle }),
    });
    const { process } = followed;
    running.set(child, followed);
    process.stdin.on('error', () => undefined);
    if (line.value.preface.length > 0) process.stdin.write(line.value.preface);
    if (input !== undefined) process.stdin.end(input);
    const begun = await followed.begun;
    if (!begun.began) {
      if (begun.why === 'no-mark' && begun.ended.how === 'lost') return ok(process);
      if (begun.why === 'refused') return fail(refusal(name, command.precondition ?? {}, begun.refused));
      return begun.why === 'no-directory'
        ? fail(trouble('no-directory', `${command.directory} cannot be entered on ${name}`, 'Check the path.'))
        : fail(trouble('no-shell', `${name} does not run programs`, 'Check its shell.', begun.said));
    }
    const onAbort = (): void => {
      const end = commandLine(killCommand(begun.group, 1000), 'login', 'decom-end');
      followed.abort(async () => end.ok && succeeds(spawned(end.value.text)));
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    void process.ended.then(() => signal?.removeEventListener('abort', onAbort));
    return ok(process);
  };

  return {
    name,
    commands,
    exec: async (command, { signal, stdin, limit = 64 * 1024, keep } = {}) => {
      const started = await run(command, { signal, input: Buffer.from(stdin ?? ''), settle: 500 });
      return started.ok ? ok(await collect(started.value, limit, keep)) : started;
    },
    start: (command, { signal } = {}) => run(command, { signal }),
    hostKey: async () => (why === undefined ? ok(options.hostKey ?? fakeHostKey) : fail(why)),
    reachable: async () => seen(why === undefined ? 'yes' : 'no'),
    cut: () => {
      for (const followed of running.values()) followed.finish({ how: 'lost', trouble: lost(name) });
    },
    unreachable: (trouble) => {
      why = trouble;
    },
    close: async () => {
      why = trouble('connection-closed', `the connection to ${name} was closed here`, 'Start again.');
      for (const [child, followed] of running) {
        followed.finish({ how: 'lost', trouble: why });
        endGroup(child);
      }
      running.clear();
    },
  };
}

const lost = (name: string): Trouble =>
  trouble('connection-lost', `the connection to ${name} was lost`, 'Check that the host is up.');

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

const succeeds = (child: ChildProcess): Promise<boolean> =>
  new Promise((resolve) => child.once('close', (code) => resolve(code === 0)));

function wireOf(child: ChildProcess): Wire {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('the streams are pipes');
  return {
    stdin,
    stdout,
    stderr,
    onExit: (listener) => {
      child.once('exit', listener);
    },
    onClose: (listener) => {
      child.once('close', () => listener());
    },
    hangUp: () => {
      stdout.destroy();
      stderr.destroy();
    },
  };
}
