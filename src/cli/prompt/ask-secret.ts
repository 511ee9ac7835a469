import type { Keyboard } from './keyboard.ts';

export interface AskSecretSettings {
  readonly keyboard: Keyboard;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  /** The terminal takes cursor codes. */
  readonly rich: boolean;
  readonly signal: AbortSignal;
}

/**
 * Asks for a secret without showing it; undefined where none was given. A terminal that takes cursor codes shows a star for each
 * character, others nothing. Nothing is decided by a secret, so a key pressed too early only makes it wrong.
 */
export async function askSecret(question: string, settings: AskSecretSettings): Promise<string | undefined> {
  const { keyboard, stdin, stderr, rich, signal } = settings;
  if (!rich) {
    const typed = await keyboard.line(`${question}: `, { quiet: 0, hidden: true, signal });
    return typed.typed === 'line' ? typed.text : undefined;
  }
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ input: stdin, output: stderr });
  // The library never settles when its input ends, and would let the process end as if all were well.
  let ended = () => {};
  const end = new Promise<undefined>((resolve) => {
    ended = () => resolve(undefined);
    stdin.once('end', ended);
    signal.addEventListener('abort', ended, { once: true });
  });
  try {
    const asked = prompt([{ type: 'password', name: 'secret', message: question, mask: '*' }]).then(
      ({ secret }: { readonly secret: string }) => secret,
      () => undefined,
    );
    return await Promise.race([asked, end]);
  } finally {
    stdin.off('end', ended);
    signal.removeEventListener('abort', ended);
  }
}
