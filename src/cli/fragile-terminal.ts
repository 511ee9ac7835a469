import type { Line } from './view/text.ts';

/**
 * What a person is told before an interactive run in a terminal that ends with its SSH connection: outside tmux and screen the run
 * would be cut off with it.
 */
export function fragileTerminal(environment: { readonly [name: string]: string | undefined }): readonly Line[] {
  if (environment.SSH_CONNECTION === undefined || environment.TMUX || environment.STY) return [];
  return [
    'This terminal ends with its SSH connection, and a run in it is cut off then (it can be resumed). Inside tmux or screen it is not.',
  ];
}
