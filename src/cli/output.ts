import { printable } from '../core/printable.ts';
import type { Trouble } from '../core/result.ts';
import { version } from './version.ts';
import { type Line, type Look, render } from './view/text.ts';
import { troubleLines } from './view/trouble.ts';

/** One line of `--json`: `type`, `ts` and `message` are on every one; readers ignore keys and types that they do not know. */
export interface Message {
  readonly type: string;
  /** The same in words, for a reader that does not know the type. */
  readonly message: string;
  readonly [key: string]: unknown;
}

/** Where a command speaks: results to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  /** A result: its lines, or with `--json` its message. */
  result(message: Message, lines: readonly Line[]): void;
  /** A result that is a document of its own, whose lines stand as they are. */
  document(message: Message, text: string): void;
  /** Something that happens on the way, for a machine: a message with `--json`, else nothing. */
  event(message: Message): void;
  /** Something on the way, for a person; never a result. */
  note(lines: readonly Line[]): void;
  /** What went wrong, and what to do now. */
  trouble(trouble: Trouble): void;
}

export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The version of the `--json` form: a greater minor adds keys and types, a greater major must be refused. */
export const jsonForm = '1.0';

export function openOutput(
  streams: Streams,
  looks: { readonly stdout: Look; readonly stderr: Look },
  json: boolean,
  now: () => Date,
): Output {
  const emit = ({ type, message, ...rest }: Message) => {
    const line = { type, ts: now().toISOString(), message: printable(message), ...rest };
    streams.stdout.write(`${JSON.stringify(line)}\n`);
  };
  if (json) emit({ type: 'version', message: `decom ${version}`, decom: version, ui: jsonForm });
  return {
    json,
    result(message, lines) {
      if (json) emit(message);
      else streams.stdout.write(render(lines, looks.stdout));
    },
    document(message, text) {
      if (json) emit(message);
      else streams.stdout.write(text.replace(/[^\n]+/g, printable));
    },
    event(message) {
      if (json) emit(message);
    },
    note(lines) {
      streams.stderr.write(render(lines, looks.stderr));
    },
    trouble(trouble) {
      if (json) emit({ type: 'error', message: trouble.what, ...trouble });
      streams.stderr.write(render(troubleLines(trouble), looks.stderr));
    },
  };
}
