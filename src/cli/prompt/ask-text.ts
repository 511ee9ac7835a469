import type { Line } from '../view/text.ts';
import { type Conversation, nothingTyped, type Quit, quit, quits } from './conversation.ts';

export interface TextSettings {
  /** Much hangs on it: only a moment of quiet lets it be answered. */
  readonly grave?: boolean;
  /** What is said to a text that is not the one wanted; undefined where it is taken. */
  readonly unfit?: (typed: string) => string | undefined;
  /** What quitting does. */
  readonly quit?: string;
}

/** Asks until a text is given; undefined: back to the question before. `b`, `q` and `?` are answers here as elsewhere, never the text. */
export async function askText(
  conversation: Conversation,
  question: Line,
  { grave = false, unfit, quit: quitting = quits }: TextSettings = {},
): Promise<string | Quit | undefined> {
  const spans = typeof question === 'string' ? [question] : question;
  for (;;) {
    const typed = await conversation.line([...spans, ' [b,q,?]'], grave);
    if (typeof typed !== 'string') return typed;
    switch (typed.toLowerCase()) {
      case 'b':
      case 'back':
        return undefined;
      case 'q':
      case 'quit':
        return quit;
      case '?':
      case 'help':
        conversation.say([
          '  Type the text itself, and Enter, or:',
          '  b  back  to the question before',
          `  q  quit  ${quitting}`,
          '  ?  help  this help',
        ]);
        break;
      case '':
        conversation.say([`  ${nothingTyped}b goes back, q quits.`]);
        break;
      default: {
        const why = unfit?.(typed);
        if (why === undefined) return typed;
        conversation.say([`  ${why}`]);
      }
    }
  }
}

/** Asks for a reason, which goes on record. */
export const askReason = (
  conversation: Conversation,
  question: string,
  quitting: string = quits,
): Promise<string | Quit | undefined> => askText(conversation, `  ${question} (goes on record)`, { quit: quitting });
