import { StringDecoder } from 'node:string_decoder';

/** What came of asking for a line. `end`: the input is closed. `interrupted`: the signal was aborted, or Ctrl-C was pressed. */
export type Typed = { readonly typed: 'line'; readonly text: string } | { readonly typed: 'end' | 'interrupted' };

export interface LineOptions {
  /** Milliseconds without a key that must pass before the question is shown; whatever is typed until then is thrown away. */
  readonly quiet: number;
  /** Shows nothing of what is typed. */
  readonly hidden?: boolean;
  readonly signal: AbortSignal;
}

export interface Keyboard {
  line(question: string, options: LineOptions): Promise<Typed>;
}

/** What of a terminal's input the keyboard needs; `process.stdin` is one. */
export interface KeyboardInput {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end' | 'close' | 'error', listener: () => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
  setRawMode?(raw: boolean): unknown;
}

const ctrlC = 0x03;
const ctrlD = 0x04;
const backspace = [0x08, 0x7f];
const ctrlU = 0x15;

/**
 * Reads lines from a terminal that edits and echoes them itself (cooked mode): nothing of it is lost when the process is killed.
 * Before each question the input is drained in raw mode, because only there a half-typed line can be seen and thrown away: a key
 * pressed before the question was shown must never count as its answer.
 */
export function openKeyboard(input: KeyboardInput, show: (text: string) => void, interrupt: () => void): Keyboard {
  let ended = false;
  let onEnd = () => {};
  const end = () => {
    ended = true;
    onEnd();
  };
  for (const event of ['end', 'close', 'error'] as const) input.on(event, end);

  /** Hands chunks to `take` until it settles the answer, the input ends or the signal is aborted. */
  const listen = (signal: AbortSignal, take: (answer: (typed: Typed) => void) => (chunk: Buffer) => void) =>
    new Promise<Typed>((resolve) => {
      const settle = (typed: Typed) => {
        input.off('data', onData);
        signal.removeEventListener('abort', onAbort);
        onEnd = () => {};
        resolve(typed);
      };
      const onAbort = () => settle({ typed: 'interrupted' });
      const onData = take(settle);
      onEnd = () => settle({ typed: 'end' });
      if (ended) return onEnd();
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort);
      input.on('data', onData);
      input.resume();
    });

  const untilQuiet = async (quiet: number, signal: AbortSignal): Promise<Typed> => {
    input.setRawMode?.(true);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await listen(signal, (settle) => {
        const rest = () => {
          clearTimeout(timer);
          timer = setTimeout(() => settle({ typed: 'line', text: '' }), quiet);
        };
        rest();
        return (chunk) => {
          if (chunk.includes(ctrlC)) interrupt();
          rest();
        };
      });
    } finally {
      clearTimeout(timer);
      input.setRawMode?.(false);
    }
  };

  const cookedLine = (signal: AbortSignal): Promise<Typed> =>
    listen(signal, (settle) => {
      const decoder = new StringDecoder('utf8');
      let text = '';
      return (chunk) => {
        text += decoder.write(chunk);
        const newline = text.search(/[\r\n]/);
        if (newline !== -1) settle({ typed: 'line', text: text.slice(0, newline) });
      };
    });

  const hiddenLine = async (signal: AbortSignal): Promise<Typed> => {
    input.setRawMode?.(true);
    try {
      return await listen(signal, (settle) => {
        const bytes: number[] = [];
        return (chunk) => {
          for (const byte of chunk) {
            if (byte === ctrlC) return interrupt();
            if (byte === ctrlD && bytes.length === 0) return settle({ typed: 'end' });
            if (byte === 0x0d || byte === 0x0a)
              return settle({ typed: 'line', text: Buffer.from(bytes).toString('utf8') });
            if (backspace.includes(byte)) dropCharacter(bytes);
            else if (byte === ctrlU) bytes.length = 0;
            else if (byte >= 0x20) bytes.push(byte);
          }
        };
      });
    } finally {
      input.setRawMode?.(false);
      show('\n');
    }
  };

  return {
    async line(question, { quiet, hidden = false, signal }) {
      try {
        const drained = await untilQuiet(quiet, signal);
        if (drained.typed !== 'line') return drained;
        show(question);
        const typed = await (hidden ? hiddenLine(signal) : cookedLine(signal));
        // The terminal stays on the question's line unless Enter was pressed.
        if (typed.typed !== 'line' && !hidden) show('\n');
        return typed;
      } finally {
        input.pause();
      }
    },
  };
}

/** Takes the last UTF-8 character off. */
function dropCharacter(bytes: number[]): void {
  let last = bytes.pop();
  while (last !== undefined && (last & 0xc0) === 0x80) last = bytes.pop();
}
