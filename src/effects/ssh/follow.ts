import { Readable, Writable } from 'node:stream';
import type { Ended, RemoteProcess } from '../../core/ports.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { afterMark, type FoundMark, findMark, type LoginShell } from './command-line.ts';
import { later } from './later.ts';
import type { Refused } from './precondition.ts';

/** The ends of a started program, whatever carries them. */
export interface Wire {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The program ended; its streams may still be open. A signal is named `SIGKILL`. */
  onExit(listener: (code: number | null, signal: string | null) => void): void;
  /** Both streams have been read to their end, or the carrier is gone. */
  onClose(listener: () => void): void;
  hangUp(): void;
}

/** How a shell began: with its process group, or not as asked. */
export type Begun =
  | { readonly began: true; readonly group: number; readonly shell: LoginShell }
  | { readonly began: false; readonly why: 'no-directory' }
  | { readonly began: false; readonly why: 'refused'; readonly refused: Refused }
  | { readonly began: false; readonly why: 'no-mark'; readonly said: string; readonly ended: Ended };

export interface Followed {
  readonly process: RemoteProcess;
  readonly begun: Promise<Begun>;
  /** Settles it from outside: the connection was lost. The first end stands. */
  finish(ended: Ended): void;
  /** Ends the program by `kill`, which tells whether nothing of it is left; until then no other end but a loss counts. */
  abort(kill: () => Promise<boolean>): void;
}

/**
 * Follows a program from the shell's private line to its end. The exit status alone does not end it, because output may still be
 * under way; with `settle` (ms) it ends after that long a silence, where something else keeps its streams open (`daemon &`).
 * `lostEnd` says what it means that the carrier closed without an exit status.
 */
export function follow(
  wire: Wire,
  options: {
    readonly mark: string;
    readonly settle?: number;
    readonly lostEnd: () => Ended;
    /** Called with what stderr has said so far, each time it says more before the program begins. */
    readonly saidBefore?: (said: Buffer) => void;
  },
): Followed {
  let arrived = 0;
  let status: Ended | undefined;
  let over = false;
  let aborting = false;
  let early: Buffer | undefined = Buffer.alloc(0);
  let timer: NodeJS.Timeout | undefined;
  const ended = later<Ended>();
  const begun = later<Begun>();

  let earlyOut: Buffer | undefined = Buffer.alloc(0);
  const stdout = mirror(wire.stdout, (chunk) => {
    arrived++;
    if (earlyOut === undefined) return chunk;
    earlyOut = Buffer.concat([earlyOut, chunk]);
    const rest = afterMark(earlyOut, options.mark);
    if (rest === undefined) {
      if (earlyOut.length > mostBeforeMark) cutOff({ how: 'aborted', trouble: noMark });
      return undefined;
    }
    earlyOut = undefined;
    return rest.length > 0 ? rest : undefined;
  });
  const stderr = mirror(wire.stderr, (chunk) => {
    arrived++;
    if (early === undefined) return chunk;
    early = Buffer.concat([early, chunk]);
    const found = findMark(early, options.mark);
    if (found === undefined) {
      if (early.length > mostBeforeMark) cutOff({ how: 'aborted', trouble: noMark });
      else options.saidBefore?.(early);
      return undefined;
    }
    early = undefined;
    begun.resolve(begunAs(found));
    return found.rest.length > 0 ? found.rest : undefined;
  });

  const finish = (end: Ended): void => {
    if (over) return;
    over = true;
    clearInterval(timer);
    if (early !== undefined) {
      // Where no shell is, what answers instead may say so on either.
      const said = Buffer.concat([early, earlyOut ?? Buffer.alloc(0)]).toString('utf8', 0, 4096);
      begun.resolve({ began: false, why: 'no-mark', said, ended: end });
    }
    if (!stdin.destroyed) stdin.destroy();
    ended.resolve(end);
  };
  const cutOff = (end: Ended): void => {
    if (over) return;
    finish(end);
    wire.hangUp();
    stdout.stop();
    stderr.stop();
  };

  wire.onExit((code, signal) => {
    status = code === null ? { how: 'signal', signal: signal ?? 'unknown' } : { how: 'exit', code };
    if (options.settle === undefined || over || aborting) return;
    let before = arrived;
    // Silence counts only while nothing waits here for a slow reader.
    timer = setInterval(() => {
      // A time in which this process stood still is no silence: what came meanwhile is read first.
      setImmediate(() => {
        if (status !== undefined && arrived === before && !stdout.waiting() && !stderr.waiting()) cutOff(status);
        before = arrived;
      });
    }, options.settle);
    timer.unref();
  });
  const abort = (kill: () => Promise<boolean>): void => {
    if (over || aborting) return;
    // It had ended by itself, and only its streams were still open.
    if (status !== undefined) {
      cutOff(status);
      return;
    }
    aborting = true;
    void kill().then((gone) => cutOff({ how: 'aborted', trouble: abortedTrouble(gone, status) }));
  };
  wire.onClose(() => {
    if (!aborting) finish(status ?? options.lostEnd());
  });

  const stdin = new Writable({
    highWaterMark: 1024 * 1024,
    write: (chunk: Buffer, _encoding, done) => {
      wire.stdin.write(chunk, (error) => done(error));
    },
    final: (done) => {
      wire.stdin.end();
      done();
    },
    destroy: (_error, done) => {
      // A writer that gave up must not leave the program waiting for more.
      if (!wire.stdin.writableEnded) wire.stdin.end();
      done(null);
    },
  });
  wire.stdin.on('error', () => stdin.destroy());

  return {
    process: { stdin, stdout: stdout.stream, stderr: stderr.stream, ended: ended.promise },
    begun: begun.promise,
    finish: cutOff,
    abort,
  };
}

