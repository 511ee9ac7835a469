import { printable } from '../../core/printable.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import type { Listed } from '../../core/survey.ts';
import { decode } from './plain-text.ts';

/** What one source of the survey brought: its lines, or why there are none. `text` of a source that is missing something is what came before. */
export type Answer =
  | { readonly how: 'read'; readonly exit: number; readonly lines: readonly string[] }
  | { readonly how: 'absent' }
  | { readonly how: 'unread'; readonly trouble: Trouble };

export interface Answers {
  readonly host: string;
  readonly root: boolean;
  /** Why it was not asked as root, where it was not. */
  readonly noRoot?: Trouble;
  readonly of: (source: string) => Answer;
}

/** Rows of one list that are kept. */
const most = 500;

/**
 * Reads what the script of the survey wrote; undefined if it never began. A line counts for the source whose name stands before it, and for no other, so
 * content cannot end its source or begin another. Of two sources with one name the first stands.
 */
export function readAnswers(bytes: Uint8Array, host: string, noRoot?: Trouble): Answers | undefined {
  const lines = decode(bytes).split('\n');
  const head = /^decom survey 1 (\d+)$/.exec(lines[0] ?? '');
  if (head === null) return undefined;
  const whole = lines.at(-2) === 'decom survey end' && lines.at(-1) === '';
  const sources = new Map<string, Answer>();
  let open: { readonly name: string; readonly lines: string[] } | undefined;
  const close = (ended: boolean): void => {
    if (open !== undefined && !sources.has(open.name))
      sources.set(open.name, answer(open.name, open.lines, ended, host));
    open = undefined;
  };
  for (const line of lines.slice(1)) {
    const [, sign, name = '', why] = /^([<>!~])([a-z]+)(?: (absent|closed|unlimited))?$/.exec(line) ?? [];
    if (sign === '<') {
      close(false);
      open = { name, lines: [] };
    } else if (sign === '>' && name === open?.name) close(true);
    else if (sign === '~' && name === open?.name) open = undefined;
    else if (sign === '!' && why !== undefined) {
      close(false);
      if (!sources.has(name)) sources.set(name, refused(name, why, host, noRoot));
    } else if (open !== undefined && line.startsWith(`${open.name}|`))
      open.lines.push(line.slice(open.name.length + 1));
  }
  close(false);
  const never: Answer = whole
    ? { how: 'absent' }
    : unread('survey-cut', `${host} broke off before its "SOURCE" came`, 'Ask again: decom plan');
  return {
    host,
    root: head[1] === '0',
    ...(noRoot === undefined ? {} : { noRoot }),
    of: (source) => sources.get(source) ?? naming(never, source),
  };
}

function answer(name: string, lines: readonly string[], ended: boolean, host: string): Answer {
  const last = lines.findLastIndex((line) => line !== '');
  const exit = ended ? /^%exit (\d{1,3})$/.exec(lines[last] ?? '')?.[1] : undefined;
  if (exit === undefined) {
    return unread(
      'survey-cut',
      `"${name}" of the survey of ${host} did not come to its end: it hung, or printed more than is read`,
      'See what the program prints there, and whether it ends. A dead NFS server or a wrapper may stand behind it.',
    );
  }
  if (exit === '127') return { how: 'absent' };
  return { how: 'read', exit: Number(exit), lines: lines.slice(0, last).filter((line) => line !== '') };
}

function refused(name: string, why: string, host: string, noRoot: Trouble | undefined): Answer {
  switch (why) {
    case 'absent':
      return { how: 'absent' };
    case 'closed':
      return { how: 'unread', trouble: needsRoot(host, `"${name}" of the survey`, noRoot) };
    default:
      return unread(
        'no-timeout',
        `"${name}" of the survey of ${host} was not asked: it might hang, and there is no timeout(1) with setsid(1)`,
        'Install coreutils and util-linux, or a BusyBox that has both.',
      );
  }
}

export const needsRoot = (host: string, what: string, noRoot?: Trouble): Trouble =>
  trouble(
    'needs-root',
    `${what} of ${host} can be read by root only${noRoot === undefined ? '' : `: ${noRoot.what}`}`,
    noRoot?.fix ?? `Set ssh.sudo: true for ${host} in hosts.yaml, and allow it in sudoers.`,
  );

const unread = (code: string, what: string, fix: string): Answer => ({
  how: 'unread',
  trouble: trouble(code, what, fix),
});

const naming = (answer: Answer, source: string): Answer =>
  answer.how === 'unread'
    ? { ...answer, trouble: { ...answer.trouble, what: answer.trouble.what.replace('SOURCE', source) } }
    : answer;

/** The lines of a source that was read and ended well; otherwise none, and why goes to `lacks`. A program that is not there lacks nothing. */
export function linesOf(
  answers: Answers,
  source: string,
  lacks: Trouble[],
  fine: readonly number[] = [0],
): readonly string[] {
  const answer = answers.of(source);
  if (answer.how === 'unread') lacks.push(answer.trouble);
  if (answer.how !== 'read') return [];
  if (!fine.includes(answer.exit)) lacks.push(failed(answers, source, answer.exit, answer.lines));
  return fine.includes(answer.exit) ? answer.lines : [];
}

const failed = (answers: Answers, source: string, exit: number, lines: readonly string[]): Trouble => {
  const detail = lines
    .slice(0, 3)
    .map((line) => clean(line))
    .join('\n');
  return !answers.root && /permission denied|not permitted|must be root|access denied/i.test(detail)
    ? needsRoot(answers.host, `"${source}" of the survey`, answers.noRoot)
    : trouble(
        'survey-failed',
        `"${source}" of the survey of ${answers.host} ended with ${exit}`,
        'Ask there by hand what is wrong with it.',
        ...(detail === '' ? [] : [detail]),
      );
};

/** Text from the host as it may be shown: one printable line of at most `limit` characters. */
export const clean = (text: string, limit = 300): string => {
  const line = printable(text.trim());
  return line.length > limit ? `${line.slice(0, limit).toWellFormed()}…` : line;
};

/** A list of what was read, capped. */
export const listed = <T>(rows: readonly T[], lacks: readonly Trouble[] = []): Listed<T> => ({
  rows: rows.slice(0, most),
  total: rows.length,
  ...(lacks.length === 0 ? {} : { lacks }),
});

/** Lines that were not understood make a list incomplete: something stands in them that nobody has seen. */
export const strangeLines = (answers: Answers, source: string, lines: readonly string[]): readonly Trouble[] =>
  lines.length === 0
    ? []
    : [
        trouble(
          'survey-strange',
          `${lines.length} of the lines of "${source}" of ${answers.host} could not be understood`,
          'Look there by hand at what it prints.',
          lines
            .slice(0, 3)
            .map((line) => clean(line, 120))
            .join('\n'),
        ),
      ];

/** Splits rows that could be read from lines that could not. */
export function rowsOf<T>(
  answers: Answers,
  source: string,
  lines: readonly string[],
  read: (line: string) => T | undefined | null,
  lacks: Trouble[],
): readonly T[] {
  const strange: string[] = [];
  const rows = lines.flatMap((line) => {
    const row = read(line);
    if (row === undefined) strange.push(line);
    return row === undefined || row === null ? [] : [row];
  });
  lacks.push(...strangeLines(answers, source, strange));
  return rows;
}
