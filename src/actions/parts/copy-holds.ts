import type { Setting } from '../../core/action.ts';
import type { CopyDescription } from '../../core/probe.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import type { BackupInput } from './backup-input.ts';

export function notThisCopy(
  to: string,
  { from, exclude = [] }: BackupInput,
  { host }: Setting,
  method: CopyDescription['method'],
  about: CopyDescription | null,
): Trouble | undefined {
  const set = (list: readonly string[]) => JSON.stringify([...list].sort());
  const wrong =
    about === null
      ? 'has no description'
      : about.serial !== host.serial
        ? `is of the machine with serial "${about.serial}", not "${host.serial}"`
        : set(about.from) !== set(from)
          ? `holds ${about.from.join(', ')}, not ${from.join(', ')}`
          : set(about.exclude) !== set(exclude)
            ? 'was made with other exclusions'
            : about.method !== method
              ? `was made by ${about.method}, not ${method}`
              : undefined;
  return wrong === undefined
    ? undefined
    : trouble('copy-of-other', `the copy ${to} ${wrong}`, 'Move that folder away, or give another "to".');
}

export const emptyCopy = (copy: string, about: CopyDescription): Trouble | undefined =>
  about.entries > 0
    ? undefined
    : trouble('copy-empty', `the copy ${copy} holds nothing`, 'Look at the paths on the host and at "exclude".');

/** Nothing is lost with a socket, which holds no data, or with a file that was gone before it was read. */
const harmless = /\bsocket\b|vanished|removed before we read/i;
/** Copied, but not of one moment: whether it matches is for the restore to show, file by file. */
const moving = /changed as we read|shrank by/i;

/** Files that changed while they were copied, by name: expected as long as services run, and no proof of them. */
export const changed = (about: CopyDescription): readonly string[] =>
  about.unread.filter(({ why }) => moving.test(why)).map(({ name }) => name);

/** Trouble where the source could not give what a copy must hold. */
export function notAllRead(copy: string, about: CopyDescription, { host }: Setting): Trouble | undefined {
  const lost = about.unread.filter(({ why }) => !harmless.test(why) && !moving.test(why));
  // Beyond those that are listed, nobody knows why.
  const count = lost.length + Math.max(0, (about.unread_count ?? 0) - about.unread.length);
  if (count === 0) return undefined;
  const first = lost.slice(0, 10).map(({ name, why }) => (name === '' ? why : `${name} (${why})`));
  const more = count > first.length ? ` and ${count - first.length} more` : '';
  const entries =
    count === 1
      ? '1 entry could not be read at the source and is'
      : `${count} entries could not be read at the source and are`;
  return trouble(
    'copy-has-gaps',
    `${entries} not in ${copy}: ${first.join(', ')}${more}`,
    `Make them readable (root, or ssh.sudo), or leave them out by name with "exclude"; then have the step done once more: decom replan ${host.name} --redo ${madeBy(copy)}`,
  );
}

/** The step that made a copy, by its folder: `<plan>-<step>`, where a plan's id has no dash. */
const madeBy = (copy: string): string => copy.slice(copy.lastIndexOf('/') + 1).replace(/^[^-]*-/, '');
