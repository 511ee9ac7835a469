import { sha256 } from './json.ts';
import type { Result } from './result.ts';

/**
 * The SHA-256 of a log's line, newline included. `read` gives the log's bytes from a place on, as `LogReader` takes them; `line` counts
 * from 1. Undefined where the log has no such whole line, or cannot be read.
 */
export function lineHash(read: (at: number) => Result<Uint8Array>, line: number): string | undefined {
  let at = 0;
  for (let n = 1; ; ) {
    const bytes = read(at);
    if (!bytes.ok) return undefined;
    let from = 0;
    for (let end = bytes.value.indexOf(0x0a) + 1; end > 0; end = bytes.value.indexOf(0x0a, from) + 1) {
      if (n === line) return sha256(bytes.value.subarray(from, end));
      n++;
      from = end;
    }
    if (from === 0) return undefined;
    at += from;
  }
}
