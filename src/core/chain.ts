import type { Event, EventOf, Recorded, Unsigned } from './event.ts';
import { type Execution, emptyExecution, fold } from './execution.ts';
import { jcs, sha256 } from './json.ts';
import { statementFault } from './statement.ts';

/** Greatest length of a journal line in bytes, its newline included. */
export const maxLine = 65_535;

/** Where a chain stands: how many lines, and the SHA-256 of the last one's bytes (the intent digest before the first). */
export interface Head {
  readonly size: number;
  readonly hash: string;
}

export interface Line {
  readonly bytes: Uint8Array;
  readonly recorded: Recorded;
  readonly head: Head;
}

/** The next line of a chain: canonical JSON with `v, seq, ts, prev`, and a newline. Throws a RangeError beyond `maxLine`. */
export function nextLine(head: Head, event: Event, ts: string): Line {
  const recorded = { v: 1, seq: head.size, ts, ...event } as Recorded;
  const bytes = new TextEncoder().encode(`${jcs({ ...recorded, prev: head.hash })}\n`);
  if (bytes.length > maxLine)
    throw new RangeError(`a ${event.type} record of ${bytes.length} bytes is longer than ${maxLine}`);
  return { bytes, recorded, head: { size: head.size + 1, hash: sha256(bytes) } };
}

/**
 * What of a signed line is signed: its bytes as they would be without the signature, newline included. They hold the line's number and,
 * as `prev`, the hash of the line before it, and so everything that came before.
 */
export const signedBytes = (head: Head, event: Unsigned, ts: string): Uint8Array =>
  nextLine(head, event as Event, ts).bytes;

/** A line that carries a signature, and what of it was signed. `line` counts from 1. */
export interface SignedLine {
  readonly line: number;
  readonly recorded: Recorded<EventOf<'session.opened'> | EventOf<'checkpoint'>>;
  readonly bytes: Uint8Array;
}

/** What is wrong with a log, and where. `line` counts from 1. */
export interface Breach {
  readonly line: number;
  readonly what: string;
}

/**
 * What the bytes of a log hold. `events` are the good lines from the start; `good` is their length in bytes; `torn` is a broken
 * last line that a crash can explain (no good line follows it); `breach` is one that no crash explains.
 */
export interface Reading {
  readonly events: readonly Recorded[];
  readonly good: number;
  readonly head: Head;
  readonly torn: number;
  readonly breach: Breach | undefined;
  /** The good lines that carry a signature. None of them is verified here. */
  readonly signed: readonly SignedLine[];
}

/**
 * Walks the bytes of a log and checks form, order and chain of every line. `first` is the `prev` of the first line (the intent digest),
 * or undefined to take the first line's word for it.
 * A last line is torn if it lacks its newline, or if a 512-byte sector of it is all zero (etcd's rule: sectors of one write may reach
 * the disk in any order). Damage of any other kind is not what a crash leaves, and is a breach.
 */
export function readChain(bytes: Uint8Array, first: string | undefined): Reading {
  const events: Recorded[] = [];
  const signed: SignedLine[] = [];
  let execution = emptyExecution;
  let head: Head = { size: 0, hash: first ?? '' };
  let at = 0;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  while (at < bytes.length) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline === -1 ? bytes.length : newline + 1;
    const line = bytes.subarray(at, end);
    const parsed = parse(decoder, line, newline !== -1);
    if (parsed === undefined) {
      const damaged = (what: string): Breach => ({ line: head.size + 1, what });
      const breach = goodLineAfter(decoder, bytes, end)
        ? damaged('the line is damaged, and good lines follow it')
        : newline === -1 || holdsZeroSector(bytes, at)
          ? undefined
          : damaged('the line is damaged, and no crash leaves such a line');
      return { events, signed, good: at, head, torn: bytes.length - at, breach };
    }
    const expected = head.size === 0 && first === undefined ? parsed.prev : head.hash;
    const wrong = complaint(parsed, head.size, expected, line);
    if (wrong !== undefined)
      return { events, signed, good: at, head, torn: 0, breach: { line: head.size + 1, what: wrong } };
    const { prev: _, ...recorded } = parsed;
    const folded = folds(execution, recorded as unknown as Recorded);
    if (folded === undefined) {
      return {
        events,
        signed,
        good: at,
        head,
        torn: 0,
        breach: { line: head.size + 1, what: 'the line is none that decom writes' },
      };
    }
    execution = folded;
    events.push(recorded as unknown as Recorded);
    if ('signature' in recorded) signed.push(signedLine(parsed, head.size + 1));
    head = { size: head.size + 1, hash: sha256(line) };
    at = end;
  }
  return { events, signed, good: at, head, torn: 0, breach: undefined };
}

