import { holdBackOptimiser } from './cached-script.ts';
import { type ExitCode, exit } from './exit.ts';
import { invocation } from './invocation.ts';

/** How long open handles may keep the process after its command has ended. */
const linger = 2000;

/**
 * Runs the command that `argv` names and sets the process's exit code. A thrown error is a bug: it asks for a report, and shows its
 * stack only with DECOM_DEBUG.
 */
export async function start(argv: readonly string[]): Promise<void> {
  holdBackOptimiser();
  // A reader that went away (`| head`) must not end a run half-way.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  let code: ExitCode | undefined;
  const checking = isPlainValidate(argv);
  process.on('exit', (ending) => {
    // 13 is Node's own code for a program that ran dry while it still awaited something.
    if (code !== undefined || (ending !== exit.bug && ending !== 13)) return;
    process.exitCode = exit.bug;
    reportBug(new Error('the program ended before its command did'));
  });
  process.on('uncaughtException', (error) => {
    code = exit.bug;
    reportBug(error);
    process.exit(exit.bug);
  });
  try {
    code = await (checking ? check(argv) : called(argv));
  } catch (error) {
    code = exit.bug;
    reportBug(error);
  }
  process.exitCode = code;
  // A check leaves nothing open, and to end here spares V8 the tidying of its heap. What a pipe has not yet taken is waited for.
  if (checking && process.stdout.writableLength === 0 && process.stderr.writableLength === 0) process.exit();
  setTimeout(() => process.exit(), linger).unref();
}

/** What is checked on every save is called without options, and needs no parser: to load one takes as long as to check a runbook. */
const isPlainValidate = ([name, ...files]: readonly string[]): boolean =>
  name === 'validate' && !files.some((file) => file.startsWith('-'));

async function check(argv: readonly string[]): Promise<ExitCode> {
  const { validate } = await import('./commands/validate.ts');
  return validate(invocation({}, argv), argv.slice(1), () => import('./compose.ts'));
}

async function called(argv: readonly string[]): Promise<ExitCode> {
  const { runProgram } = await import('./program.ts');
  return runProgram(argv);
}

function reportBug(error: unknown): void {
  const what = error instanceof Error ? error.message : String(error);
  const debug = process.env.DECOM_DEBUG;
  process.stderr.write(
    [
      `decom: this is a fault in decom itself: ${what}`,
      'Nothing that was recorded is lost. Please report it, with the output of: DECOM_DEBUG=1 decom …',
      ...(debug && error instanceof Error ? [error.stack ?? ''] : []),
      '',
    ].join('\n'),
  );
}
