import type { Command } from 'commander';
import type { ExitCode } from './exit.ts';
import type { CommonOptions, Invocation } from './invocation.ts';

/** What a command does once it is called: a module of `commands/`, loaded then. */
export type Act<O> = (
  invocation: Invocation,
  operands: readonly string[],
  options: O & CommonOptions,
) => Promise<ExitCode>;

/** Declares a command below `parent`: its usage, one sentence about it, examples, and what it does. */
export type Declare = <O>(
  parent: Command,
  usage: string,
  about: string,
  examples: readonly string[],
  act: Act<O>,
) => Command;

/** What commands are declared with. */
export interface Declaring {
  readonly root: Command;
  readonly command: Declare;
}

/** By name; each declares its command when it is called. */
export interface Declared {
  readonly [name: string]: () => unknown;
}

/** An option that may be given more than once. */
export const collected = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];
