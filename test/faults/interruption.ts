import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
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

/** A fresh practice machine with a workspace, whose programs can be held up. */
export interface Stage {
  readonly machine: PracticeMachine;
  readonly bench: PracticeBench;
  /** Where programs on the machine leave what tests look for. */
  readonly folder: string;
  /**
   * Puts a stand-in before a program of the machine: when its arguments match the shell pattern it notes a line in `calls`, waits until
   * it is let go, and then becomes the real one. Once let go, nothing waits any more.
   */
  hold(program: string, pattern: string): Hold;
  /** The same for a program of this computer, for whoever has `path` as its PATH. */
  holdHere(program: string, pattern: string): Pick<Hold, 'letGo'> & { readonly path: string };
  /** The lines that held programs noted. */
  calls(): readonly string[];
  /** Argument vectors of everything that runs on the machine. */
  running(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A program that waits until the test says so: no moment depends on how fast anything is. */
export interface Hold {
  letGo(): void;
  /** Whether something of it waits on the machine. */
  waits(): Promise<boolean>;
}

/** Shell: waits for the file. It never outlives the test. */
export const waitFor = (file: string): string =>
  `while [ ! -e '${file}' ] && kill -0 ${process.pid} 2>/dev/null; do sleep 0.05; done`;

export async function openStage(): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-faults-')));
  const machine = await startMachine(folder);
  const bench = await practiceBench(machine);
  const noted = join(folder, 'calls');
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
  const holdIn = (bin: string, program: string, pattern: string, wait: (script: string) => string): Hold => {
    const own = join(bin, program);
    const real = `${own}.real`;
    const go = `${own}.go`;
    if (existsSync(own)) renameSync(own, real);
    const then = existsSync(real) ? `exec '${real}' "$@"` : `PATH=\${PATH#*:}; exec ${program} "$@"`;
    const note = `echo "${program} $*" >> '${noted}'`;
    writeFileSync(own, `#!/bin/sh\ncase "$*" in\n${pattern}) ${note}; ${wait(waitFor(go))} ;;\nesac\n${then}\n`);
    chmodSync(own, 0o755);
    return {
      letGo: () => writeFileSync(go, ''),
      waits: async () => (await running()).some((line) => line.includes(`${own} `)),
    };
  };
  return {
    machine,
    bench,
    folder,
    // In a process of its own, so that what has to be ended on the machine is more than the program itself.
    hold: (program, pattern) =>
      holdIn(join(folder, 'machine', 'stand-ins'), program, pattern, (script) => `(${script})`),
    holdHere: (program, pattern) => {
      const bin = join(folder, 'bin');
      mkdirSync(bin, { recursive: true });
      const { letGo } = holdIn(bin, program, pattern, (script) => script);
      return { letGo, path: `${bin}:${process.env.PATH ?? ''}` };
    },
    calls: () => (existsSync(noted) ? readFileSync(noted, 'utf8').trim().split('\n') : []),
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
