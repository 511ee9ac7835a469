import { spawn } from 'node:child_process';

export interface ProgramRun {
  readonly argv: readonly string[];
  /** All that it gets; nothing of ours is added. */
  readonly environment: { readonly [name: string]: string };
  readonly folder: string;
  readonly stdin: string;
  /** Milliseconds, after which it and all that it started are ended. */
  readonly within: number;
  readonly signal: AbortSignal;
}

/** How it ended. `not-started`: there is no such program, or it may not be run. */
export type ProgramEnd =
  | { readonly how: 'not-started'; readonly why: string }
  | { readonly how: 'too-long' | 'stopped'; readonly stderr: string }
  | { readonly how: 'signal'; readonly signal: string; readonly stderr: string }
  | {
      readonly how: 'exit';
      readonly code: number;
      readonly stdout: string;
      readonly overflow: boolean;
      readonly stderr: string;
    };

/** Greatest answer that is kept, in bytes. What comes after it is read and thrown away, so that the program can end. */
export const greatestAnswer = 64 * 1024;
const keptOfStderr = 4096;
/** Milliseconds between asking the program to end and ending it; and for streams that a child of it keeps open. */
const grace = 2000;

/**
 * Runs a program of the operator's here, in a process group of its own: Ctrl-C at the terminal does not reach it, so a change that was
 * begun is not cut off by it, and nothing that it started is left behind when its time is over.
 */
export function runProgram({ argv, environment, folder, stdin, within, signal }: ProgramRun): Promise<ProgramEnd> {
  const [program = '', ...rest] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, rest, {
      cwd: folder,
      env: { ...environment },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    let size = 0;
    let stderr = Buffer.alloc(0);
    let cut: 'too-long' | 'stopped' | undefined;
    let ended = false;
    const timers = new Set<NodeJS.Timeout>();
    const after = (ms: number, act: () => void) => timers.add(setTimeout(act, ms));

    const endGroup = (name: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, name);
      } catch {
        // The group is gone already.
      }
    };
    const end = (why: 'too-long' | 'stopped') => {
      if (cut !== undefined || ended) return;
      cut = why;
      endGroup('SIGTERM');
      after(grace, () => endGroup('SIGKILL'));
    };
    const stop = () => end('stopped');
    const settle = (result: ProgramEnd) => {
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(result);
    };

    after(within, () => end('too-long'));
    signal.addEventListener('abort', stop, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= greatestAnswer) stdout.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-keptOfStderr);
    });
    // A program that does not read its question closes the pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) settle({ how: 'not-started', why: error.code ?? error.message });
    });
    const told = (code: number | null, name: NodeJS.Signals | null) => {
      // Its children, if any are left, have no business any more once it was cut off.
      if (cut !== undefined) endGroup('SIGKILL');
      const said = stderr.toString('utf8');
      if (cut !== undefined) settle({ how: cut, stderr: said });
      else if (code === null) settle({ how: 'signal', signal: name ?? 'a signal', stderr: said });
      else {
        const text = Buffer.concat(stdout).toString('utf8');
        settle({ how: 'exit', code, stdout: text, overflow: size > greatestAnswer, stderr: said });
      }
    };
    child.on('exit', (code, name) => {
      ended = true;
      after(grace, () => told(code, name));
    });
    child.on('close', told);
  });
}
