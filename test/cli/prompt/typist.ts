import { PassThrough } from 'node:stream';
import { askPerson } from '../../../src/cli/prompt/ask-person.ts';
import { type Keyboard, openKeyboard } from '../../../src/cli/prompt/keyboard.ts';
import { plainLook } from '../../../src/cli/view/text.ts';
import type { Answer, Question } from '../../../src/core/ports.ts';

/** Someone at a terminal that has no kernel: what is typed arrives as it would in cooked mode, a line at a time. */
export interface Typist {
  readonly keyboard: Keyboard;
  readonly controller: AbortController;
  show(text: string): void;
  /** What the screen holds. */
  screen(): string;
  type(text: string): void;
  /** Ends the input, as Ctrl-D on an empty line or a closed terminal does. */
  hangUp(): void;
  /** Whether the terminal is in raw mode. */
  raw(): boolean;
  /** Waits until the screen ends with a text. */
  shown(text: string): Promise<void>;
}

export function typist(): Typist {
  const input = new PassThrough();
  let screen = '';
  let raw = false;
  const controller = new AbortController();
  const stream = Object.assign(input, {
    setRawMode: (on: boolean) => {
      raw = on;
    },
  });
  const show = (text: string) => {
    screen += text;
  };
  const keyboard = openKeyboard(stream, show, () => controller.abort('SIGINT'));
  return {
    keyboard,
    controller,
    show,
    screen: () => screen,
    type: (text) => input.write(text),
    hangUp: () => input.end(),
    raw: () => raw,
    shown: async (text) => {
      const until = Date.now() + 240_000;
      while (!screen.endsWith(text)) {
        if (Date.now() > until) throw new Error(`the screen never ended with ${JSON.stringify(text)}:\n${screen}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

/** Puts a question to the typist. */
export const ask = (person: Typist, question: Question): Promise<Answer> =>
  askPerson({
    keyboard: person.keyboard,
    show: person.show,
    look: plainLook,
    host: 'web01',
    record: '/state/runs/web01/3f9c1a7be204/audit.jsonl',
    log: () => ['10:00:00 [1/3] identity ✓ verified: three sources agree'],
  })(question, person.controller.signal);
