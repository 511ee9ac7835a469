import type { Answer } from '../../core/ports.ts';
import { type Line, type Look, render, renderLine } from '../view/text.ts';
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
      const typed = await keyboard.line(`${renderLine(question, look)} `, {
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

/** Asks until one of `words` is typed in full; `q` and `quit` are always among them. Enter asks again. */
export async function oneOf<W extends string>(
  conversation: Conversation,
  question: Line,
  words: readonly W[],
  grave = true,
): Promise<W | Quit> {
  for (;;) {
    const typed = await conversation.line(question, grave);
    if (typeof typed !== 'string') return typed;
    if (typed === 'q' || typed === 'quit') return { answer: 'quit', why: 'quit' };
    const word = words.find((w) => w === typed.toLowerCase());
    if (word !== undefined) return word;
    conversation.say([`  Type one of these in full: ${[...words, 'quit'].join(', ')}.`]);
  }
}

/** Asks for a text until it is not empty. */
export async function required(conversation: Conversation, question: Line, what: string): Promise<string | Quit> {
  for (;;) {
    const typed = await conversation.line(question);
    if (typed !== '') return typed;
    conversation.say([`  ${what} is required; it goes on record.`]);
  }
}