function begunAs({ refused, directory, group, shell }: FoundMark): Begun {
  if (refused !== undefined) return { began: false, why: 'refused', refused };
  return directory ? { began: true, group, shell } : { began: false, why: 'no-directory' };
}

/** Login scripts may say something first; what says this much is no shell of ours, and must not fill the memory here. */
const mostBeforeMark = 1 << 20;

const noMark = trouble(
  'no-shell',
  'the shell said more than 1 MiB before it began',
  'Look at the login scripts of that account on the host.',
);

/** `aborted`: nothing of it is left. `abort-unconfirmed`: something may still run. */
function abortedTrouble(gone: boolean, status: Ended | undefined): Trouble {
  const how =
    status?.how === 'exit'
      ? `It ended with exit ${status.code}.`
      : status?.how === 'signal'
        ? `It ended by ${status.signal}.`
        : undefined;
  return gone
    ? trouble(
        'aborted',
        'the program was stopped, with all that it had started',
        'Start it again when you are ready.',
        how,
      )
    : trouble(
        'abort-unconfirmed',
        'the program was told to stop, and something of it may still be running',
        'Look on the host with: ps -ef',
        how,
      );
}

interface Mirror {
  readonly stream: Readable;
  /** Whether what arrived still waits to be read. */
  waiting(): boolean;
  stop(): void;
}

/**
 * Hands on what a carrier's stream brings, with its backpressure. A stream of its own, because readers destroy what they have read
 * (`for await`, `pipeline`), and destroying an SSH channel closes it before the exit status is there.
 */
function mirror(source: Readable, take: (chunk: Buffer) => Buffer | undefined): Mirror {
  let open = true;
  const stream = new Readable({
    highWaterMark: 1024 * 1024,
    read: () => {
      source.resume();
    },
    destroy: (error, done) => {
      source.resume();
      done(error);
    },
  });
  const stop = (): void => {
    if (!open) return;
    open = false;
    if (!stream.destroyed) stream.push(null);
  };
  source.on('data', (chunk: Buffer) => {
    const piece = take(chunk);
    if (piece === undefined || !open || stream.destroyed) return;
    if (!stream.push(piece)) source.pause();
  });
  source.once('end', stop);
  source.on('error', () => undefined);
  return { stream, waiting: () => stream.readableLength > 0 && !stream.destroyed, stop };
}
