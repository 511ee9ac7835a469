import type { Json } from './json.ts';
import type { ConnectionRow, Listed } from './survey.ts';

/** Ways in which a host may be in use. `unknown`: what of it could not be seen. */
export const useKinds = ['connections', 'sessions', 'roles', 'exports', 'load', 'unknown'] as const;
export type UseKind = (typeof useKinds)[number];

/**
 * Something that stands in a step's way and may go away by itself, as a user of the host does. `gate` is its kind: what somebody answers for.
 * `key` tells it from others of its kind and stays the same when it is found once more.
 */
export interface Find {
  readonly gate: string;
  readonly key: string;
  /** For people: one printable line. */
  readonly words: string;
}

/** Who answered by name for finds of one kind, and the keys of those that were there when they did. */
export interface Answered {
  readonly gate: string;
  readonly by: string;
  readonly reason: string;
  /** Id of their statement. */
  readonly statement: string;
  readonly keys: readonly string[];
}

/** Who answers for a find; undefined where nobody does, as it is of another kind or was not there when they answered. */
export const answeringFor = (answers: readonly Answered[], { gate, key }: Find): Answered | undefined =>
  answers.findLast((answer) => answer.gate === gate && answer.keys.includes(key));

/** The finds in a list that was kept beside the log; what it holds besides is left out. */
export const findsIn = (list: Json): readonly Find[] =>
  (Array.isArray(list) ? list : []).flatMap((one) => {
    const { gate, key, words } = (one ?? {}) as { readonly [name: string]: Json };
    return typeof gate === 'string' && typeof key === 'string' && typeof words === 'string'
      ? [{ gate, key, words }]
      : [];
  });

/** A connection that was there during a watch, and how often it was met. */
export interface WatchedRow extends Omit<ConnectionRow, 'inside'> {
  /** In how many samples. */
  readonly samples: number;
  /** It was there when the watch began. */
  readonly early: boolean;
  /** Only its last rest was seen (TIME-WAIT): it had ended before it was looked at. */
  readonly closed: boolean;
}

/** What came and went on a host while it was watched: sockets, looked at again and again by one command. */
export interface Watched {
  /** Milliseconds that count: a time in which nobody looked does not. */
  readonly watched: number;
  readonly samples: number;
  /** The longest time between two looks, in milliseconds. */
  readonly gap: number;
  readonly connections: Listed<WatchedRow>;
}
