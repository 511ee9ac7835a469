import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Recorded } from '../../src/core/event.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { type Hold, holdIn } from './hold.ts';
import { type PracticeBench, practiceBench, startMachine } from './practice.ts';
import { type Called, endCalls } from './program.ts';

/** A fresh practice machine with a workspace, whose programs can be held up. */
export interface Stage {
  readonly machine: PracticeMachine;
  readonly bench: PracticeBench;
  /** Where programs on the machine leave what tests look for. */
  readonly folder: string;
  /** Holds up a program of the machine when its arguments match the shell pattern. */
  hold(program: string, pattern: string): Hold & { waits(): Promise<boolean> };
  /** Holds up a program of this computer, for whoever has `PATH` as its PATH. */
  holdHere(program: string, pattern: string): Hold & { readonly PATH: string };
  /** Argument vectors of everything that runs on the machine. */
  running(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-faults-')));
  const machine = await startMachine(folder);
  const bench = await practiceBench(machine);
  const running = async (): Promise<readonly string[]> => {
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
  };
  return {
    machine,
    bench,
    folder,
    hold: (program, pattern) => {
      const held = holdIn(join(folder, 'machine', 'stand-ins'), program, pattern, { apart: true });
      return { ...held, waits: async () => (await running()).some((line) => line.includes(`${held.path} `)) };
    },
    holdHere: (program, pattern) => {
      const bin = join(folder, 'bin');
      return { ...holdIn(bin, program, pattern), PATH: `${bin}:${process.env.PATH ?? ''}` };
    },
    running,
    close: async () => {
      await endCalls();
      await bench.close();
      await machine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Looks again until it holds; fails as soon as the program has ended, and when it takes so long that nothing will come of it. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  called?: Pick<Called, 'ended'>,
): Promise<void> {
  let over: string | undefined;
  void called?.ended.then((ended) => {
    over = `${ended.code}: ${ended.stdout}${ended.stderr}`;
  });
  const deadline = Date.now() + 240_000;
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
