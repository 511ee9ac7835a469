import type { Readable } from 'node:stream';
import type { Result, Trouble } from '../../core/result.ts';

/** How a program ended, with the last 8 KiB that it wrote to stderr. `code` is null where it did not exit by itself. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly signal?: AbortSignal;
  /** The Debian package that holds it, named where it is missing. */
  readonly pkg: string;
  readonly stdout?: (chunk: Buffer) => void;
  readonly stderrLine?: (line: string) => void;
}

/** Runs a program by argument vector, with nothing on stdin and only PATH in its environment. */
export type RunProgram = (
  argv: readonly [string, ...string[]],
  options: ProgramOptions,
) => Promise<Result<ProgramEnd, Trouble>>;

/** Splits what a program writes to stderr into lines, and keeps the last 8 KiB. */
export function hearStderr(
  stderr: Readable | null,
  line: ProgramOptions['stderrLine'],
): { readonly text: () => string } {
  let text = '';
  let rest = '';
  stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-8192);
    if (line === undefined) return;
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(line);
  });
  return { text: () => text };
}
