import { Chalk } from 'chalk';
import type { Look, Tone } from './view/text.ts';

/** What decides how a stream is written to. */
export interface LookSettings {
  readonly environment: { readonly [name: string]: string | undefined };
  /** `--no-color` */
  readonly noColor: boolean;
  /** `--accessible` or DECOM_ACCESSIBLE=1: plain lines, no cursor codes, no animation. */
  readonly accessible: boolean;
}

/** Whether a stream may carry escape sequences at all. */
export function mayEscape(stream: { readonly isTTY?: boolean }, settings: LookSettings): boolean {
  const { environment } = settings;
  if (stream.isTTY !== true || settings.noColor || settings.accessible) return false;
  return !environment.NO_COLOR && environment.TERM !== 'dumb';
}

/** Whether the locale can show more than ASCII (POSIX order of variables; an unset locale is "C"). */
export function hasUnicode(environment: LookSettings['environment'], platform: string = process.platform): boolean {
  if (platform === 'win32') return true;
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || 'C';
  return /utf-?8/i.test(locale);
}

export function lookFor(stream: { readonly isTTY?: boolean; readonly columns?: number }, settings: LookSettings): Look {
  const unicode = hasUnicode(settings.environment);
  // Asked for at every line: a window is resized while a run goes on.
  const width = stream.isTTY === true ? { columns: () => stream.columns } : {};
  if (!mayEscape(stream, settings)) return { paint: (_, text) => text, unicode, ...width };
  const chalk = new Chalk({ level: 1 });
  const paint = (tone: Tone, text: string): string => {
    switch (tone) {
      case 'strong':
        return chalk.bold(text);
      case 'dim':
        return chalk.dim(text);
      case 'good':
        return chalk.green(text);
      case 'bad':
        return chalk.red.bold(text);
      case 'warn':
        return chalk.yellow(text);
      case 'ask':
        return chalk.cyan(text);
    }
  };
  return { paint, unicode, ...width };
}
