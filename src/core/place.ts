import { type Trouble, trouble } from './result.ts';
import { shellWord } from './shell-word.ts';

/** Where copies are kept: a folder here, or one on a helper, written `HELPER:PATH`. */
export interface Place {
  readonly on: 'control' | (string & {});
  /** Absolute. */
  readonly path: string;
}

/** A place as people write it. */
export const placePattern = '^(?:(?!(?:host|control):)[a-z0-9][a-z0-9-]{0,62}:)?/';

/** Reads a place that fits the pattern. */
export function placeOf(text: string): Place {
  const colon = text.startsWith('/') ? -1 : text.indexOf(':');
  return colon === -1 ? { on: 'control', path: text } : { on: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** Writes a place as it is read. */
export const placeText = ({ on, path }: Place): string => (on === 'control' ? path : `${on}:${path}`);

/** The folder here that is to hold copies is not there. `above`: the nearest folder above it that is. */
export const folderMissing = (path: string, above: string): Trouble =>
  trouble(
    'no-folder',
    `the folder for copies is not there; ${path} was named, and of that only ${above} exists here`,
    `Mount what holds it, or correct the path; if it is to lie on this machine's own disk, make it: mkdir -p ${shellWord(path)}`,
  );

/** Where it is, for people: `here`, or `on vault`. */
export const whereWords = (on: Place['on']): string => (on === 'control' ? 'here' : `on ${on}`);
