import type { Line } from '../view/text.ts';
import { type Conversation, nothingTyped, type Quit, quit, quits } from './conversation.ts';

/** An answer that a question takes, and what it does. */
export type Choice<W extends string> = readonly [word: W, does: string];

export interface ChoiceSettings {
  /** Much hangs on it: only a moment of quiet lets it be answered. */
  readonly grave?: boolean;
  /** The first letter is not enough, but for `q`. */
  readonly inFull?: boolean;
  /** Something may stand behind the answer. */
  readonly noted?: boolean;
  /** What quitting does. */
  readonly quit?: string;
}

export interface Chosen<W extends string> {
  readonly word: W;
  /** What was typed behind it; empty unless the question takes notes. */
  readonly note: string;
}

/**
 * Asks until one of the answers is given. Everywhere alike: they stand in brackets behind the question, `q` or `quit` stops, `?` or `help`
 * explains them, capitals do not matter, a word may always be typed in full, and Enter alone asks again.
 */
export async function choose<W extends string>(
  conversation: Conversation,
  question: Line,
  choices: readonly Choice<W>[],
  { grave = false, inFull = false, noted = false, quit: quitting = quits }: ChoiceSettings = {},
): Promise<Chosen<W> | Quit> {
  const all: readonly Choice<W | 'quit'>[] = [...choices, ['quit', quitting]];
  const names = all.map(([word]) => (inFull ? word : word.charAt(0)));
  const explained = `${names.join(', ')}${inFull ? ' in full' : ''}`;
  const spans = typeof question === 'string' ? [question] : question;
  for (;;) {
    const typed = await conversation.line([...spans, ` [${names.join(',')},?]`], grave);
    if (typeof typed !== 'string') return typed;
    const [, first = '', note = ''] = /^(\S*)\s*(.*)$/s.exec(typed) ?? [];
    const said = first.toLowerCase();
    if (said === '?' || said === 'help') {
      conversation.say(helpOn(all, inFull, noted));
      continue;
    }
    if (note === '' || noted) {
      if (['q', 'quit', 'abort'].includes(said)) return quit;
      const choice = choices.find(([word]) => word === said || (!inFull && word.charAt(0) === said));
      if (choice !== undefined) return { word: choice[0], note };
    }
    conversation.say([`  ${typed === '' ? nothingTyped : ''}Type one of ${explained}, and Enter; ? explains them.`]);
  }
}

function helpOn(choices: readonly Choice<string>[], inFull: boolean, noted: boolean): readonly Line[] {
  const rows: readonly (readonly [string, string])[] = [
    ...choices.map(([word, does]) => [inFull ? word : `${word.charAt(0)}  ${word}`, does] as const),
    [inFull ? '?' : '?  help', 'this help'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, does]) => `  ${name.padEnd(width)}  ${does}`),
    ...(noted ? ['  A note may stand behind it: "y moved to rack 3".'] : []),
  ];
}