function signedLine(parsed: Parsed, line: number): SignedLine {
  const { signature: _, ...unsigned } = parsed as Parsed & { readonly signature: unknown };
  const { prev: __, ...recorded } = parsed;
  return {
    line,
    recorded: recorded as unknown as SignedLine['recorded'],
    bytes: new TextEncoder().encode(`${jcs(unsigned)}\n`),
  };
}

/** What `validate` lets a step be called. */
const stepId = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** One event further; undefined for a line that is well chained and still no event: somebody else wrote it. */
function folds(execution: Execution, event: Recorded): Execution | undefined {
  if ('step' in event && !(typeof event.step === 'string' && stepId.test(event.step))) return undefined;
  if (!wellSigned(event)) return undefined;
  if (event.type === 'statement.taken' && statementFault(event.statement) !== undefined) return undefined;
  try {
    return fold(execution, event) as Execution | undefined;
  } catch {
    return undefined;
  }
}

/** Whether what a signature rests on has the shape that it is read in: a forged line must not end the reader. */
function wellSigned(event: object): boolean {
  if ('signature' in event && typeof event.signature !== 'string') return false;
  if (!('seal' in event)) return true;
  const { key, principal } = (event.seal ?? {}) as { readonly key?: unknown; readonly principal?: unknown };
  return typeof key === 'string' && typeof principal === 'string';
}

interface Parsed {
  readonly v: unknown;
  readonly seq: unknown;
  readonly ts: unknown;
  readonly type: unknown;
  readonly prev: string;
}

function parse(decoder: Decoder, line: Uint8Array, whole: boolean): Parsed | undefined {
  if (!whole || line.length > maxLine) return undefined;
  try {
    const value: unknown = JSON.parse(decoder.decode(line));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Parsed;
  } catch {
    return undefined;
  }
}

function complaint(line: Parsed, seq: number, prev: string, bytes: Uint8Array): string | undefined {
  if (line.v !== 1) return 'unknown format version';
  if (line.seq !== seq) return `the line is numbered ${String(line.seq)} where ${seq} belongs`;
  if (typeof line.ts !== 'string' || typeof line.type !== 'string') return 'the line lacks a time or a type';
  if (line.prev !== prev) {
    return seq === 0
      ? 'the first line does not belong to this plan'
      : `the line before this one was changed (line ${seq})`;
  }
  let canonical: string;
  try {
    canonical = `${jcs(line)}\n`;
  } catch (error) {
    return `the line is not canonical JSON: ${(error as Error).message}`;
  }
  if (Buffer.compare(Buffer.from(canonical), bytes) !== 0) return 'the line is not canonical JSON';
  return undefined;
}

function holdsZeroSector(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; ) {
    const end = Math.min(bytes.length, at - (at % 512) + 512);
    if (bytes.subarray(at, end).every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}

function goodLineAfter(decoder: Decoder, bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (at < bytes.length) {
    const newline = bytes.indexOf(0x0a, at);
    if (newline === -1) return false;
    if (parse(decoder, bytes.subarray(at, newline + 1), true) !== undefined) return true;
    at = newline + 1;
  }
  return false;
}

interface Decoder {
  decode(bytes: Uint8Array): string;
}
