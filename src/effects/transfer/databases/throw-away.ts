import { fail, ok, type Result, trouble } from '../../../core/result.ts';
import type { Confined } from './confined.ts';
import type { HereDialect } from './dialect.ts';
import { forgetServer, recordServer } from './left-server.ts';
import { firstLine } from './look.ts';
import { startHere } from './start-here.ts';

/** A server that lives for one proof. */
export interface ThrowAway {
  /** Rejects once it has ended, whatever else is waited for. */
  stop(): Promise<Result<void>>;
  said(): string;
}

/** Begins only once somebody has noted down who it is: whoever is killed before that leaves no server behind. */
const onceNoted = 'IFS= read -r go || exit 1; exec "$@" </dev/null';

/** Milliseconds. A server that goes through its log after a hard end may take minutes. */
const patience = { ready: 600_000, stop: 120_000 };

/** Starts a server on what lies in a scratch folder: reached by a socket in it, and by nothing else. */
export async function startThrowAway(
  dialect: HereDialect,
  folder: string,
  scratch: string,
  view: Confined,
  signal?: AbortSignal,
): Promise<Result<ThrowAway>> {
  const program = startHere(['sh', '-c', onceNoted, 'sh', ...view.wrap(dialect.serve(folder, view.scratch))]);
  const { pid } = program;
  if (pid === undefined) return fail(notStarted(folder, 'sh could not be started'));
  let said = '';
  let over = false;
  const gone = program.ended.then(() => {
    over = true;
  });
  const ready = new Promise<void>((resolve) => {
    program.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-16_384);
      if (dialect.ready.test(said)) resolve();
    });
  });
  program.stdout.resume();
  try {
    recordServer(scratch, pid, dialect.stop);
  } catch (error) {
    program.stdin.end();
    await gone;
    throw error;
  }
  program.stdin.end('go\n');
  const stop = async (): Promise<Result<void>> => {
    signalTo(pid, dialect.stop);
    const stopped = await within(gone, patience.stop, undefined);
    if (stopped !== 'come') signalTo(pid, 'SIGKILL');
    await gone;
    forgetServer(scratch);
    if (stopped === 'come') return ok(undefined);
    return fail(
      trouble(
        'server-stays',
        'the server that was started here for the proof did not stop',
        'Run the step again.',
        said,
      ),
    );
  };
  const came = await within(Promise.race([ready, gone]), patience.ready, signal);
  if (came === 'come' && !over) return ok({ stop, said: () => said });
  await stop();
  return fail(
    came === 'aborted'
      ? trouble('aborted', 'the proof was stopped', 'Resume to begin it again.')
      : notStarted(folder, said),
  );
}

/** It may be gone already, and waits only for its streams to close; until then nobody else has its number. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone.
  }
}

const notStarted = (folder: string, said: string) =>
  trouble(
    'server-not-started',
    `the server of ${folder} could not be started here for the proof: ${lastLine(said)}`,
    'Read what it said, then try again.',
    said,
  );

const lastLine = (said: string): string => firstLine(said.trim().split('\n').at(-1) ?? '');

function within(
  wait: Promise<void>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<'come' | 'late' | 'aborted'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle('late'), ms);
    const abort = (): void => settle('aborted');
    const settle = (how: 'come' | 'late' | 'aborted'): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve(how);
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    void wait.then(() => settle('come'));
  });
}
