/** What a piece of text is, as far as looks go. It never carries information of its own: a reader without colour loses nothing. */
export type Tone = 'strong' | 'dim' | 'good' | 'bad' | 'warn' | 'ask';

/** A piece of a line: text, or text with a tone. */
export type Span = string | { readonly tone: Tone; readonly text: string };

/** One line of output, without its newline. */
export type Line = string | readonly Span[];
