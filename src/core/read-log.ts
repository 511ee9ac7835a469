import { isCanonical } from './canonical.ts';
import { type Breach, type Head, maxLine } from './chain.ts';
import { type Damage, newDamage, type Parsed, parsedLine } from './damage.ts';
import type { Recorded } from './event.ts';
import type { Folding } from './fold.ts';
import { sha256 } from './json.ts';
import { wellReferred } from './referred-blobs.ts';
import { statementFault } from './statement.ts';

/**
 * What the bytes of a log hold. `good` is the length of its good lines in bytes, from the start; `torn` that of a broken last line that a
 * crash can explain (no good line follows it); `breach` is one that no crash explains.
 */
export interface Reading {
  readonly good: number;
  readonly head: Head;
  readonly torn: number;
  readonly breach: Breach | undefined;
}

/** A good line, at the moment when it is read. */
export interface GoodLine {
  /** From 1. */
  readonly line: number;
  /** All that stands on the line. A signature is not verified here. */
  readonly recorded: Recorded;
  /** The SHA-256 of its bytes. */
  readonly hash: string;
}

export interface LogReader {
  /** How many bytes were taken: the next ones are wanted from here. */
  readonly at: number;
  /**
   * Takes bytes of the log from `at` on: at least 64 KiB of them unless it ends before. Lines that are cut off by their end are wanted
   * again. False where there is nothing more to read, or nothing after it matters.
   */
  take(bytes: Uint8Array): boolean;
  reading(): Reading;
}

/**
 * Walks the bytes of a log and checks form, order and chain of every line, and that it is an event: that is, that it can be folded.
 * `first` is the `prev` of the first line (the intent digest), or undefined to take the first line's word for it. `visit` is told every
 * good line, in order.
 * A last line is torn if it lacks its newline, or if a 512-byte sector of it is all zero (etcd's rule: sectors of one write may reach
 * the disk in any order). Damage of any other kind is not what a crash leaves, and is a breach.
 */
export function logReader(
  first: string | undefined,
  folding: Pick<Folding, 'add'>,
  visit: (line: GoodLine) => void = () => undefined,
): LogReader {
  let head: Head = { size: 0, hash: first ?? '' };
  let good = 0;
  let breach: string | undefined;
  let damage: Damage | undefined;

  /** Undefined for a line that is damaged, else whether it is good. */
  const takeLine = (line: Uint8Array): boolean | undefined => {
    const parsed = parsedLine(line);
    if (parsed === undefined) return undefined;
    const expected = head.size === 0 && first === undefined ? parsed.value.prev : head.hash;
    breach = complaint(parsed, head.size, expected, line) ?? notFolded(folding, parsed.value);
    if (breach !== undefined) return false;
    const recorded = parsed.value as unknown as Recorded;
    head = { size: head.size + 1, hash: sha256(line) };
    good += line.length;
    visit({ line: head.size, recorded, hash: head.hash });
    return true;
  };

  return {
    get at() {
      return good + (damage?.bytes ?? 0);
    },
    take(bytes) {
      if (breach !== undefined || bytes.length === 0) return false;
      let from = 0;
      while (damage === undefined) {
        const end = bytes.indexOf(0x0a, from) + 1;
        if (end === 0) {
          // What is cut off is asked for again, from its first byte. What is still no line then is none.
          if (from > 0) return true;
          damage = newDamage(good);
          damage.take(bytes);
          return bytes.length >= maxLine;
        }
        const isGood = takeLine(bytes.subarray(from, end));
        if (isGood === false) return false;
        if (isGood === undefined) damage = newDamage(good);
        else from = end;
      }
      damage.take(bytes.subarray(from));
      return true;
    },
    reading() {
      const what = breach ?? damage?.breach();
      return {
        ...{ good, head, torn: damage?.bytes ?? 0 },
        breach: what === undefined ? undefined : { line: head.size + 1, what },
      };
    },
  };
}

/** Reads a whole log. `read` gives its bytes from a place on, as `LogReader` takes them. */
export function readLog(
  read: (at: number) => Uint8Array,
  first: string | undefined,
  folding: Pick<Folding, 'add'>,
  visit: (line: GoodLine) => void = () => undefined,
): Reading {
  const reader = logReader(first, folding, visit);
  while (reader.take(read(reader.at)));
  return reader.reading();
}

/** What `validate` lets a step be called. */
const stepId = /^[a-z0-9][a-z0-9-]{0,62}$/;
const foreign = 'the line is none that decom writes';
/** RFC 3339, UTC, with milliseconds: what is compared as text everywhere is compared in order. */
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Folds an event; says why not, of a line that is well chained and still no event: somebody else wrote it. */
function notFolded(folding: Pick<Folding, 'add'>, parsed: Parsed): string | undefined {
  const event = parsed as unknown as Recorded;
  if ('step' in event && !(typeof event.step === 'string' && stepId.test(event.step))) return foreign;
  if (!wellSigned(event) || !wellReferred(event)) return foreign;
  if (event.type === 'statement.taken' && statementFault(event.statement) !== undefined) return foreign;
  try {
    return folding.add(event) ? undefined : foreign;
  } catch {
    return foreign;
  }
}

/** Whether what a signature rests on has the shape that it is read in: a forged line must not end the reader. */
function wellSigned(event: object): boolean {
  if ('signature' in event && typeof event.signature !== 'string') return false;
  if ('signed' in event && event.signed !== null && typeof event.signed !== 'string') return false;
  if (!('seal' in event)) return true;
  const { key, principal } = (event.seal ?? {}) as { readonly key?: unknown; readonly principal?: unknown };
  return typeof key === 'string' && typeof principal === 'string';
}

function complaint(
  { value, text }: { readonly value: Parsed; readonly text: string },
  seq: number,
  prev: string,
  bytes: Uint8Array,
): string | undefined {
  if (value.v !== 1) return 'unknown format version';
  if (value.seq !== seq) return `the line is numbered ${String(value.seq)} where ${seq} belongs`;
  if (typeof value.ts !== 'string' || !time.test(value.ts) || typeof value.type !== 'string')
    return 'the line lacks a time or a type';
  if (value.prev !== prev) {
    return seq === 0
      ? 'the first line does not belong to this plan'
      : `the line before this one was changed (line ${seq})`;
  }
  try {
    // A decoder drops the mark of a byte order before a text.
    if (bytes[0] === 0x7b && isCanonical(text, value)) return undefined;
  } catch (error) {
    return `the line is not canonical JSON: ${(error as Error).message}`;
  }
  return 'the line is not canonical JSON';
}
