import { maxLine } from './chain.ts';

/** What a line of a log holds, before anything of it is checked. */
export interface Parsed {
  readonly v: unknown;
  readonly seq: unknown;
  readonly ts: unknown;
  readonly type: unknown;
  readonly prev: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** An object on a line, and its text without the newline; undefined where the bytes, which end in a newline, are no such line. */
export function parsedLine(line: Uint8Array): { readonly value: Parsed; readonly text: string } | undefined {
  if (line.length > maxLine) return undefined;
  try {
    const text = decoder.decode(line).slice(0, -1);
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return { value: value as Parsed, text };
  } catch {
    return undefined;
  }
}

/** What a log holds from its first damaged line on. */
export interface Damage {
  /** How much of it was taken. */
  readonly bytes: number;
  take(bytes: Uint8Array): void;
  /** What is wrong with it; undefined where a crash can explain it. */
  breach(): string | undefined;
}

/** `at` is where the damaged line begins in the log. */
export function newDamage(at: number): Damage {
  let bytes = 0;
  let lines = 0;
  let followed = false;
  /** The line that is being taken, as far as it can still be a good one. */
  let held: readonly Uint8Array[] = [];
  let length = 0;
  const sectors = zeroSectors(at);

  const hold = (part: Uint8Array): void => {
    length += part.length;
    held = length > maxLine ? [] : [...held, part.slice()];
  };
  const takeLines = (part: Uint8Array): void => {
    let from = 0;
    while (!followed) {
      const end = part.indexOf(0x0a, from) + 1;
      hold(part.subarray(from, end === 0 ? undefined : end));
      if (end === 0) return;
      lines++;
      followed = length <= maxLine && parsedLine(Buffer.concat(held)) !== undefined;
      held = [];
      length = 0;
      from = end;
    }
  };
  return {
    get bytes() {
      return bytes;
    },
    take(part) {
      bytes += part.length;
      sectors.take(part);
      takeLines(part);
    },
    breach: () =>
      followed
        ? 'the line is damaged, and good lines follow it'
        : lines === 0 || sectors.any()
          ? undefined
          : 'the line is damaged, and no crash leaves such a line',
  };
}

const sector = 512;

/** Looks for a sector of the disk that is all zero, as far as it lies in the bytes that are taken, which begin at `at`. */
function zeroSectors(at: number): { take(bytes: Uint8Array): void; any(): boolean } {
  let place = at;
  let zero = true;
  let found = false;
  return {
    take(bytes) {
      for (let from = 0; from < bytes.length && !found; ) {
        if (place % sector === 0) zero = true;
        const end = Math.min(bytes.length, from + sector - (place % sector));
        zero = zero && bytes.subarray(from, end).every((byte) => byte === 0);
        place += end - from;
        from = end;
        if (place % sector === 0) found = zero;
      }
    },
    // The last one may be cut off by the end of the log.
    any: () => found || (zero && place > at && place % sector !== 0),
  };
}
