import type { Trouble } from '../core/result.ts';
import { type ExitCode, exit } from './exit.ts';
import type { Invocation } from './invocation.ts';
import { diagnosticLines } from './view/problem-lines.ts';
import { fromHere, isDiagnostic, type Problem } from './workspace.ts';

/** Says why a command does not begin, and gives its exit code. `folder` is what file names are relative to. */
export function refuse(
  { output }: Pick<Invocation, 'output'>,
  problems: readonly Problem[],
  folder = process.cwd(),
  code: ExitCode = exit.usage,
): ExitCode {
  const placed = <P extends { readonly file: string }>(at: P): P => ({
    ...at,
    file: fromHere(folder, at.file, process.cwd()),
  });
  const diagnostics = problems
    .filter(isDiagnostic)
    .map((d) => ({ ...placed(d), ...(d.way === undefined ? {} : { way: d.way.map(placed) }) }));
  for (const diagnostic of diagnostics) output.event({ type: 'diagnostic', message: diagnostic.what, ...diagnostic });
  output.note(diagnosticLines(diagnostics));
  for (const problem of problems) if (!isDiagnostic(problem)) output.trouble(problem);
  return code;
}

/** Says why a host's lock is not to be had: another process holds it, or it cannot be written. */
export const refuseLock = (invocation: Pick<Invocation, 'output'>, why: Trouble): ExitCode =>
  refuse(invocation, [why], process.cwd(), why.code === 'locked' ? exit.locked : exit.usage);

/** Says why a run cannot be read or taken up: its log is broken, or its folder cannot be used, of which nobody has to be suspected. */
export const refuseLog = (invocation: Pick<Invocation, 'output'>, why: Trouble, folder = process.cwd()): ExitCode =>
  refuse(invocation, [why], folder, exitOfLog(why));

function exitOfLog({ code }: Trouble): ExitCode {
  if (code === 'log-unsigned') return exit.logUnsigned;
  return ofTheFolder.has(code) ? exit.usage : exit.logBroken;
}

/** What is amiss with the state folder, and says nothing of the log. */
const ofTheFolder: ReadonlySet<string> = new Set([
  'state-not-writable',
  'state-not-shared',
  'group-unknown',
  'group-not-mine',
]);
