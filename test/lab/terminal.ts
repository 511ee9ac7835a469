import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from './poll.ts';

/** A shell in a real pseudo-terminal (tmux), typed into and looked at as a person would. */
export interface Terminal {
  /** Types text as it is, without Enter. */
  type(text: string): void;
  /** Presses keys by their tmux names: Enter, C-c, C-d. */
  press(...keys: readonly string[]): void;
  /** What the terminal shows, from the first line on; what it broke itself at its edge is one line. */
  text(): string;
  /** Waits until its last line that is not empty ends so. */
  endsWith(text: string): Promise<void>;
  /** Waits until it shows a text anywhere. */
  shows(text: string | RegExp): Promise<void>;
  /** Every byte that was written to it. */
  bytes(): Uint8Array;
  cursorShown(): boolean;
  /** Closes it, as a lost connection does: whatever runs in it gets SIGHUP. */
  close(): void;
}

let opened = 0;

export function openTerminal(folder: string, columns = 160): Terminal {
  const socket = join(folder, `tmux-${opened++}`);
  const log = `${socket}.bytes`;
  const tmux = (...args: readonly string[]): string =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' });
  const settings = Object.entries({ HOME: folder, LC_ALL: 'C.UTF-8', PS1: '$ ' }).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ]);
  tmux('new-session', '-d', '-x', String(columns), '-y', '50', ...settings, '-c', folder, 'sh');
  tmux('set-option', '-g', 'history-limit', '50000');
  tmux('pipe-pane', `cat > ${log}`);
  const text = (): string => tmux('capture-pane', '-p', '-J', '-S', '-');
  const waited = async (what: string, there: (seen: string) => boolean): Promise<void> => {
    let seen = '';
    try {
      await poll(what, () => {
        seen = text();
        return there(seen) ? true : undefined;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n--- the terminal shows:\n${seen.trimEnd()}`);
    }
  };
  return {
    type: (keys) => tmux('send-keys', '-l', keys),
    press: (...keys) => tmux('send-keys', ...keys),
    text,
    endsWith: (end) => waited(`"${end}" at the end`, (seen) => seen.trimEnd().endsWith(end)),
    shows: (wanted) =>
      waited(String(wanted), (seen) => (typeof wanted === 'string' ? seen.includes(wanted) : wanted.test(seen))),
    bytes: () => readFileSync(log),
    cursorShown: () => tmux('display-message', '-p', '#{cursor_flag}').trim() === '1',
    close: () => {
      tmux('kill-server');
      rmSync(socket, { force: true });
    },
  };
}
