import { StringDecoder } from 'node:string_decoder';
import type { Ended, RemoteProcess } from '../../../core/ports.ts';

/** How a client ended that should have answered: with what it said on stderr. */
export interface Silence {
  readonly ended: Ended;
  readonly said: string;
}

type Answered = { readonly lines: readonly string[] } | Silence;

/** One session with a server, by a client that takes statements on its standard input and ends at the first that fails. */
export interface Talk {
  /** What the statements print, line by line. */
  ask(statements: string): Promise<Answered>;
  /** Ends the session; `undefined` where its last word was a good one. */
  end(last: string): Promise<Silence | undefined>;
  /** Ends it whatever it does. */
  drop(): void;
}

/** More than any list of tables. A longer answer of a runbook's question is no answer. */
const longest = 16 << 20;

/** `mark`: a statement that prints the word it is given on a line of its own. */
export function talkTo(process: RemoteProcess, mark: (word: string) => string): Talk {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let size = 0;
  let said = '';
  let count = 0;
  let lines: string[] = [];
  let over: Silence | undefined;
  let waiting: { readonly word: string; readonly settle: (answer: Answered) => void } | undefined;
  process.stdin.on('error', () => undefined);
  process.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4096);
  });
  process.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    const pieces = (rest + decoder.write(chunk)).split('\n');
    rest = pieces.pop() ?? '';
    for (const line of pieces) {
      if (waiting !== undefined && line === waiting.word) {
        const { settle } = waiting;
        waiting = undefined;
        settle({ lines });
      } else lines.push(line);
    }
    if (size > longest) {
      said = `its answer is longer than ${longest} bytes`;
      process.stdin.destroy();
      process.stdout.destroy();
    }
  });
  const ended = process.ended.then((end) => {
    over = { ended: end, said };
    waiting?.settle(over);
    return over;
  });
  return {
    async ask(statements) {
      if (over !== undefined) return over;
      lines = [];
      size = 0;
      const word = `decom-mark-${++count}`;
      const answer = new Promise<Answered>((settle) => {
        waiting = { word, settle };
      });
      process.stdin.write(`${statements}\n${mark(word)}\n`);
      return answer;
    },
    async end(last) {
      process.stdin.end(`${last}\n`);
      const silence = await ended;
      return silence.ended.how === 'exit' && silence.ended.code === 0 ? undefined : silence;
    },
    drop() {
      process.stdin.destroy();
    },
  };
}
