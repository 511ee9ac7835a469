import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Recorded } from '../../src/core/event.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Called, endCalls } from './program.ts';

/** A fresh practice machine with a workspace, whose programs can be made slow. */
export interface Stage {
  readonly machine: PracticeMachine;
  readonly bench: PracticeBench;
  /** Where programs on the machine leave what tests look for. */
  readonly folder: string;
  /**
   * Puts a stand-in before a program of the machine: when its arguments match the shell pattern it notes a line in `calls`, sleeps that
   * many seconds, and then becomes the real one.
   */
  slow(program: string, pattern: string, seconds: number): void;
  /** The lines that slowed programs noted. */
  calls(): readonly string[];
  /** Argument vectors of everything that runs on the machine. */
  running(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-faults-')));
  const machine = await startMachine(folder);
  const bench = await practiceBench(machine);
  const bin = join(folder, 'machine', 'stand-ins');
  const noted = join(folder, 'calls');
  return {
    machine,
    bench,
    folder,
    slow: (program, pattern, seconds) => {
      const own = join(bin, program);
      const real = `${own}.real`;
      if (existsSync(own) && !existsSync(real)) renameSync(own, real);
      const go = existsSync(real) ? `exec '${real}' "$@"` : `PATH=\${PATH#*:}; exec ${program} "$@"`;
      writeFileSync(
        own,
        `#!/bin/sh\ncase "$*" in\n${pattern}) echo "${program} $*" >> '${noted}'; sleep ${seconds} ;;\nesac\n${go}\n`,
      );
      chmodSync(own, 0o755);
    },
    calls: () => (existsSync(noted) ? readFileSync(noted, 'utf8').trim().split('\n') : []),
    running: async () => {
      const pids = await machine.processes();
      if (pids.length === 0) return [];
      try {
        return execFileSync('ps', ['-o', 'args=', '-p', pids.join(',')], { encoding: 'utf8' })
          .trim()
          .split('\n');
      } catch {
        // ps fails when none of them is left.
        return [];
      }
    },
    close: async () => {
      await endCalls();
      await bench.close();
      await machine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Looks again until it holds; fails after half a minute, or as soon as the program has ended. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  called?: Pick<Called, 'ended'>,
): Promise<void> {
  let over: string | undefined;
  void called?.ended.then((ended) => {
    over = `${ended.code}: ${ended.stdout}${ended.stderr}`;
  });
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (over !== undefined) throw new Error(`the program ended before: ${what}\n${over}`);
    if (Date.now() > deadline) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Types of the events of one step, in order. */
export const typesOf = (events: readonly Recorded[], step: string): readonly string[] =>
  events.filter((event) => 'step' in event && event.step === step).map(({ type }) => type);

export const has = (stage: Stage, step: string, type: string): boolean =>
  typesOf(stage.bench.events(), step).includes(type);
