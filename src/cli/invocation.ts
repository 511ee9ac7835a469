import { type LookSettings, lookFor, mayEscape } from './look.ts';
import { type Output, openOutput } from './output.ts';
import type { Look } from './view/text.ts';

/** Options that every command takes. */
export interface CommonOptions {
  /** `-C`: where to look for the workspace instead of the current folder. */
  readonly directory?: string;
  readonly json?: boolean;
  readonly accessible?: boolean;
}

/** What a command is called with, besides its own arguments: where it speaks, and the process around it. */
export interface Invocation {
  readonly output: Output;
  /** Absolute or relative folder that the workspace is looked for in. */
  readonly directory: string;
  readonly environment: { readonly [name: string]: string | undefined };
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  /** Both ends of a conversation are a terminal. Only then is anybody asked anything. */
  readonly terminal: boolean;
  /** The terminal takes cursor codes. */
  readonly rich: boolean;
  readonly accessible: boolean;
  readonly look: Look;
  readonly now: () => Date;
}

export function invocation(options: CommonOptions, argv: readonly string[]): Invocation {
  const { stdout, stderr, env } = process;
  const accessible = options.accessible === true || Boolean(env.DECOM_ACCESSIBLE);
  const settings: LookSettings = { environment: env, noColor: argv.includes('--no-color'), accessible };
  const now = () => new Date();
  const look = lookFor(stderr, settings);
  return {
    output: openOutput(
      { stdout, stderr },
      { stdout: lookFor(stdout, settings), stderr: look },
      options.json === true,
      now,
    ),
    directory: options.directory ?? process.cwd(),
    environment: env,
    // Opened when somebody is asked: that takes time, and most commands ask nobody.
    get stdin() {
      return process.stdin;
    },
    stderr,
    get terminal() {
      return process.stdin.isTTY === true && stderr.isTTY === true;
    },
    rich: mayEscape(stderr, settings),
    accessible,
    look,
    now,
  };
}
