import type { Answer } from '../../core/ports.ts';
import { type Line, type Look, render, renderBroken } from '../view/text.ts';
import type { Keyboard } from './keyboard.ts';

/** A question that leaves nothing but a key press to answer it wrongly asks for this much quiet first. */
export const graveQuiet = 250;
/** Enough to throw away what was typed while the step before was running. */
export const usualQuiet = 40;

/** A person at a terminal, asked line by line. A line that cannot be had (Ctrl-C, closed input) becomes the answer `quit`. */
export interface Conversation {
  say(lines: readonly Line[]): void;
  /** The trimmed line that was typed, or why there is none. */
  line(question: Line, grave?: boolean): Promise<string | Quit>;
}

export type Quit = Extract<Answer, { readonly answer: 'quit' }>;

export function openConversation(
  keyboard: Keyboard,
  show: (text: string) => void,
  look: Look,
  signal: AbortSignal,
): Conversation {
  return {
    say: (lines) => show(render(lines, look)),
    async line(question, grave = false) {
      const typed = await keyboard.line(`${renderBroken(question, look)} `, {
        quiet: grave ? graveQuiet : usualQuiet,
        signal,
      });
      switch (typed.typed) {
        case 'line':
          return typed.text.trim();
        case 'end':
          return { answer: 'quit', why: 'end-of-input' };
        case 'interrupted':
          return { answer: 'quit', why: 'interrupted' };
      }
    },
  };
}

export const quit: Quit = { answer: 'quit', why: 'quit' };

/** What `q` does in a run, and while it is rolled back. */
export const quits = 'everything is kept, and the run can be resumed';
export const quitsBack = 'what was taken back stays so, and the rollback can be gone on with: decom resume';

/** Said to Enter alone, before what can be typed. */
export const nothingTyped = 'Nothing was typed, and nothing was done. ';
